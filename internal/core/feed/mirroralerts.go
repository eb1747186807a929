package feed

import (
	"bytes"
	"cmp"
	"slices"
	"time"

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
	told  map[string][]engine.Alert // by source, what its last heartbeat had
}

// put takes an alert, and tells whether it says anything new.
func (as *alerts) put(source string, a engine.Alert) bool {
	for i := range as.all {
		if old := &as.all[i]; old.Source == source && same(&old.Alert, &a) {
			news := old.Count != a.Count || old.Open() != a.Open() || old.Message != a.Message || old.Offer != a.Offer || !bytes.Equal(old.Args, a.Args)
			old.Alert = a
			return news
		}
	}
	as.all = append(as.all, Raised{source, a})
	as.order()
	return true
}

// replace takes over the alerts of a source's snapshot. Those of other sources stay.
func (as *alerts) replace(source string, from []engine.Alert) {
	as.all = slices.DeleteFunc(as.all, func(a Raised) bool { return a.Source == source })
	for _, a := range slices.Concat(from, as.told[source]) { // what its process says beside its state is in no snapshot
		as.all = append(as.all, Raised{source, a})
	}
	as.order()
}

func (as *alerts) order() {
	slices.SortStableFunc(as.all, func(a, b Raised) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	over := len(as.all) - as.limit
	as.all = slices.DeleteFunc(as.all, func(a Raised) bool {
		drop := over > 0 && !a.Open()
		if drop {
			over--
		}
		return drop
	})
	as.all = slices.Delete(as.all, 0, max(0, over))
}

// level takes the alerts of a heartbeat over: all that its daemon has. One that is open here and not there has ended unseen; but of a
// daemon that has others in its snapshot, only if it was in the heartbeat before.
func (as *alerts) level(source string, told []engine.Alert, at time.Time, snapshot bool) (changed bool) {
	before := as.told[source]
	as.told[source] = told
	has := func(all []engine.Alert, a *Raised) bool {
		return slices.ContainsFunc(all, func(t engine.Alert) bool { return same(&a.Alert, &t) })
	}
	for _, a := range told {
		changed = as.put(source, a) || changed
	}
	for i := range as.all {
		a := &as.all[i]
		if a.Source == source && a.Open() && !has(told, a) && (!snapshot || has(before, a)) {
			a.Ended, changed = &at, true
		}
	}
	return changed
}

// same tells whether two alerts of one daemon are the same, perhaps at different times.
func same(a, b *engine.Alert) bool {
	return a.ID == b.ID && (a.ID != 0 || a.Key == b.Key && a.Time.Equal(b.Time))
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
