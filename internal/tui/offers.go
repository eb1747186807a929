package tui

import (
	"encoding/json"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
)

// launchOf returns the launch that an alert offers to repeat, nil if it is about something else.
func (m *Model) launchOf(a *engine.Alert) *launch.Launch {
	var args control.RelaunchArgs
	if a.Offer != control.CmdRelaunch || json.Unmarshal(a.Args, &args) != nil {
		return nil
	}
	return m.find(args.Launch)
}

// killOf returns the launch that an alert offers to end, nil if it is about something else.
func (m *Model) killOf(a *engine.Alert) (l *launch.Launch, signal string) {
	var args control.KillArgs
	if a.Offer != control.CmdKill || json.Unmarshal(a.Args, &args) != nil {
		return nil, ""
	}
	return m.find(args.Launch), args.Signal
}

// barrierOf returns the barrier that an alert offers to release.
func (m *Model) barrierOf(a *engine.Alert) (launches.Barrier, bool) {
	var args control.ReleaseArgs
	if a.Offer != control.CmdRelease || json.Unmarshal(a.Args, &args) != nil {
		return launches.Barrier{}, false
	}
	for _, b := range barriers(m.mirror.Barriers()) {
		if b.ID == args.Barrier {
			return b, true
		}
	}
	return launches.Barrier{}, false
}

// offer says what an alert offers in a few words, "" if nothing.
func (m *Model) offer(a *engine.Alert) string {
	if l := m.launchOf(a); l != nil {
		return fmt.Sprint("relaunch ", l.ID)
	}
	if l, _ := m.killOf(a); l != nil {
		return fmt.Sprint("end ", l.ID)
	}
	switch a.Offer {
	case "":
		return ""
	case control.CmdEvaluate:
		return "rule again"
	case control.CmdRunNow:
		return "run now"
	case control.CmdRelease:
		return "release"
	}
	return "do it" // the question says what
}

// askOffer asks whether the command that an alert offers shall be sent.
func (m *Model) askOffer(source string, a *engine.Alert) {
	if l := m.launchOf(a); l != nil {
		m.askRelaunch(l, nil)
		return
	}
	if l, signal := m.killOf(a); l != nil && !l.State.Final() {
		m.askKill(l, signal)
		return
	}
	if b, ok := m.barrierOf(a); ok {
		m.askRelease(b)
		return
	}
	if m.askMissed(a) {
		return
	}
	question := fmt.Sprintf("Run %q now, as this alert offers? %s: %s", a.Offer, a.Kind, a.Message)
	about := a.Offer + " as the alert offers"
	if a.Offer == control.CmdEvaluate {
		question, about = "Have the rule look at that message again, and launch what it says? "+a.Message, "run the rule again"
	}
	target, offer, args := whoDoes(a.Offer, source), a.Offer, a.Args
	m.ask = &ask{question: question, yes: func() tea.Cmd { return m.doAt(target, about, offer, args) }}
}

// whoDoes returns the daemon that carries out a command. A consequence may be of another daemon than the incident under which it is
// folded, so the source tells only where the command does not.
func whoDoes(command, source string) string {
	switch command {
	case control.CmdLaunch, control.CmdRelaunch, control.CmdKill, control.CmdRelease, control.CmdEvaluate:
		return link.Manager
	case control.CmdRunNow, control.CmdHold:
		return link.Scheduler
	}
	return source
}
