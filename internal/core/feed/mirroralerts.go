package feed

import (
	"cmp"
	"slices"

	"nowcast/internal/core/engine"
)

// Raised is an alert and the daemon that raised it. Only the manager numbers its alerts: the others', and those of a manager
// whose store fails, have the ID 0 and differ by their times.
type Raised struct {
	Source string
	engine.Alert
}

// alerts are the newest alerts of all sources, oldest first. An alert that comes again takes the place of the one before.
type alerts struct {
	limit int
	all   []Raised
}

func (as *alerts) put(source string, a engine.Alert) {
	for i := range as.all {
		if old := &as.all[i]; old.Source == source && old.ID == a.ID && (a.ID != 0 || old.Key == a.Key && old.Time.Equal(a.Time)) {
			old.Alert = a
			return
		}
	}
	as.all = append(as.all, Raised{source, a})
	as.order()
}

// replace takes over the alerts of a source's snapshot. Those of other sources stay.
func (as *alerts) replace(source string, from []engine.Alert) {
	as.all = slices.DeleteFunc(as.all, func(a Raised) bool { return a.Source == source })
	for _, a := range from {
		as.all = append(as.all, Raised{source, a})
	}
	as.order()
}

func (as *alerts) order() {
	slices.SortStableFunc(as.all, func(a, b Raised) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	as.all = slices.Delete(as.all, 0, max(0, len(as.all)-as.limit))
}

// raise takes an alert of a daemon whose state is not mirrored.
func (m *Mirror) raise(e *Event) {
	var a engine.Alert
	if err := e.Decode(&a); err != nil {
		m.counts.Malformed++
		return
	}
	m.alerts.put(e.Source, a)
	m.rev.Alerts++
}

// Alerts returns the alerts, newest last.
func (m *Mirror) Alerts() []Raised { return m.alerts.all }
