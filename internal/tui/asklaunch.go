package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/widget"
)

// askRelaunch asks whether a launch shall be repeated, with its own arguments if args is nil.
func (m *Model) askRelaunch(l *launch.Launch, args []string) {
	next := l.NextWorker
	again := " again"
	if args != nil {
		next.Args, again = args, ""
	}
	a := &ask{question: fmt.Sprintf("Launch %s%s?", launches.Command(&launch.Launch{NextWorker: next}), again)}
	switch retry := m.retryOf(l); {
	case retry != nil && retry.NextWorker.String() == next.String():
		a.question = fmt.Sprintf("Launch %s now, and not only at %s?", launches.Title(retry), widget.Clock(retry.NotBefore.In(m.loc), m.now))
	case retry != nil:
		a.warning = fmt.Sprintf("Launch %d is going to try it again at %s all the same: x calls that off.", retry.ID, widget.Clock(retry.NotBefore.In(m.loc), m.now))
	case l.State == launch.Unknown:
		a.warning = fmt.Sprintf("Whether launch %d still runs on %s is not known: if it does, both run side by side.", l.ID, l.Host)
	case !l.State.Final():
		a.warning = fmt.Sprintf("Launch %d is still %s: both will run side by side.", l.ID, l.State)
	}
	a.yes = func() tea.Cmd {
		return m.do("launch "+launches.Command(&launch.Launch{NextWorker: next}), control.CmdRelaunch, control.RelaunchArgs{Launch: l.ID, Args: args})
	}
	m.ask = a
}

// askArguments asks for the arguments of a repetition, and then whether it shall be.
func (m *Model) askArguments(l *launch.Launch) {
	m.ask = &ask{
		question: fmt.Sprintf("Arguments for %s on %s", l.Name(), l.Host),
		prompt:   widget.NewPrompt(m.theme, "arguments: ", widget.JoinWords(l.Args)),
		typed: func(line string) (tea.Cmd, error) {
			args, err := widget.SplitWords(line)
			if err != nil {
				return nil, err
			}
			m.askRelaunch(l, args)
			return nil, nil
		},
	}
}

// retryOf returns the launch that is going to try again what a launch did, nil if none waits for that.
func (m *Model) retryOf(l *launch.Launch) *launch.Launch {
	for next := m.find(l.Superseded); next != nil; next = m.find(l.Superseded) {
		l = next
	}
	if l.State != launch.Decided || l.NotBefore == nil {
		return nil
	}
	return l
}

// askKill asks whether a launch shall be ended: with a signal if it has a process, else in the records.
func (m *Model) askKill(l *launch.Launch, signal string) {
	title := launches.Title(l)
	a, about := &ask{}, fmt.Sprintf("send %s to launch %s", signal, title)
	switch {
	case l.State == launch.Decided:
		a.question, about = fmt.Sprintf("Call off launch %s? It is never started.", title), "call off launch "+title
	case l.State == launch.Unknown:
		a.question, about = fmt.Sprintf("Give up launch %s? Its process cannot be seen any more; it is recorded as lost.", title), "give up launch "+title
		a.warning = fmt.Sprintf("Look on %s first: if it still runs there, it goes on.", l.Host)
	default:
		effect := "It can clean up, and ends without a report."
		if signal == "KILL" {
			effect = "It ends at once and cannot clean up."
		}
		a.question = fmt.Sprintf("Send %s to launch %s (pid %d and what it started)? %s", signal, title, l.PID, effect)
		if l.Host != launch.Localhost {
			a.warning = fmt.Sprintf("It runs over ssh: the process on %s may go on.", l.Host)
		}
	}
	a.yes = func() tea.Cmd { return m.do(about, control.CmdKill, control.KillArgs{Launch: l.ID, Signal: signal}) }
	m.ask = a
}

// askRelease asks whether a barrier shall be opened.
func (m *Model) askRelease(b launches.Barrier) {
	held := make([]string, len(b.Held))
	for i, n := range b.Held {
		held[i] = n.Name()
	}
	what := "Nothing is held yet: the barrier goes away and nothing is launched."
	if len(held) > 0 {
		what = fmt.Sprintf("Launched now: %s.", strings.Join(held, ", "))
	}
	m.ask = &ask{
		question: fmt.Sprintf("Release the barrier without waiting for %s? %s", strings.Join(b.Missing, ", "), what),
		yes: func() tea.Cmd {
			return m.do("release the barrier", control.CmdRelease, control.ReleaseArgs{Barrier: b.ID})
		},
	}
}
