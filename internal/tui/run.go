package tui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/link"
	"nowcast/internal/tui/theme"
)

// Options are what the console needs to know.
type Options struct {
	Title    string // which system it shows: configuration file and host
	Feed     string // path of the feed's unix socket
	Control  string // path of the control port's unix socket
	Author   string // user@host of the operator, for the audit trail
	Location *time.Location
	Theme    theme.Options

	Input  io.Reader // the terminal
	Output io.Writer
	Env    []string // the terminal's environment: TERM, COLORTERM, NO_COLOR, ...
}

// Run shows the console until the operator quits or ctx ends. It starts whether or not the daemons are there, says so if they are not,
// and connects as soon as they are.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, closeLink, err := link.Open(ctx, link.Options{Feed: o.Feed, Control: o.Control, Author: o.Author})
	if err != nil {
		return err
	}
	m := NewModel(l, o.Title, o.Theme, o.Location)
	p := tea.NewProgram(m,
		tea.WithContext(ctx), tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithEnvironment(o.Env),
		tea.WithFPS(20), tea.WithoutSignalHandler()) // cmd turns signals into the end of ctx
	_, err = p.Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		err = nil // told to stop, and stopped
	}
	return errors.Join(err, closeLink())
}
