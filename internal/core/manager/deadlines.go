package manager

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/policy"
)

// noteSuccess is called when a worker has reported a success, or a launch of it ended as one.
func (m *Manager) noteSuccess(t *turn, worker string, at time.Time) {
	w, registered := m.Config.Registry.Workers[worker]
	if !registered {
		return
	}
	m.policies.success[worker] = later(m.policies.success[worker], at)
	m.settle(t, reportKey(worker), "it has succeeded")
	if !w.Policy.Deadline.Set {
		return
	}
	for i := range m.alerts {
		if a := &m.alerts[i]; a.Open() && strings.HasPrefix(a.Key, deadlineKey(worker, "")) {
			m.settle(t, a.Key, "it has succeeded")
		}
	}
}

func deadlineKey(worker, day string) string { return "deadline " + worker + " " + day }

// checkDeadlines says which workers have not succeeded today although their deadline has passed, once a day.
func (m *Manager) checkDeadlines(t *turn, now time.Time) {
	local := now.Local()
	for _, worker := range slices.Sorted(maps.Keys(m.Config.Registry.Workers)) {
		d := m.Config.Registry.Workers[worker].Policy.Deadline
		if !d.Set {
			continue
		}
		if next := policy.NextCheck(d, local); !next.IsZero() {
			m.wakeAt(next)
		}
		due, midnight, today := policy.Due(d, local)
		key := deadlineKey(worker, local.Format(time.DateOnly))
		said := slices.ContainsFunc(m.alerts, func(a engine.Alert) bool { return a.Key == key })
		if !today || said || now.Before(due) || due.Before(m.policies.given[worker]) || !m.policies.success[worker].Before(midnight) {
			continue
		}
		a := m.missed(worker, key, d, midnight)
		m.raise(t, a)
		t.log(func() { m.Log.Error(a.Message) })
	}
}

// noteDeadlines notes whose deadline was changed while the manager ran: one that is given after its time of day counts from the next
// day on, as nobody could have kept it.
func (m *Manager) noteDeadlines(was *config.Config) {
	for worker, w := range m.Config.Registry.Workers {
		if w.Policy.Deadline != was.Registry.Workers[worker].Policy.Deadline {
			m.policies.given[worker] = m.Now()
		}
	}
}

// retellDeadlines has the open alerts about a worker's deadline say what its newest launch has come to. It is the same trouble, so it is not
// counted again.
func (m *Manager) retellDeadlines(t *turn, worker string) {
	d := m.Config.Registry.Workers[worker].Policy.Deadline
	if !d.Set {
		return
	}
	for i := range m.alerts {
		old := &m.alerts[i]
		day, ours := strings.CutPrefix(old.Key, deadlineKey(worker, ""))
		midnight, err := time.ParseInLocation(time.DateOnly, day, time.Local)
		if !ours || !old.Open() || err != nil {
			continue
		}
		a := m.missed(worker, old.Key, d, midnight)
		old.Kind, old.Message, old.Launch, old.Offer, old.Args = a.Kind, engine.CutAlert(a.Message), a.Launch, a.Offer, a.Args
		t.alert(*old)
	}
}

// missed is the alert that a worker has not succeeded by its deadline. It never follows from another one: whoever was told in the night
// that a launch had failed, and does nothing, must still be told that the day's success is missing.
func (m *Manager) missed(worker, key string, d config.Deadline, midnight time.Time) engine.Alert {
	a := engine.Alert{Key: key, Kind: "missing", Worker: worker}
	text := fmt.Sprintf("%s has not succeeded by %02d:%02d: ", worker, d.Hour, d.Minute)
	l := m.newest(worker, midnight)
	if l == nil {
		a.Message = text + "nothing was launched today; " + m.toLaunch(worker)
		return a
	}
	a.Kind, a.Launch = "late", l.ID
	a.Message = text + fmt.Sprintf("launch %d is %s", l.ID, l.State)
	switch {
	case l.State.Final():
		a.Message = text + fmt.Sprintf("launch %d %s at %s", l.ID, l.State, l.Ended.Local().Format("15:04"))
		a.Offer, a.Args = control.CmdRelaunch, relaunchArgs(l.ID)
	case l.Waits != "":
		a.Message += " and waits: " + l.Waits
	case l.Started != nil:
		a.Message += fmt.Sprintf(" since %s; look: nowcastd logs --launch %d CONFIG", l.Started.Local().Format("15:04"), l.ID)
	}
	return a
}

// toLaunch says what an operator does about a worker that was not launched: as the schedule launches it if it is there, else with
// arguments that only the operator knows.
func (m *Manager) toLaunch(worker string) string {
	const do = "look why (nowcastd history CONFIG), or launch it: nowcastd "
	var entries []string
	for _, s := range m.Config.Schedule {
		if launch.Name(s.Module) == worker {
			entries = append(entries, s.ID)
		}
	}
	if len(entries) > 0 {
		return do + "schedule run CONFIG " + strings.Join(entries, " or ")
	}
	module := "MODULE"
	if l := m.newest(worker, time.Time{}); l != nil {
		module = l.Module
	}
	return do + "launch CONFIG " + module + " ARGS"
}

// newest returns the newest launch of a worker that was decided since a time, nil if there is none.
func (m *Manager) newest(worker string, since time.Time) (found *launch.Launch) {
	for _, l := range m.launches {
		if l.Name() == worker && !l.Decided.Before(since) && (found == nil || l.ID > found.ID) {
			found = l
		}
	}
	return found
}
