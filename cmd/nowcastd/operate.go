package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

func (p *program) json(v any) error {
	e := json.NewEncoder(p.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// jsonFlag adds --json.
func jsonFlag(c *cobra.Command, asJSON *bool) *cobra.Command {
	c.Flags().BoolVar(asJSON, "json", false, "print JSON")
	return c
}

// withSnapshot is a command that shows what the manager knows.
func (p *program) withSnapshot(c *cobra.Command, show func(cfg *config.Config, s *feed.Snapshot, args []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.find(args[0])
		if err != nil {
			return err
		}
		var s feed.Snapshot
		if err := p.call(c.Context(), cfg, message.ManagerName, control.CmdSnapshot, struct{}{}, &s); err != nil {
			return err
		}
		return show(cfg, &s, args[1:])
	}
	return c
}

// printable returns text that strangers wrote without what could steer a terminal or forge a line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// longestCell is how many characters a cell of a table shows; --json shows all.
const longestCell = 120

func short(s string) string {
	if r := []rune(s); len(r) > longestCell {
		s = string(r[:longestCell-1]) + "…"
	}
	return printable(s)
}

func (p *program) launch() *cobra.Command {
	var host string
	var asJSON bool
	c := &cobra.Command{
		Use:   "launch [flags] CONFIG MODULE [ARGS...]",
		Short: "Launch a worker, as a rule would",
		Long: `Ask the manager to launch a worker. It is recorded, tracked and shown like every other launch.
Flags stand before CONFIG: everything after MODULE belongs to the worker.`,
		Example: "  nowcastd launch nowcast.yaml nowcast.workers.make_plots nemo forecast publish --run-date 2031-05-17\n" +
			"  nowcastd launch --host cluster nowcast.yaml nowcast.workers.make_forcing",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage("usage: %s", c.UseLine())
			}
			return nil
		},
	}
	c.Flags().SetInterspersed(false)
	c.Flags().StringVar(&host, "host", launch.Localhost, "where: localhost, or a key of run: enabled hosts")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		a := control.LaunchArgs{NextWorker: launch.NextWorker{Module: args[1], Args: withoutDashes(args, 2)[2:], Host: host}}
		return p.change(c, args[0], control.CmdLaunch, a, asJSON, "launch %d of %s was requested\n")
	}
	return c
}

// withoutDashes removes a -- at that place, which ends the flags: they have ended at CONFIG already.
func withoutDashes(args []string, at int) []string {
	if len(args) > at && args[at] == "--" {
		return slices.Delete(slices.Clone(args), at, at+1)
	}
	return args
}

// change sends a command whose result is a launch.
func (p *program) change(c *cobra.Command, file, command string, args any, asJSON bool, text string) error {
	cfg, err := p.find(file)
	if err != nil {
		return err
	}
	var l launch.Launch
	if err := p.call(c.Context(), cfg, message.ManagerName, command, args, &l); err != nil {
		return err
	}
	if asJSON {
		return p.json(l)
	}
	fmt.Fprintf(p.Stdout, text, l.ID, l.NextWorker)
	return nil
}

func (p *program) kill() *cobra.Command {
	var signal string
	var asJSON bool
	c := &cobra.Command{
		Use:   "kill CONFIG LAUNCH",
		Short: "End a launch: send a signal, call it off, or give it up",
		Long: `Send a signal to the process group of a running launch. One that waits, as for its next attempt, is
called off. One whose process cannot be seen any more is given up: nothing is sent to it, and it may
still run where it is. The output says which of these was done.`,
		Example: "  nowcastd kill nowcast.yaml 17\n  nowcastd kill --signal KILL nowcast.yaml 17",
		Args:    configArg(1),
	}
	c.Flags().StringVar(&signal, "signal", "TERM", "TERM, INT or KILL")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return usage("%q is not a launch: give the number that `nowcastd status` shows", args[1])
		}
		cfg, err := p.find(args[0])
		if err != nil {
			return err
		}
		var k control.Killed
		if err := p.call(c.Context(), cfg, message.ManagerName, control.CmdKill, control.KillArgs{Launch: id, Signal: signal}, &k); err != nil {
			return err
		}
		if asJSON {
			return p.json(k)
		}
		fmt.Fprintf(p.Stdout, "launch %d of %s %s\n", k.ID, k.NextWorker, printable(k.Did))
		return nil
	}
	return c
}

func (p *program) checklist() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "checklist CONFIG [KEY]",
		Short: "Show the checklist, or the value at one of its keys",
		Long: `Print the checklist as YAML, as the manager has it now. With KEY print the value at that key;
exit code 1 if there is none. --json prints the same as JSON (dates as text, binary in base64, a set as a list).`,
		Example: "  nowcastd checklist nowcast.yaml\n  nowcastd checklist nowcast.yaml 'NEMO run'",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage("usage: %s", c.UseLine())
			}
			return nil
		},
	}
	return p.withSnapshot(jsonFlag(c, &asJSON), func(_ *config.Config, s *feed.Snapshot, args []string) error {
		v, err := pyyaml.Decode([]byte(s.Checklist))
		if err != nil {
			return err
		}
		if len(args) == 1 {
			m, _ := v.(*pyyaml.Map)
			value, ok := m.Get(args[0])
			if !ok {
				return fmt.Errorf("the checklist has no key %q", args[0])
			}
			v = value
		}
		if asJSON {
			return p.json(plain(v))
		}
		_, err = p.Stdout.Write(pyyaml.Encode(v))
		return err
	})
}

// plain turns a YAML value into what JSON can show.
func plain(v pyyaml.Value) any {
	switch v := v.(type) {
	case *pyyaml.Map:
		m := map[string]any{}
		for k, e := range v.All() {
			m[plainKey(k)] = plain(e)
		}
		return m
	case []pyyaml.Value:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = plain(e)
		}
		return l
	case *pyyaml.Set:
		l := make([]any, 0, v.Len())
		for e := range v.All() {
			l = append(l, plain(e))
		}
		return l
	case pyyaml.Binary:
		return []byte(v) // which JSON shows in base64
	case nil, bool, int64, string:
		return v
	case float64:
		if b, err := json.Marshal(v); err == nil {
			return json.RawMessage(b)
		}
	}
	return plainKey(v)
}

func plainKey(v pyyaml.Value) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(pyyaml.Encode(v)), []byte("..."))))
}
