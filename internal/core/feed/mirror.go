package feed

import (
	"fmt"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/pyyaml"
)

// SourceManager is the daemon whose state a mirror shows: the only source of the streams launch, checklist and barrier.
const SourceManager = "manager"

// MirrorOptions are a mirror's bounds; the zero value will do.
type MirrorOptions struct {
	Source   string           // whose state it is; "" is SourceManager
	Finished int              // finished launches that are kept, the newest; 0: 5000
	Alerts   int              // alerts that are kept, all open ones first, then the newest; 0: 1000
	Logs     int              // log records that are kept, the newest; 0: 20,000
	LogBytes int              // and how much text at most; 0: 32 MB
	Streams  []string         // of the source that are subscribed to; nil: all. What the others say is known as of the last snapshot
	Now      func() time.Time // time.Now if nil
}

// Revisions count the changes of each part, so that a reader need only redraw what differs from last time.
type Revisions struct {
	Launches, Checklist, Barriers, Alerts, Daemons, Schedule, Incidents, Logs uint64
}

// Counts are what a mirror has noticed about the feed since it was made.
type Counts struct {
	Snapshots  int    // snapshots taken over
	Gaps       int    // times that events of the source were found missing, each healed by a snapshot
	MissedLogs uint64 // log events (each of one line or more) that never came, and will not
	Malformed  int    // events and changes that could not be read
	Ignored    int    // events that came twice, from a process long replaced, or from a source that has no such stream
}

// Mirror is what a reader (console, status) knows about the daemons: the snapshot of the manager's state with the changes since,
// the scheduler's entries, the alerter's incidents, all heartbeats, and the newest log records. What it shows is a state that the manager really had; while NeedSnapshot says
// that something is missing, it goes on showing the last one that is certain.
//
// A Mirror belongs to one goroutine. Slices and pointers that it returns are for reading, until the next call of a
// method that changes it (Apply, SetSnapshot, SetSchedule, SetIncidents, AddHistory).
type Mirror struct {
	o         MirrorOptions
	follow    follower
	launches  launches
	list      *checklist.Checklist
	touched   []Touch
	barriers  []engine.Barrier
	alerts    alerts
	daemons   daemons
	schedule  list[ScheduleEntry]
	incidents list[Incident]
	logs      logBook
	heard     time.Time // when the source was last heard of, by our clock
	rev       Revisions
	counts    Counts
}

// NewMirror returns a mirror that knows nothing and needs a snapshot.
func NewMirror(o MirrorOptions) *Mirror {
	if o.Source == "" {
		o.Source = SourceManager
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Mirror{o: o, list: checklist.New(nil)}
	m.follow = newFollower()
	m.follow.streams = o.Streams
	m.launches = newLaunches(orElse(o.Finished, 5000))
	m.alerts = alerts{limit: orElse(o.Alerts, 1000), told: map[string][]engine.Alert{}}
	m.daemons = daemons{}
	m.logs = newLogBook(orElse(o.Logs, 20_000), orElse(o.LogBytes, 32<<20))
	return m
}

func orElse(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// Apply takes over what events say. Events may come more than once, late, or never.
func (m *Mirror) Apply(events []Event) {
	now := m.o.Now()
	for i := range events {
		m.apply(&events[i], now)
	}
	m.mergeLogs()
}

func (m *Mirror) apply(e *Event, now time.Time) {
	switch {
	case e.Stream == StreamLog:
		m.receiveLogs(e)
	case e.Stream == StreamDaemon:
		m.beat(e, now)
	case e.Stream == StreamSchedule:
		m.reschedule(e, now)
	case e.Stream == StreamIncident:
		m.incident(e, now)
	case e.Source == m.o.Source:
		m.offer(e, now)
	case e.Stream == StreamAlert: // of another daemon, whose heartbeats have it, too
		m.raise(e)
	default:
		m.counts.Ignored++
	}
}

// offer gives an event of the source's state to the follower, and carries it out if it is its turn.
func (m *Mirror) offer(e *Event, now time.Time) {
	verdict := m.follow.offer(e, now)
	m.judge(verdict, now)
	if verdict != next {
		return
	}
	if err := m.change(e); err != nil {
		m.counts.Malformed++
		m.follow.lost() // our state may differ now: ask
	}
}

// judge counts.
func (m *Mirror) judge(v verdict, now time.Time) {
	switch v {
	case ignored:
		m.counts.Ignored++
		return
	case gap:
		m.counts.Gaps++
	}
	m.heard = now
}

// change carries out an event of the source's state.
func (m *Mirror) change(e *Event) error {
	switch e.Stream {
	case StreamLaunch:
		return m.changeLaunches(e)
	case StreamChecklist:
		return m.changeChecklist(e)
	case StreamBarrier:
		var open []engine.Barrier
		if err := e.Decode(&open); err != nil {
			return err
		}
		m.barriers = open
		m.rev.Barriers++
	case StreamAlert:
		var a engine.Alert
		if err := e.Decode(&a); err != nil {
			return err
		}
		m.alerts.put(e.Source, a)
		m.rev.Alerts++
	}
	return nil // a stream that a later version of the daemon has
}

// NeedSnapshot names the sources that must be asked for a snapshot: at first, after a gap, and when a daemon has
// restarted. It does so until SetSnapshot has brought one that will do, so the reader asks one at a time, and waits a
// little before it asks again after an error.
func (m *Mirror) NeedSnapshot() []string {
	if m.follow.need {
		return []string{m.o.Source}
	}
	return nil
}

// SetSnapshot takes over a snapshot, and then those of the events received meanwhile that are newer. If NeedSnapshot still names
// the source afterwards, it was too old. One that is older than what is shown changes nothing. An error says that the
// snapshot cannot be read; the mirror is as before.
func (m *Mirror) SetSnapshot(s Snapshot) error {
	if s.Source != m.o.Source {
		return fmt.Errorf("snapshot is from %q, not from %q", s.Source, m.o.Source)
	}
	if m.follow.outdated(s.Epoch, s.Seq) {
		return nil
	}
	v, err := pyyaml.Decode([]byte(s.Checklist))
	if err != nil {
		return fmt.Errorf("checklist in the snapshot from %s: %w", s.Source, err)
	}
	values, isMap := v.(*pyyaml.Map)
	if !isMap && v != nil {
		return fmt.Errorf("checklist in the snapshot from %s: it is not a mapping", s.Source)
	}
	m.list = checklist.New(values)
	m.touched = nil
	m.launches.replace(s.Launches)
	m.barriers = s.Barriers
	m.alerts.replace(s.Source, s.Alerts)
	m.rev.Launches++
	m.rev.Checklist++
	m.rev.Barriers++
	m.rev.Alerts++
	m.counts.Snapshots++

	now := m.o.Now()
	m.heard = now
	for _, e := range m.follow.restart(s.Epoch, s.Seq, now) {
		m.offer(&e, now)
	}
	m.judge(m.follow.checkTail(), now)
	return nil
}

// Barriers returns the open barriers.
func (m *Mirror) Barriers() []engine.Barrier { return m.barriers }

// Revisions returns the counters of changes.
func (m *Mirror) Revisions() Revisions { return m.rev }

// Counts returns what was noticed about the feed.
func (m *Mirror) Counts() Counts { return m.counts }

// AsOf returns when the source was last heard of, by our own clock: what is shown is as of then. It is zero if never.
func (m *Mirror) AsOf() time.Time { return m.heard }

// Age returns how long ago that was, and false if the source was never heard of.
func (m *Mirror) Age(now time.Time) (time.Duration, bool) {
	if m.heard.IsZero() {
		return 0, false
	}
	return max(0, now.Sub(m.heard)), true
}
