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

// ofAnotherDay tells whether something was decided or asked for before another manager, such as Python's, wrote the checklist file that was
// found at the start. It had the day meanwhile: what was left over from before must not happen now, on top of what has happened since. It is
// told, and an operator decides.
func (m *Manager) ofAnotherDay(at time.Time) bool { return at.Before(m.otherDay) }

// writtenByAnother tells whether another manager wrote this checklist file, and notes when; not later than now, whatever the file's time says.
func (m *Manager) writtenByAnother(path string, text []byte) bool {
	if bytes.Contains(text, []byte("\n"+trailer)) { // an editor leaves the line where it is
		return false
	}
	if info, err := os.Stat(path); err == nil {
		m.otherDay = info.ModTime()
		if now := m.Now(); now.Before(m.otherDay) {
			m.otherDay = now
		}
	}
	return true
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

// tooLate tells whether a request comes from the journal of a broker that accepted it before another manager had the day. One whose worker still
// waits at a living broker is not: it was given to nobody else.
func (m *Manager) tooLate(r *request) bool { return r.ticket.Orphan && m.ofAnotherDay(r.ticket.Broker) }

// leaveUndone takes from the decision on such a request all but the answer, and offers to have the rule called.
func (m *Manager) leaveUndone(t *turn, r *request, d engine.Decision, record *engine.Message) engine.Decision {
	if d.Change == nil && !d.Continue {
		return d // a question
	}
	why := fmt.Sprintf("it waited in the journal of the message broker, and %s (%s): it is recorded and changes nothing", tookOver, m.otherDay.Local().Format("2006-01-02 15:04:05"))
	if d.Continue {
		m.ruleFailed(t, r.msg, record.ID, errors.New("not called: "+why+". Have the rule look at it if that is still wanted"))
	}
	return engine.Decision{Reply: d.Reply, Lines: append(d.Lines[:1:1], engine.Line{Level: slog.LevelWarn,
		Text: fmt.Sprintf("message %d of %s (%s) is too late: %s", record.ID, r.msg.Source, r.msg.Type, why)})}
}
