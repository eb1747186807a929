package manager

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"nowcast/internal/core/engine"
)

// raise opens an alert, or counts the trouble once more in the one that is open with the same key.
func (m *Manager) raise(t *turn, a engine.Alert) {
	now := m.Now().UTC()
	a.Message = engine.CutAlert(a.Message)
	if old := m.openAlert(a.Key); old != nil {
		old.Count, old.Last = max(old.Count, 1)+1, &now
		old.Kind, old.Because, old.Message, old.Launch, old.Offer, old.Args = a.Kind, a.Because, a.Message, a.Launch, a.Offer, a.Args
		t.alert(*old)
		return
	}
	if len(m.alerts) >= mostOpen && !strings.HasPrefix(a.Key, manyKey("")) && m.openAlerts() >= mostOpen {
		m.raise(t, engine.Alert{Key: manyKey(a.Kind), Kind: a.Kind, Worker: a.Worker, Launch: a.Launch,
			Message: fmt.Sprintf("%d alerts are open; more of this kind are only counted here. The newest: %s", mostOpen, a.Message)})
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

// How many alerts the manager remembers. Beyond mostOpen, what comes is counted in one alert for each kind: none that is open is ended
// while its cause lasts.
const (
	mostOpen = 1000
)

func manyKey(kind string) string { return "too many: " + kind }

func (m *Manager) openAlerts() (n int) {
	for i := range m.alerts {
		if m.alerts[i].Open() {
			n++
		}
	}
	return n
}

// checkMany ends the alerts that only count when there is room again.
func (m *Manager) checkMany(t *turn) {
	if m.openAlerts() > mostOpen*9/10 {
		return
	}
	for i := range m.alerts {
		if a := &m.alerts[i]; a.Open() && strings.HasPrefix(a.Key, manyKey("")) {
			m.settle(t, a.Key, "fewer alerts are open; the launches show what has become of those that were only counted")
		}
	}
}

// cut returns a text of at most so many bytes, which says how many are missing.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most - len("... (12345678901 bytes more)")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s... (%d bytes more)", text[:end], len(text)-end)
}

// forgetAlerts drops the oldest of those that have ended.
func (m *Manager) forgetAlerts() {
	if len(m.alerts) >= 2*engine.KeepAlerts { // not each time
		m.alerts = m.knownAlerts()
	}
}

// knownAlerts returns all that are open, and the newest that have ended, oldest first.
func (m *Manager) knownAlerts() []engine.Alert {
	over := -engine.KeepAlerts
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
