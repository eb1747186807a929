package manager

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// A manager that finds a checklist file at its start that another one has written, such as Python's, learns that this one had the day
// meanwhile. What was left over from before must not happen now, on top of what has happened since: launches that were decided and not
// started, retries, requests in a broker's journal. It is told, and an operator decides. That is so until it is all told, however often the
// manager is started in between: launches are marked with OtherDay, and the record of the checklist has the time.

// anotherChecklist is the type of that record. Its Sender is when another manager has written it (otherDayLayout), "" if none has.
const anotherChecklist = "another checklist"

const otherDayLayout = time.RFC3339Nano

// otherDay returns that time from the newest of such records. Any message has a reply, and this is none.
func otherDay(recent []engine.Handled) (newest time.Time) {
	for _, h := range recent {
		if h.Type == anotherChecklist && h.Reply == "" && h.Request == "" {
			if at, err := time.Parse(otherDayLayout, h.Sender); err == nil {
				newest = at
			}
		}
	}
	return newest
}

// writtenByAnother returns when another manager wrote this checklist file, not later than now, whatever the file's time says; zero if none has.
func (m *Manager) writtenByAnother(path string, text []byte) time.Time {
	if bytes.Contains(text, []byte("\n"+trailer)) { // an editor leaves the line where it is
		return time.Time{}
	}
	now := m.Now().UTC()
	if info, err := os.Stat(path); err == nil && info.ModTime().Before(now) {
		return info.ModTime().UTC()
	}
	return now
}

// hadTheDay notes, durably with the record of the checklist, that another manager had the day until then.
func (m *Manager) hadTheDay(t *turn, until time.Time, record *engine.Message) {
	m.otherDay, record.Sender = until, until.Format(otherDayLayout)
	for _, id := range m.unfinished() {
		if l := m.launches[id]; l.Decided.Before(until) {
			l.OtherDay = true
			t.effects.Launches = append(t.effects.Launches, l.Clone())
		}
	}
}

// tookOver says why barriers, launches and requests from before mean nothing any more.
const tookOver = "another manager has written the checklist since"

// leaveUnstarted ends a launch of another day that was never started.
func (m *Manager) leaveUnstarted(t *turn, l *launch.Launch) {
	l.Waits = ""
	m.conclude(t, l, launch.Exit{ID: l.ID, Time: m.Now().UTC(), Status: -1, Err: errors.New("not started: " + tookOver + "; launch it if it is still wanted")})
	m.raise(t, m.ended(l, ""))
	m.logEnd(t, l, "", false)
}

// tooLate tells whether a request comes from the journal of a broker that accepted it before another manager wrote the checklist. One whose
// worker still waits at a living broker is not: it was given to nobody else.
func (m *Manager) tooLate(r *request) bool {
	return !r.ticket.Accepted.IsZero() && r.ticket.Accepted.Before(m.otherDay)
}

// leaveUndone takes from the decision on such a request all but the answer. What it offers is to have the rule called.
func (m *Manager) leaveUndone(t *turn, r *request, d engine.Decision, record *engine.Message) engine.Decision {
	if d.Change == nil && !d.Continue {
		return d // a question
	}
	record.Sender = "" // if its worker still asks, that is not answered with this
	stamp := func(at time.Time) string { return at.Local().Format("2006-01-02 15:04:05") }
	why := fmt.Sprintf("the message broker accepted it at %s, and it waited in its journal; %s, at %s", stamp(r.ticket.Accepted), tookOver, stamp(m.otherDay))
	if d.Continue {
		m.ruleFailed(t, r.msg, record.ID, errors.New("not called: "+why+". The report is recorded and not in the checklist. Have the rule look at it if that is still wanted"))
	} else {
		m.raise(t, engine.Alert{Key: clearKey, Kind: "clear checklist refused", Worker: r.msg.Source,
			Message: fmt.Sprintf("the checklist is not cleared for %s: %s. Launch %s again if that is still wanted", r.msg.Source, why, r.msg.Source)})
	}
	return engine.Decision{Reply: d.Reply, Lines: append(d.Lines[:1:1], engine.Line{Level: slog.LevelWarn,
		Text: fmt.Sprintf("message %d of %s (%s) is too late, it is recorded and changes nothing: %s", record.ID, r.msg.Source, r.msg.Type, why)})}
}
