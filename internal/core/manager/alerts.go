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
		old.Message, old.Launch, old.Offer, old.Args = a.Message, a.Launch, a.Offer, a.Args
		t.alert(*old)
		return
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

// forgetAlerts drops the oldest of those that have ended.
func (m *Manager) forgetAlerts() {
	over := len(m.alerts) - keepAlerts
	if over < keepAlerts { // not each time
		return
	}
	m.alerts = slices.DeleteFunc(m.alerts, func(a engine.Alert) bool {
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
