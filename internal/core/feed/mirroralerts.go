package feed

import (
	"cmp"
	"slices"
)

// alerts are the newest alerts of all sources, oldest first. An alert that comes again with the same id takes the place
// of the one before.
type alerts struct {
	limit int
	all   []sourceAlert
	shown []Alert // what readers were given; nil after a change
}

type sourceAlert struct {
	source string
	Alert
}

func (as *alerts) put(source string, a Alert) {
	as.shown = nil
	for i := range as.all {
		if as.all[i].source == source && as.all[i].ID == a.ID {
			as.all[i].Alert = a
			return
		}
	}
	as.all = append(as.all, sourceAlert{source, a})
	as.order()
}

// replace takes over the alerts of a source's snapshot. Those of other sources stay.
func (as *alerts) replace(source string, from []Alert) {
	as.shown = nil
	as.all = slices.DeleteFunc(as.all, func(a sourceAlert) bool { return a.source == source })
	for _, a := range from {
		as.all = append(as.all, sourceAlert{source, a})
	}
	as.order()
}

func (as *alerts) order() {
	slices.SortStableFunc(as.all, func(a, b sourceAlert) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	as.all = slices.Delete(as.all, 0, max(0, len(as.all)-as.limit))
}

// raise takes an alert of a daemon whose state is not mirrored.
func (m *Mirror) raise(e *Event) {
	var a Alert
	if err := e.Decode(&a); err != nil {
		m.counts.Malformed++
		return
	}
	m.alerts.put(e.Source, a)
	m.rev.Alerts++
}

// Alerts returns the alerts, newest last.
func (m *Mirror) Alerts() []Alert {
	if m.alerts.shown == nil {
		m.alerts.shown = make([]Alert, 0, len(m.alerts.all))
		for _, a := range m.alerts.all {
			m.alerts.shown = append(m.alerts.shown, a.Alert)
		}
	}
	return m.alerts.shown
}
