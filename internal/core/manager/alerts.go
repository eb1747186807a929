package manager

import (
	"slices"

	"nowcast/internal/core/engine"
)

// raise opens an alert, or counts the trouble once more in the one that is open with the same key.
func (m *Manager) raise(t *turn, a engine.Alert) {
	now := m.Now().UTC()
	if old := m.openAlert(a.Key); old != nil {
		old.Count, old.Last = max(old.Count, 1)+1, &now
		old.Kind, old.Because, old.Message, old.Launch, old.Offer, old.Args = a.Kind, a.Because, a.Message, a.Launch, a.Offer, a.Args
		t.alert(*old)
		return
	}
	if len(m.alerts) >= mostOpen {
		m.endOldest(t)
	}
	m.lastAlert++
	a.ID, a.Time = m.lastAlert, now
	m.alerts = append(m.alerts, a)
	t.alert(a)
}

// settle ends the open alert with this key, if there is one: its cause is gone.
func (m *Manager) settle(t *turn, key, how string) {
	if a := m.openAlert(key); a != nil {
		now := m.Now().UTC()
		a.Ended, a.End = &now, how
		t.alert(*a)
	}
}

func (m *Manager) openAlert(key string) *engine.Alert {
	for i := range slices.Backward(m.alerts) {
		if a := &m.alerts[i]; a.Key == key && a.Open() {
			return a
		}
	}
	return nil
}

// How many alerts the manager remembers. Beyond mostOpen the oldest is ended, and says so: an operator whom so many have not
// moved needs the newest.
const (
	keepAlerts = 200 // that have ended
	mostOpen   = 1000
)

// endOldest makes room for one more that is open.
func (m *Manager) endOldest(t *turn) {
	open, oldest := 0, ""
	for i := range m.alerts {
		if m.alerts[i].Open() {
			if open++; open == 1 {
				oldest = m.alerts[i].Key
			}
		}
	}
	if open >= mostOpen {
		m.settle(t, oldest, "there were too many alerts")
	}
}

// forgetAlerts drops the oldest of those that have ended.
func (m *Manager) forgetAlerts() {
	if len(m.alerts) >= 2*keepAlerts { // not each time
		m.alerts = m.knownAlerts()
	}
}

// knownAlerts returns all that are open, and the newest that have ended, oldest first.
func (m *Manager) knownAlerts() []engine.Alert {
	over := -keepAlerts
	for i := range m.alerts {
		if !m.alerts[i].Open() {
			over++
		}
	}
	return slices.DeleteFunc(slices.Clone(m.alerts), func(a engine.Alert) bool {
		drop := over > 0 && !a.Open()
		if drop {
			over--
		}
		return drop
	})
}

// alert puts the newest state of an alert among the effects.
func (t *turn) alert(a engine.Alert) {
	for i := range t.effects.Alerts {
		if t.effects.Alerts[i].ID == a.ID {
			t.effects.Alerts[i] = a
			return
		}
	}
	t.effects.Alerts = append(t.effects.Alerts, a)
}
