package manager

import (
	"time"
)

// longestSleep is how long the clock is left alone: somebody may set it, and then what was due in an hour may be due now.
const longestSleep = time.Minute

// tick does what has become due, and has itself called again when something else is.
func (m *Manager) tick() {
	t := m.turn()
	now := m.Now()
	m.policies.wakes = time.Time{}
	m.wake(longestSleep)
	m.checkLaunches(t, now)
	m.checkBarriers(t, now)
	m.checkDeadlines(t, now)
	m.checkSilence(t, now)
	m.checkWaiting(t, now)
	m.checkRemains(t, now)
	m.checkMany(t)
	m.lookAgain()
	m.admit(t)
	if !t.effects.Empty() || len(t.changed)+len(t.then) > 0 {
		m.submit(t)
	}
}

// wake has tick called after a while, or before.
func (m *Manager) wake(in time.Duration) {
	p := &m.policies
	at := m.Now().Add(in)
	if p.wakes.IsZero() || at.Before(p.wakes) {
		p.wakes = at
		p.timer.Reset(max(in, 0))
	}
}

// wakeAt has tick called at a time to come, or before.
func (m *Manager) wakeAt(at time.Time) {
	if in := at.Sub(m.Now()); in > 0 {
		m.wake(in)
	}
}
