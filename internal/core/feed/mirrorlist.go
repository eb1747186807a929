package feed

import "time"

// list is what one daemon says of things of its own that it tells all at once: the scheduler's entries, the alerter's incidents. Every
// event has all of them, so one that is missed is made good by the next; a heartbeat shows that one was missed, and then the
// reader asks.
type list[T any] struct {
	all     []T
	known   bool
	changed time.Time // when the last event came, all times by our clock
	heard   time.Time // when it was last certain that this is how things are

	have   place // of all in the stream
	said   place // that the newest heartbeat told of
	saidAt time.Time
}

// place is a place in a stream.
type place struct {
	epoch string
	seq   uint64
}

// receive takes an event of the stream. It returns false if it is not newer than what is known.
func (l *list[T]) receive(e *Event, now time.Time) (newer bool, err error) {
	if e.Epoch == l.have.epoch && e.Seq <= l.have.seq {
		return false, nil
	}
	var all []T
	if err := e.Decode(&all); err != nil {
		return false, err
	}
	l.all, l.known = all, true
	l.changed, l.heard = now, now
	l.have = place{e.Epoch, e.Seq}
	if l.said.epoch != e.Epoch {
		l.said, l.saidAt = l.have, now // if it is late, of a daemon that has gone, the next heartbeat says so
	}
	return true, nil
}

// tick takes a heartbeat of the daemon.
func (l *list[T]) tick(e *Event, now time.Time) {
	if at := (place{e.Epoch, e.Last[e.listed()]}); at != l.said {
		l.said, l.saidAt = at, now
	}
	if !l.need() {
		l.heard = now
	}
}

// listed is the stream in which the daemon that an event comes from tells all at once.
func (e *Event) listed() string {
	if e.Source == SourceAlerter {
		return StreamIncident
	}
	return StreamSchedule
}

func (l *list[T]) need() bool {
	return !l.known || l.said.epoch != l.have.epoch || l.said.seq > l.have.seq
}

// set takes over an answer to a question of the time asked. It returns false if an event has come since, which is as new or newer.
func (l *list[T]) set(all []T, asked, now time.Time) bool {
	if l.changed.After(asked) {
		return false
	}
	l.all, l.known = all, true
	l.heard = now
	if !l.saidAt.After(asked) {
		l.have = l.said // what it had published before we asked is in its answer
	}
	return true
}
