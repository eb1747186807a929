// Command nowcast-tui is the console: it shows the launches, the checklist and the logs of a running system, live, and
// relaunches, kills and releases at the press of a key, after asking.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/tui"
	"nowcast/internal/tui/theme"
)

// Exit codes, the same as nowcastd's.
const (
	exitFailed = 1 // it was tried and did not succeed
	exitUsage  = 2 // the command line or the configuration is wrong
)

func main() {
	p := &program{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Environ: os.Environ()}
	os.Exit(p.run(os.Args[1:]))
}

// program is the command's way to the world outside.
type program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	Environ        []string
}

// usageError is a wrong command line.
type usageError struct{ error }

func (p *program) run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	root := p.command()
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(p.Stderr, "nowcast-tui:", err)
	var usage usageError
	var mistakes config.Errors
	if errors.As(err, &usage) || errors.As(err, &mistakes) {
		return exitUsage
	}
	return exitFailed
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "nowcast-tui CONFIG",
		Short: "Watch and steer a running nowcast system",
		Long: `nowcast-tui shows what the daemons that run with the configuration file CONFIG are doing:
launches, checklist and logs, live. ? shows the keys. It may be started before the daemons, and
connects as soon as they are there; closing it stops nothing.

Colour follows the terminal's palette and is never needed; NO_COLOR switches it off.
Exit codes: 0 done, 1 failed, 2 wrong command line or configuration.`,
		Example: `  nowcast-tui nowcast.yaml
  ssh -t ops@forecast nowcast-tui /opt/nowcast/nowcast.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("which system? usage: nowcast-tui CONFIG")}
			}
			return nil
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, args []string) error { return p.show(c.Context(), args[0]) },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see nowcast-tui --help", err)}
	})
	return root
}

func (p *program) show(ctx context.Context, file string) error {
	cfg, mistakes, err := config.Find(file, p.LookupEnv)
	if err != nil {
		return err
	}
	if !isTerminal(p.Stdin) || !isTerminal(p.Stdout) {
		return fmt.Errorf("this is not a terminal: for text, use nowcastd status %s", file)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	name := filepath.Base(cfg.File)
	if mistakes != nil { // the daemons run with what they read before
		name += " (has mistakes)"
	}
	o := tui.Options{
		Title:    name + " on " + host,
		Author:   author(p.LookupEnv) + "@" + host,
		Location: time.Local,
		Theme:    p.theme(),
		Input:    p.Stdin, Output: p.Stdout, Env: p.Environ,
	}
	if o.Feed, err = cfg.Socket(config.SocketFeed); err != nil {
		return err
	}
	if o.Control, err = cfg.Socket(config.SocketControl); err != nil {
		return err
	}
	return tui.Run(ctx, o)
}

// theme reads from the environment what the terminal can show.
func (p *program) theme() theme.Options {
	var o theme.Options
	if v, _ := p.LookupEnv("NO_COLOR"); v != "" {
		o.NoColour = true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v, _ := p.LookupEnv(name); v != "" {
			charset := strings.ToLower(strings.ReplaceAll(v, "-", ""))
			o.ASCII = !strings.Contains(charset, "utf8")
			break
		}
	}
	return o
}

// author names the operator for the audit trail.
func author(lookupEnv func(string) (string, bool)) string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	if name, _ := lookupEnv("USER"); name != "" {
		return name
	}
	return fmt.Sprint("uid ", os.Getuid())
}

// isTerminal tells whether f is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(file.Fd())
}
