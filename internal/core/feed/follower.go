package feed

import (
	"slices"
	"time"
)

// verdict is what a follower says about an event.
type verdict int

const (
	next    verdict = iota // it is the next of its stream: apply it
	ignored                // it was applied before, is in the snapshot, or comes from a process that is gone
	later                  // it is kept until there is a new snapshot
	gap                    // as later; and it shows that others are missing
)

// maxRivals is how many rival epochs are told apart.
const maxRivals = 64

// dismissal is how long a process is taken for gone after a snapshot has come from another. Its last events may still be under
// way. If it goes on after that it lives after all, and is asked.
const dismissal = 10 * time.Second

// follower decides which events of one source continue its snapshot. It trusts neither clocks nor the order in which
// events of different processes arrive: which of two epochs is the present one is decided by the snapshots alone.
type follower struct {
	need  bool
	epoch string            // of the snapshot; "" before the first
	seq   map[string]uint64 // by stream, the last that was applied or was in the snapshot

	// kept are the events that wait for the snapshot. Where the bound is reached the oldest are dropped, which the snapshot
	// is likely to contain; if it does not, there is a gap and another is needed.
	kept waiting

	// rivals are other epochs that were seen since the last snapshot that was good, with the number of snapshots that
	// came since and were of another epoch. The first of them may have been on its way when the rival began, the
	// second was asked for afterwards.
	rivals    map[string]int
	dismissed map[string]time.Time // until when
	last      map[string]uint64    // what the newest heartbeat said about the streams of epoch lastOf
	lastOf    string

	streams []string // that are received; nil all
}

func newFollower() follower {
	return follower{need: true, rivals: map[string]int{}, dismissed: map[string]time.Time{}}
}

// offer decides about an event and, if it is not its turn, keeps it.
func (f *follower) offer(e *Event, now time.Time) verdict {
	if e.Epoch != f.epoch {
		if !f.rival(e.Epoch, now) {
			return ignored
		}
		f.kept.push(*e)
		return later
	}
	last := f.seq[e.Stream]
	switch {
	case e.Seq <= last:
		return ignored
	case f.need:
		f.kept.push(*e)
		return later
	case e.Seq > last+1:
		f.need = true
		f.kept.push(*e)
		return gap
	}
	f.seq[e.Stream] = e.Seq
	return next
}

// rival notes an epoch that is not the snapshot's, and says whether it counts.
func (f *follower) rival(epoch string, now time.Time) bool {
	if until, ok := f.dismissed[epoch]; ok {
		if now.Before(until) {
			return false
		}
		delete(f.dismissed, epoch)
	}
	if _, known := f.rivals[epoch]; !known {
		if len(f.rivals) >= maxRivals {
			clear(f.rivals)
		}
		f.rivals[epoch] = 0
	}
	f.need = true
	return true
}

// heartbeat notes how far the source says it has come, and says whether that shows that the last events were lost.
func (f *follower) heartbeat(e *Event, now time.Time) verdict {
	if e.Epoch != f.epoch && !f.rival(e.Epoch, now) {
		return ignored
	}
	f.last, f.lastOf = e.Last, e.Epoch
	return f.checkTail()
}

// checkTail compares what was applied with the newest heartbeat.
func (f *follower) checkTail() verdict {
	if f.need || f.lastOf != f.epoch {
		return later
	}
	for stream, n := range f.last {
		if n > f.seq[stream] && (f.streams == nil || slices.Contains(f.streams, stream)) {
			f.need = true
			return gap
		}
	}
	return next
}

// lost says that the state cannot be relied upon.
func (f *follower) lost() { f.need = true }

// outdated says whether a snapshot is of this epoch and older than what was applied since, as the late answer to an
// earlier question is.
func (f *follower) outdated(epoch string, seq map[string]uint64) bool {
	if epoch != f.epoch {
		return false
	}
	for stream, n := range f.seq {
		if seq[stream] < n {
			return true
		}
	}
	return false
}

// restart begins anew from a snapshot and returns the events to be offered again.
func (f *follower) restart(epoch string, seq map[string]uint64, now time.Time) []Event {
	f.forget(now)
	if f.epoch != "" && f.epoch != epoch {
		f.dismissed[f.epoch] = now.Add(dismissal)
	}
	delete(f.dismissed, epoch)
	delete(f.rivals, epoch)
	for rival, refuted := range f.rivals {
		if refuted > 0 {
			delete(f.rivals, rival)
			f.dismissed[rival] = now.Add(dismissal)
			continue
		}
		f.rivals[rival]++
	}
	f.epoch = epoch
	f.seq = make(map[string]uint64, len(seq))
	for stream, n := range seq {
		f.seq[stream] = n
	}
	f.need = len(f.rivals) > 0
	again := f.kept.events
	f.kept = waiting{}
	return again
}

// forget drops dismissals that are over, so that their number stays small.
func (f *follower) forget(now time.Time) {
	for epoch, until := range f.dismissed {
		if !now.Before(until) {
			delete(f.dismissed, epoch)
		}
	}
}
