package manager

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// A worker that has timed out may obey SIGTERM while what it has started does not, and goes on with its work. Until none of that is left
// in its session, its retry waits: two would do the same work at once, and both would report.

const (
	remainsPoll = time.Second
	// recentEnd is how old an end may be for a manager to look, at its start, for what was left behind.
	recentEnd = time.Hour
)

// awaitRemains has what a launch that was ended by its policy has left behind ended, too, after the same grace.
func (m *Manager) awaitRemains(l *launch.Launch) {
	now := m.Now()
	if l.KilledBy != launch.ByPolicy || l.PID == 0 || !m.here(l) || now.Sub(*l.Ended) > recentEnd || len(m.Launcher.Left(l)) == 0 {
		return
	}
	m.policies.remains[l.ID] = now.Add(toKill)
	m.wake(remainsPoll)
}

// checkRemains looks what is left, and ends what has had its time.
func (m *Manager) checkRemains(t *turn, now time.Time) {
	for id, due := range m.policies.remains {
		l := m.launches[id]
		var left []string
		if l != nil {
			left = m.Launcher.Left(l)
		}
		if len(left) == 0 {
			delete(m.policies.remains, id)
			m.settle(t, remainsKey(id), "they have ended")
			continue
		}
		m.wake(remainsPoll)
		if now.Before(due) {
			continue
		}
		m.policies.remains[id] = now.Add(toKill)
		m.Log.Warn(fmt.Sprintf("%s has timed out and left processes behind, which get SIGKILL: %s", l.Name(), some(left)), "launch", id)
		_, err := m.Launcher.Kill(l, "KILL")
		if first := now.Sub(*l.Ended) < 2*toKill; err != nil || !first {
			m.raise(t, engine.Alert{Key: remainsKey(id), Kind: "late", Worker: l.Name(), Launch: id, Message: fmt.Sprintf(
				"%s has timed out, and what it left behind does not end by SIGKILL; a retry waits for that: %s%s", l.NextWorker, some(left), because(err))})
		}
	}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func remainsKey(id int64) string { return fmt.Sprint("left by launch ", id) }

// some names a few of many.
func some(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprint(more, " more"))
	}
	return strings.Join(names, ", ")
}

// leftBehind returns what a launch that is over has left in its session.
func (m *Manager) leftBehind(l *launch.Launch) []string {
	if !l.State.Final() || l.PID == 0 || !m.here(l) {
		return nil
	}
	return m.Launcher.Left(l)
}

// killLeft signals that because an operator wants it.
func (m *Manager) killLeft(author string, l *launch.Launch, signal string, left []string) (any, error) {
	if err := checkSignal(signal); err != nil {
		return nil, err
	}
	if _, err := m.Launcher.Kill(l, signal); err != nil {
		return nil, err
	}
	m.Log.Warn(fmt.Sprintf("what launch %d of %s has left behind is sent SIG%s by %s: %s", l.ID, l.Name(), signal, author, some(left)))
	return control.Killed{Launch: *l, Did: fmt.Sprintf("is over; what it has left behind was sent %s: %s", signal, some(left))}, nil
}

func checkSignal(signal string) error {
	if !slices.Contains([]string{"TERM", "KILL", "INT"}, signal) {
		return fmt.Errorf("signal %q: use TERM, INT or KILL", signal)
	}
	return nil
}
