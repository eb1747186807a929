// Command nowcastd is the daemons of nowcast and the commands around them. `nowcastd up CONFIG` runs everything;
// `nowcastd --help` lists the rest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/supervisor"
)

// Exit codes that scripts can rely on.
const (
	exitFailed  = 1 // it was tried and did not succeed
	exitUsage   = 2 // the command line or the configuration is wrong
	exitNobody  = 3 // the daemon that would have to answer cannot be reached
	exitStopped = 130
)

func main() {
	p := &program{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Environ: os.Environ(), line: supervisor.NewLine(os.LookupEnv)}
	os.Exit(p.run(os.Args[1:]))
}

// program is a command's way to the world outside.
type program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	Environ        []string

	line *supervisor.Line // nil: of a program within another
}

// failure is an error with an exit code of its own.
type failure struct {
	error
	code int
}

func (f failure) Unwrap() error { return f.error }

func usage(format string, args ...any) error { return failure{fmt.Errorf(format, args...), exitUsage} }

func (p *program) run(args []string) int {
	root := p.command()
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	var f failure
	if errors.As(err, &f) && f.error == nil {
		return f.code
	}
	fmt.Fprintln(p.Stderr, "nowcastd:", err)
	p.line.Ends(err.Error())
	if f.error != nil {
		return f.code
	}
	var mistakes config.Errors
	if errors.As(err, &mistakes) || strings.HasPrefix(err.Error(), "unknown command") { // cobra has no type for it
		return exitUsage
	}
	return exitFailed
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "nowcastd",
		Short: "Launch workers when the state of the day says so, and keep that state",
		Long: `nowcastd runs the daemons of nowcast and answers questions about them.

CONFIG is the nowcast configuration file. Start with

  nowcastd check CONFIG      is everything in order?
  nowcastd up CONFIG         run the daemons
  nowcast-tui CONFIG         watch and steer, in another terminal

Exit codes: 0 done, 1 failed, 2 wrong command line or configuration,
3 the daemon that would have to answer cannot be reached.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage("%v; see %s --help", err, c.CommandPath()) })
	root.AddGroup(&cobra.Group{ID: "daemons", Title: "Daemons:"}, &cobra.Group{ID: "operate", Title: "Operate a running system:"},
		&cobra.Group{ID: "workers", Title: "Workers:"}, &cobra.Group{ID: "configure", Title: "Configuration and rules:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("daemons", p.up(), p.broker(), p.manager(), p.scheduler(), p.aggregator(), p.alerter())
	add("operate", p.status(), p.alerts(), p.launch(), p.kill(), p.schedule(), p.logs(), p.checklist(), p.history())
	add("workers", p.worker(), p.runCommand(), p.send())
	add("configure", p.check(), p.graph(), p.demo())
	return root
}

// configArg is the argument check of commands whose first argument is the configuration file.
func configArg(more int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < 1+min(more, 0) || len(args) < 1 || (more >= 0 && len(args) != 1+more) {
			return usage("usage: %s", c.UseLine())
		}
		return nil
	}
}

// untilSignal returns a context that ends at SIGINT or SIGTERM, with the signal as its cause.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			cancel(stopSignal{s})
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// stopSignal is the cause of a context that a signal ended.
type stopSignal struct{ os.Signal }

func (s stopSignal) Error() string { return s.Signal.String() }

// line returns the log line for the signal (specs: compat section 9).
func (s stopSignal) line() string {
	if s.Signal == syscall.SIGINT {
		return "interrupt signal (SIGINT or Ctrl-C) received; shutting down"
	}
	return "termination signal (SIGTERM) received; shutting down"
}
