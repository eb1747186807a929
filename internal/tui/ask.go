package tui

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/widget"
)

// ask is a question to the operator: yes or no, or a line to be typed.
type ask struct {
	question string
	warning  string         // what else will happen
	prompt   *widget.Prompt // nil: yes or no
	problem  string         // why what was typed will not do

	yes   func() tea.Cmd          // on yes
	typed func(line string) error // on enter; it opens the next question
}

// key answers the question, or edits the line.
func (a *ask) key(m *Model, k tea.KeyPressMsg) tea.Cmd {
	switch {
	case k.String() == "esc" || k.String() == "ctrl+c":
		m.ask = nil
		m.say("nothing was done", false)
	case a.prompt == nil && (k.String() == "y" || k.String() == "Y"):
		m.ask = nil
		return a.yes()
	case a.prompt == nil && (k.String() == "n" || k.String() == "N" || k.String() == "q"):
		m.ask = nil
		m.say("nothing was done", false)
	case a.prompt != nil && k.String() == "enter":
		if err := a.typed(a.prompt.Value()); err != nil {
			a.problem = err.Error()
		}
	case a.prompt != nil:
		a.problem = ""
		a.prompt.Update(k)
	}
	return nil
}

// view draws the question in at most rows lines.
func (a *ask) view(m *Model, width, rows int) []string {
	lines := []string{widget.Heading(m.theme, a.question, "", width)}
	if a.prompt != nil {
		foot := "enter goes on, esc leaves it"
		if a.problem != "" {
			foot = a.problem
		}
		return append(lines, " "+a.prompt.View(width-1), m.theme.Faint.Paint(widget.Fit(" "+widget.Clean(foot), width, m.theme.Mark.Cut)))
	}
	lines = lines[:0]
	for _, l := range widget.Wrap(widget.Clean(a.question), width-2) {
		lines = append(lines, m.theme.Title.Paint(widget.Fit(" "+l, width, m.theme.Mark.Cut)))
	}
	if a.warning != "" {
		for _, l := range widget.Wrap(widget.Clean(a.warning), width-2) {
			lines = append(lines, m.theme.Warn.Paint(widget.Fit(" "+l, width, m.theme.Mark.Cut)))
		}
	}
	if over := len(lines) + 2 - rows; over > 0 {
		lines = lines[:max(1, len(lines)-over)]
	}
	answer := " " + m.theme.Key.Paint("y") + " yes   " + m.theme.Key.Paint("n") + " no"
	return append(append([]string{m.theme.Faint.Paint(strings.Repeat(m.theme.Mark.Rule, width))}, lines...), answer)
}

// askRelaunch asks whether a launch shall be repeated, with its own arguments if args is nil.
func (m *Model) askRelaunch(l *launch.Launch, args []string) {
	next := l.NextWorker
	again := " again"
	if args != nil {
		next.Args, again = args, ""
	}
	a := &ask{question: fmt.Sprintf("Launch %s%s?", launches.Command(&launch.Launch{NextWorker: next}), again)}
	if !l.State.Final() {
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
		typed: func(line string) error {
			args, err := widget.SplitWords(line)
			if err != nil {
				return err
			}
			m.askRelaunch(l, args)
			return nil
		},
	}
}

// askKill asks whether a signal shall be sent.
func (m *Model) askKill(l *launch.Launch, signal string) {
	effect := "It can clean up, and ends without a report."
	if signal == "KILL" {
		effect = "It ends at once and cannot clean up."
	}
	a := &ask{question: fmt.Sprintf("Send %s to launch %s (pid %d and what it started)? %s", signal, launches.Title(l), l.PID, effect)}
	if l.Host != launch.Localhost {
		a.warning = fmt.Sprintf("It runs over ssh: the process on %s may go on.", l.Host)
	}
	a.yes = func() tea.Cmd {
		return m.do(fmt.Sprintf("send %s to launch %s", signal, launches.Title(l)), control.CmdKill, control.KillArgs{Launch: l.ID, Signal: signal})
	}
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

// askOffer asks whether the command that the shown alert offers shall be sent.
func (m *Model) askOffer() {
	a := m.shownAlert()
	if a == nil || a.Offer == "" {
		m.say(m.noOffer(a), true)
		return
	}
	if l := m.launchOf(a); l != nil {
		m.askRelaunch(l, nil)
		return
	}
	if entryOf(a) != "" && m.askMissed(a) {
		return
	}
	question := fmt.Sprintf("Run %q now, as this alert offers? %s: %s", a.Offer, a.Kind, a.Message)
	about := a.Offer + " as the alert offers"
	if a.Offer == control.CmdEvaluate {
		question, about = "Have the rule look at that message again, and launch what it says? "+a.Message, "run the rule again"
	}
	target, offer, args, id := a.Source, a.Offer, a.Args, keyOf(a) // who raises an alert carries out what it offers
	m.ask = &ask{question: question, yes: func() tea.Cmd {
		m.seen[id] = true
		return m.doAt(target, about, offer, args)
	}}
}

// do sends a command to the manager and says so.
func (m *Model) do(about, command string, args any) tea.Cmd {
	return m.doAt(link.Manager, about, command, args)
}

// doAt sends a command to a daemon and says so.
func (m *Model) doAt(target, about, command string, args any) tea.Cmd {
	m.say("asked the "+short(target)+" to "+about+": waiting for its answer", false)
	m.status.until = m.now.Add(24 * time.Hour) // the answer takes its place
	return m.link.Do(target, about, command, args)
}

// answered shows the answer to a command. An error stays until the next key.
func (m *Model) answered(a link.Answer) {
	if a.Err != nil {
		m.say(fmt.Sprintf("could not %s: %v", a.About, a.Err), true)
		return
	}
	text := "done: " + a.About
	var l launch.Launch
	if json.Unmarshal(a.Result, &l) == nil && l.ID != 0 && strings.HasPrefix(a.About, "launch ") {
		text = fmt.Sprintf("launched as %d: %s", l.ID, launches.Command(&l))
	}
	m.say(text, false)
}

// sayFor is how long a good answer is shown.
const sayFor = 8 * time.Second

// say shows a line above the keys.
func (m *Model) say(text string, bad bool) {
	m.status = status{text: widget.Clean(text), bad: bad, until: m.now.Add(sayFor)}
	if bad {
		m.status.until = m.now.Add(24 * time.Hour)
	}
}
