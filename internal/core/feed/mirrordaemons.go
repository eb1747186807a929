package feed

import (
	"cmp"
	"slices"
	"time"
)

// everyOtherwise stands in for a heartbeat that does not say when the next one comes.
const everyOtherwise = 2 * time.Second

// Daemon is what a daemon said of itself last, and when that was by our own clock: clocks of other hosts do not matter.
type Daemon struct {
	Heartbeat
	Heard time.Time
}

// Silent tells whether the daemon has missed three heartbeats without having said that it would stop.
func (d Daemon) Silent(now time.Time) bool {
	return !d.Stopped && d.SilentFor(now) > 3*d.Every
}

// SilentFor returns how long ago it was heard of.
func (d Daemon) SilentFor(now time.Time) time.Duration { return max(0, now.Sub(d.Heard)) }

// daemons are the last heartbeats by name.
type daemons map[string]Daemon

// beat takes a heartbeat.
func (m *Mirror) beat(e *Event, now time.Time) {
	var h Heartbeat
	if err := e.Decode(&h); err != nil || h.Name == "" {
		m.counts.Malformed++
		return
	}
	if h.Standby != "" { // one that waits for another of its name: it says nothing of the state, and takes nobody's place
		h.Name += " standby"
	} else if e.Source == m.o.Source {
		v := m.follow.heartbeat(e, now)
		m.judge(v, now)
		if v == ignored {
			return
		}
	}
	switch e.Source {
	case SourceScheduler:
		m.schedule.tick(e, now)
	case SourceAlerter:
		m.incidents.tick(e, now)
	}
	if h.Every <= 0 {
		h.Every = everyOtherwise
	}
	old, known := m.daemons[h.Name]
	if known && h.Stopped && !sameProcess(old.Heartbeat, h) {
		return // the goodbye of one that has been replaced already
	}
	m.daemons[h.Name] = Daemon{Heartbeat: h, Heard: now}
	m.rev.Daemons++
	if h.Standby == "" && m.alerts.level(e.Source, h.Alerts, e.Time, e.Source == m.o.Source) {
		m.rev.Alerts++
	}
}

func sameProcess(a, b Heartbeat) bool {
	return a.PID == b.PID && a.Host == b.Host && a.Started.Equal(b.Started)
}

// Daemons returns all daemons ever heard of, by name.
func (m *Mirror) Daemons() []Daemon {
	all := make([]Daemon, 0, len(m.daemons))
	for _, d := range m.daemons {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Daemon) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Daemon returns one daemon, and whether it was ever heard of.
func (m *Mirror) Daemon(name string) (Daemon, bool) {
	d, ok := m.daemons[name]
	return d, ok
}
