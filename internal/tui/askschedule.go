package tui

import (
	"encoding/json"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/schedule"
	"nowcast/internal/tui/widget"
)

// askRunNow asks whether an entry shall be launched before it is due.
func (m *Model) askRunNow(e *schedule.Entry) {
	what := launches.Command(&launch.Launch{NextWorker: e.Worker})
	a := &ask{question: fmt.Sprintf("Launch %s now?", what)}
	switch {
	case e.Problem != "":
		a.warning = "It has a problem, and this does not end it: " + e.Problem + "."
	case e.Held:
		a.warning = "It is held, and stays so."
	case !e.Next.IsZero():
		a.warning = fmt.Sprintf("What is due %s is launched all the same.", m.at(e))
	}
	if l := m.underway(e.Worker); l != nil {
		a.warning += fmt.Sprintf(" Launch %d of it is still %s: both will run side by side.", l.ID, l.State)
	}
	id := e.ID
	a.yes = func() tea.Cmd {
		return m.doAt(link.Scheduler, "launch "+what+" now", control.CmdRunNow, control.EntryArgs{Entry: id})
	}
	m.ask = a
}

// askMissed asks what askRunNow asks, about the entry that an alert of the scheduler offers to run. It tells whether there
// is such an entry.
func (m *Model) askMissed(a *engine.Alert) bool {
	id := entryOf(a)
	if id == "" {
		return false
	}
	m.handSchedule()
	e := m.schedule.Find(id)
	if e == nil || e.Worker.Module == "" {
		return false
	}
	m.askRunNow(e)
	return true
}

// entryOf returns the entry that an alert offers to run, "" if it offers something else.
func entryOf(a *engine.Alert) string {
	var args control.EntryArgs
	if a.Offer != control.CmdRunNow || json.Unmarshal(a.Args, &args) != nil {
		return ""
	}
	return args.Entry
}

// madeUp tells whether an operator, here or elsewhere, has done since what an alert of the scheduler offers.
func (m *Model) madeUp(a *engine.Alert) bool {
	id := entryOf(a)
	if id == "" {
		return false
	}
	all, _ := m.mirror.Schedule()
	return slices.ContainsFunc(all, func(e feed.ScheduleEntry) bool {
		return e.ID == id && slices.ContainsFunc(e.Runs, func(r feed.ScheduleRun) bool {
			return r.Launch != 0 && r.Author != "" && r.Time.After(a.Time)
		})
	})
}

// at says when an entry is due.
func (m *Model) at(e *schedule.Entry) string { return "at " + widget.Clock(e.Next.In(m.loc), m.now) }

// underway returns a launch of this worker with these arguments that has not ended, nil if there is none.
func (m *Model) underway(n launch.NextWorker) *launch.Launch {
	for _, l := range m.mirror.Launches() {
		if !l.State.Final() && l.Module == n.Module && slices.Equal(l.Args, n.Args) {
			return l
		}
	}
	return nil
}

// askHold asks whether an entry shall be held, or go on if it is held.
func (m *Model) askHold(e *schedule.Entry) {
	args := control.HoldArgs{Entry: e.ID, Held: !e.Held}
	due, next := "", ""
	if !e.Next.IsZero() {
		due, next = " "+m.at(e)+" nor later", ", next "+m.at(e)
	}
	question := fmt.Sprintf("Hold %s? It will not be launched%s, until it is let go on.", e.ID, due)
	about := "hold " + e.ID
	if e.Held {
		question = fmt.Sprintf("Let %s go on? It is launched again when it is due%s. What was due while it was held is not made up for.", e.ID, next)
		about = "let " + e.ID + " go on"
	}
	m.ask = &ask{question: question, yes: func() tea.Cmd { return m.doAt(link.Scheduler, about, control.CmdHold, args) }}
}
