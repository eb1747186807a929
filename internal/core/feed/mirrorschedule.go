package feed

import "time"

// SourceScheduler is the daemon whose schedule a mirror shows: the only source of the stream schedule.
const SourceScheduler = "scheduler"

// reschedule takes an event of the stream schedule.
func (m *Mirror) reschedule(e *Event, now time.Time) {
	if e.Source != SourceScheduler {
		m.counts.Ignored++
		return
	}
	m.listed(&m.rev.Schedule)(m.schedule.receive(e, now))
}

// listed counts what became of an event that has all there is.
func (m *Mirror) listed(rev *uint64) func(newer bool, err error) {
	return func(newer bool, err error) {
		switch {
		case err != nil:
			m.counts.Malformed++
		case newer:
			*rev++
		default:
			m.counts.Ignored++
		}
	}
}

// NeedSchedule tells whether the scheduler must be asked for its entries: at first, when one was missed, and when it has
// started anew and has not said anything yet. It does so until SetSchedule has brought an answer that will do.
func (m *Mirror) NeedSchedule() bool { return m.schedule.need() }

// SetSchedule takes over the scheduler's answer to a question of the time asked. It changes nothing if an event has come
// since, which is as new or newer.
func (m *Mirror) SetSchedule(entries []ScheduleEntry, asked time.Time) {
	if m.schedule.set(entries, asked, m.o.Now()) {
		m.rev.Schedule++
	}
}

// Schedule returns the entries of the schedule, as the scheduler lists them, and false if it was never heard.
func (m *Mirror) Schedule() ([]ScheduleEntry, bool) { return m.schedule.all, m.schedule.known }

// ScheduleAsOf returns when the scheduler was last heard of, by our own clock: the entries are as of then. It is zero if never.
func (m *Mirror) ScheduleAsOf() time.Time { return m.schedule.heard }
