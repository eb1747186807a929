package manager

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/policy"
)

// toKill is how long a worker has to end by itself after SIGTERM.
const toKill = 10 * time.Second

// watched is a launch that runs, as long as this manager has known it.
type watched struct {
	since  time.Time // when it was started, by the clock that nobody can set
	signal time.Time // when it was last sent a signal because of its timeout; zero: it was not
}

// watch begins to look after a launch that runs.
func (m *Manager) watch(l *launch.Launch) {
	now := m.Now()
	w := &watched{since: now.Add(-max(0, now.Sub(*l.Started)))}
	m.policies.watched[l.ID] = w
	p := m.policy(l)
	for _, limit := range []time.Duration{p.Timeout, policy.Limit(p.Expected, l.Usual)} {
		if limit > 0 {
			m.wake(limit - now.Sub(w.since))
		}
	}
}

// justStarted has a launch that this manager has started run since now: the time that its process noted may be by a clock that somebody has
// set since.
func (m *Manager) justStarted(l *launch.Launch) {
	if w := m.policies.watched[l.ID]; w != nil {
		w.since = m.Now()
	}
}

func (m *Manager) unwatch(t *turn, l *launch.Launch) {
	delete(m.policies.watched, l.ID)
	m.settle(t, lateKey(l), "it has ended")
}

func lateKey(l *launch.Launch) string { return fmt.Sprint("late launch ", l.ID) }

// checkLaunches ends what runs longer than its timeout, and says what runs longer than is usual.
func (m *Manager) checkLaunches(t *turn, now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(m.policies.watched)) {
		w, l := m.policies.watched[id], m.launches[id]
		if l == nil || l.State != launch.Running {
			continue
		}
		p, age := m.policy(l), now.Sub(w.since)
		if p.Timeout > 0 && age >= p.Timeout {
			m.timeOut(t, l, w, now)
			continue
		}
		limit := policy.Limit(p.Expected, l.Usual)
		if limit > 0 && age >= limit && m.openAlert(lateKey(l)) == nil {
			m.raise(t, engine.Alert{Key: lateKey(l), Kind: "late", Worker: l.Name(), Launch: l.ID, Offer: control.CmdKill, Args: killArgs(l.ID),
				Message: fmt.Sprintf("%s runs for %s, %s; look: nowcastd logs --launch %d CONFIG; if it hangs, end it: nowcastd kill CONFIG %d",
					l.NextWorker, config.Length(age.Round(time.Second)), expectation(p.Expected, l.Usual), l.ID, l.ID)})
		}
		for _, due := range []time.Duration{p.Timeout, limit} {
			if due > age {
				m.wake(due - age)
			}
		}
	}
}

func expectation(expected time.Duration, usual *launch.Usual) string {
	if expected > 0 {
		return "expected " + config.Length(expected)
	}
	return fmt.Sprintf("usually %s (95 %%: %s)", config.Length(usual.Median.Round(time.Second)), config.Length(usual.P95.Round(time.Second)))
}

// timeOut has a launch sent SIGTERM, and SIGKILL if it does not end, once it is recorded that this was done because of its policy: a
// manager that finds the record and not the end goes on with it.
func (m *Manager) timeOut(t *turn, l *launch.Launch, w *watched, now time.Time) {
	if since := now.Sub(w.signal); !w.signal.IsZero() && since < toKill {
		m.wake(toKill - since)
		return
	}
	signal := "TERM"
	if !w.signal.IsZero() {
		signal = "KILL"
	}
	w.signal = now
	m.wake(toKill)
	l.KilledBy, l.Note = launch.ByPolicy, "timed out after "+config.Length(m.policy(l).Timeout)+" (policy)"
	t.changed[l.ID] = l
	line := fmt.Sprintf("launch of %s %s: it gets SIG%s", l.Name(), l.Note, signal)
	t.then = append(t.then, func() {
		m.Log.Warn(line, "launch", l.ID)
		if l.State.Final() {
			return
		}
		if _, err := m.Launcher.Kill(l, signal); err != nil {
			m.Log.Error("a launch that has timed out could not be ended; it is tried again", "worker", l.Name(), "launch", l.ID, "err", err)
			m.raiseLater(engine.Alert{Key: lateKey(l), Kind: "late", Worker: l.Name(), Launch: l.ID, Offer: control.CmdKill, Args: killArgs(l.ID),
				Message: fmt.Sprintf("%s: %s, and could not be ended: %v", l.NextWorker, l.Note, err)})
		}
	})
}

// raiseLater raises an alert in a turn of its own.
func (m *Manager) raiseLater(a engine.Alert) {
	if m.openAlert(a.Key) == nil {
		t := m.turn()
		m.raise(t, a)
		m.submit(t)
	}
}
