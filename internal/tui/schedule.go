package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/schedule"
	"nowcast/internal/tui/widget"
)

// askSchedule asks the scheduler for its entries where the feed has not told them. There may be no scheduler.
func (m *Model) askSchedule() tea.Cmd {
	if !m.mirror.NeedSchedule() || m.entries.underway || m.now.Before(m.entries.again) {
		return nil
	}
	m.entries.underway = true
	return m.link.AskSchedule(m.now)
}

func (m *Model) gotSchedule(s link.Schedule) {
	m.entries.answered(s.Err, m.now.Add(historyAgain))
	if s.Err == nil {
		m.mirror.SetSchedule(s.Entries, s.Asked)
		m.hand()
	}
}

// handSchedule gives the page its entries, each run with how its launch stands now.
func (m *Model) handSchedule() {
	all, known := m.mirror.Schedule()
	m.schedule.Known, m.schedule.Alive = known, m.scheduling()
	entries := make([]schedule.Entry, len(all))
	for i, e := range all {
		entries[i] = schedule.Entry{
			ID: e.ID, Worker: e.Worker, When: e.When, Timezone: e.Timezone, Missed: e.Missed,
			Next: e.Next, Held: e.Held, Problem: strings.ReplaceAll(e.Problem, "\n", "; "),
		}
		if e.Worker.Host == "" {
			entries[i].Worker.Host = launch.Localhost
		}
		for _, r := range e.Runs {
			entries[i].Runs = append(entries[i].Runs, m.run(r))
		}
	}
	m.schedule.Set(entries)
}

func (m *Model) run(r feed.ScheduleRun) schedule.Run {
	run := schedule.Run{Due: r.Due, Time: r.Time, Launch: r.Launch, Author: r.Author, Note: r.Note}
	if l := m.find(r.Launch); l != nil {
		run.State, run.Standing = l.State, m.again.Standing(l, m.asOf())
	}
	return run
}

// scheduling tells whether there is a scheduler that launches what is due. Between its first answer and its first heartbeat
// it is believed.
func (m *Model) scheduling() bool {
	d, heard := m.mirror.Daemon(link.Scheduler)
	if !heard {
		_, answered := m.mirror.Schedule()
		return answered || m.now.Sub(m.since) < patience
	}
	return !d.Stopped && !d.Silent(m.now)
}

// staleSchedule says why the schedule may not be true any more, "" if it is.
func (m *Model) staleSchedule() string {
	d, heard := m.mirror.Daemon(link.Scheduler)
	if _, known := m.mirror.Schedule(); !known {
		return "" // the page says so itself
	}
	asOf := "what you see is as of " + widget.Clock(m.mirror.ScheduleAsOf().In(m.loc), m.now)
	switch {
	case heard && d.Stopped:
		return "scheduler has stopped, nothing is launched when it is due: " + asOf
	case heard && d.Silent(m.now):
		return fmt.Sprintf("scheduler silent for %d s: %s", int(d.SilentFor(m.now).Seconds()), asOf)
	case m.entries.problem != "":
		return asOf + ", since the scheduler does not tell the newest: " + m.entries.problem
	}
	return ""
}

// actSchedule carries out what the schedule page asks for.
func (m *Model) actSchedule(a schedule.Action) {
	switch a.Kind {
	case schedule.Refuse:
		m.say(a.Why, true)
	case schedule.Details:
		m.overlay = m.newOverlay("")
		m.overlay.entry = a.Entry.ID
		m.overlay.refresh(m)
	case schedule.RunNow:
		m.askRunNow(a.Entry)
	case schedule.Hold:
		m.askHold(a.Entry)
	case schedule.Logs:
		m.showLog(widget.LogFilter{Name: a.Entry.Worker.Name()})
	}
}
