package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/pyyaml"
	"nowcast/workers"
	"nowcast/workers/builtin"
)

// workerProcess is this process as a worker sees it; stops are the signals that end it.
func (p *program) workerProcess(name string, args []string, stops ...os.Signal) workers.Process {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stops...)
	return workers.Process{Program: name, Args: args, LookupEnv: p.LookupEnv, Stdout: p.Stdout, Stderr: p.Stderr, Signals: signals}
}

// exitCode makes a worker's exit status that of this process.
func exitCode(status int) error {
	if status == 0 {
		return nil
	}
	return failure{nil, status}
}

func (p *program) worker() *cobra.Command {
	long := "Run a built-in worker, as the manager does when it launches one. `nowcastd worker NAME --help` shows\nits options.\n\nBuilt-in workers:\n"
	var names []string
	for _, w := range builtin.Workers() {
		long += fmt.Sprintf("  %-16s %s\n", w.Name, w.Description)
		names = append(names, w.Name)
	}
	return &cobra.Command{
		Use:                "worker NAME CONFIG [ARGS...]",
		Short:              "Run a built-in worker",
		Long:               long,
		Example:            "  nowcastd worker sleep nowcast.yaml --sleep-time 2\n  nowcastd worker sleep nowcast.yaml --debug   # no manager, log on the console",
		ValidArgs:          names,
		DisableFlagParsing: true, // they are the worker's
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
				return c.Help()
			}
			w, ok := builtin.Lookup(args[0])
			if !ok {
				return usage("%q is no built-in worker; they are %v. A worker of your own is started with `nowcastd launch`, or with `nowcastd run`", args[0], names)
			}
			return exitCode(w.Execute(p.workerProcess("nowcastd worker "+w.Name, args[1:], syscall.SIGINT, syscall.SIGTERM)))
		},
	}
}

func (p *program) runCommand() *cobra.Command {
	var job workers.Command
	c := &cobra.Command{
		Use:   "run --name WORKER CONFIG -- COMMAND [ARGS...]",
		Short: "Run any command as a worker",
		Long: `Run COMMAND as the worker WORKER: exit status 0 is reported as success, any other as failure. If
the last line of its standard output is a mapping in YAML or JSON, it is the payload of the
success message, which updates the checklist. What it writes goes to the log and to this
terminal. The exit status is that of COMMAND; 125 if the manager could not be told.

With --type T the messages are "success T" and "failure T".`,
		Example: "  nowcastd run --name make_plots --type 'nemo forecast' nowcast.yaml -- ./make_plots.sh 2031-05-17",
		Args: func(c *cobra.Command, args []string) error {
			if c.ArgsLenAtDash() != 1 || len(args) < 2 || job.Name == "" {
				return usage("usage: %s", c.UseLine())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			job.ConfigFile, job.Argv, job.Stdin = args[0], args[1:], os.Stdin
			status := workers.RunCommand(job, p.workerProcess("nowcastd run", nil, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP))
			if _, err := exec.LookPath(args[1]); err != nil && status > 0 {
				return failure{fmt.Errorf("the command was not run: %w", err), status} // the log may be far from this terminal
			}
			return exitCode(status)
		},
	}
	c.Flags().StringVar(&job.Name, "name", "", "the worker's name in message registry: workers (required)")
	c.Flags().StringVar(&job.Type, "type", "", "what follows success or failure in the message types")
	c.Flags().BoolVar(&job.Debug, "debug", false, "log to the console and do not talk to the manager")
	return c
}

func (p *program) send() *cobra.Command {
	var within time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "send [flags] CONFIG WORKER TYPE [PAYLOAD]",
		Short: "Send a message to the manager, as a worker would",
		Long: `Send one message and print the reply. PAYLOAD is YAML or JSON; "-" reads it from standard input;
without it the payload is null. Flags stand before CONFIG, so a payload may begin with a dash. Type and worker are checked against the message registry first.`,
		Example: `  nowcastd send nowcast.yaml make_plots success '{plots: [a.svg, b.svg]}'
  nowcastd send nowcast.yaml watch_NEMO need '"NEMO run"'`,
		Args: func(c *cobra.Command, args []string) error {
			if n := len(withoutDashes(args, 3)); n < 3 || n > 4 {
				return usage("usage: %s", c.UseLine())
			}
			if len(args) == 4 && strings.HasPrefix(args[3], "--") {
				return usage("%s would be the payload, and flags stand before CONFIG; if it is the payload, put -- before it", args[3])
			}
			return nil
		},
	}
	c.Flags().SetInterspersed(false)
	c.Flags().DurationVar(&within, "timeout", time.Minute, "how long to wait for the reply")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		args = withoutDashes(args, 3)
		n := workers.Note{ConfigFile: args[0], Name: args[1], Type: args[2], LookupEnv: p.LookupEnv,
			Log: slog.New(slog.NewTextHandler(p.Stderr, nil))}
		if len(args) == 4 {
			n.Payload = args[3]
		}
		if n.Payload == "-" {
			text, err := io.ReadAll(p.Stdin)
			if err != nil {
				return err
			}
			n.Payload = string(text)
		}
		ctx, cancel := context.WithTimeout(c.Context(), within)
		defer cancel()
		answer, err := workers.Send(ctx, n)
		if ctx.Err() != nil {
			return failure{err, exitNobody}
		}
		if err != nil {
			return err
		}
		if asJSON {
			payload, err := pyyaml.Decode([]byte(answer.Payload))
			if err != nil {
				return err
			}
			return p.json(map[string]any{"type": answer.Type, "words": answer.Words, "payload": plain(payload)})
		}
		fmt.Fprintf(p.Stdout, "%s: %s\n%s", answer.Type, answer.Words, answer.Payload)
		return nil
	}
	return c
}
