package feed

import "time"

// SourceScheduler is the daemon whose schedule a mirror shows: the only source of the stream schedule.
const SourceScheduler = "scheduler"

// schedule is what the scheduler has said of its entries. Every event has all of them, so one that is missed is
// made good by the next; a heartbeat shows that one was missed, and then the reader asks.
type schedule struct {
	entries []ScheduleEntry
	known   bool
	changed time.Time // when the last event came, all times by our clock
	heard   time.Time // when it was last certain that this is how things are

	have   place // of the entries in the stream
	said   place // that the newest heartbeat told of
	saidAt time.Time
}

// place is a place in the scheduler's stream schedule.
type place struct {
	epoch string
	seq   uint64
}

// reschedule takes an event of the stream schedule.
func (m *Mirror) reschedule(e *Event, now time.Time) {
	s := &m.schedule
	if e.Source != SourceScheduler || e.Epoch == s.have.epoch && e.Seq <= s.have.seq {
		m.counts.Ignored++
		return
	}
	var entries []ScheduleEntry
	if err := e.Decode(&entries); err != nil {
		m.counts.Malformed++
		return
	}
	s.entries, s.known = entries, true
	s.changed, s.heard = now, now
	s.have = place{e.Epoch, e.Seq}
	if s.said.epoch != e.Epoch {
		s.said, s.saidAt = s.have, now // if it is late, of a scheduler that has gone, the next heartbeat says so
	}
	m.rev.Schedule++
}

// tick takes a heartbeat of the scheduler.
func (s *schedule) tick(e *Event, now time.Time) {
	if at := (place{e.Epoch, e.Last[StreamSchedule]}); at != s.said {
		s.said, s.saidAt = at, now
	}
	if !s.need() {
		s.heard = now
	}
}

func (s *schedule) need() bool {
	return !s.known || s.said.epoch != s.have.epoch || s.said.seq > s.have.seq
}

// NeedSchedule tells whether the scheduler must be asked for its entries: at first, when one was missed, and when it has
// started anew and has not said anything yet. It does so until SetSchedule has brought an answer that will do.
func (m *Mirror) NeedSchedule() bool { return m.schedule.need() }

// SetSchedule takes over the scheduler's answer to a question of the time asked. It changes nothing if an event has come
// since, which is as new or newer.
func (m *Mirror) SetSchedule(entries []ScheduleEntry, asked time.Time) {
	s := &m.schedule
	if s.changed.After(asked) {
		return
	}
	s.entries, s.known = entries, true
	s.heard = m.o.Now()
	if !s.saidAt.After(asked) {
		s.have = s.said // what it had published before we asked is in its answer
	}
	m.rev.Schedule++
}

// Schedule returns the entries of the schedule, as the scheduler lists them, and false if it was never heard.
func (m *Mirror) Schedule() ([]ScheduleEntry, bool) { return m.schedule.entries, m.schedule.known }

// ScheduleAsOf returns when the scheduler was last heard of, by our own clock: the entries are as of then. It is zero if never.
func (m *Mirror) ScheduleAsOf() time.Time { return m.schedule.heard }
