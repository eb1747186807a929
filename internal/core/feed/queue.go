package feed

import "nowcast/internal/core/wire"

// Bounds of one of a publisher's two queues. When one is full, its oldest events are dropped: the reader sees the gap
// in the sequence numbers, and what is newest is what an operator wants.
const (
	maxQueued      = 10_000
	maxQueuedBytes = 16 << 20
)

// queue holds events that are on their way to the hub, oldest first. Its user does the locking.
type queue struct {
	events  []wire.Frames
	bytes   int
	dropped uint64 // since the publisher started
}

// push adds an event and drops the oldest ones beyond the bounds. One event that is larger than the bound is kept.
func (q *queue) push(f wire.Frames) {
	q.events = append(q.events, f)
	q.bytes += weight(f)
	drop := 0
	for len(q.events)-drop > 1 && (len(q.events)-drop > maxQueued || q.bytes > maxQueuedBytes) {
		q.bytes -= weight(q.events[drop])
		q.events[drop] = nil
		drop++
	}
	q.events = q.events[drop:]
	q.dropped += uint64(drop)
}

// take removes and returns up to n events.
func (q *queue) take(n int) []wire.Frames {
	n = min(n, len(q.events))
	batch := q.events[:n:n]
	for _, f := range batch {
		q.bytes -= weight(f)
	}
	q.events = q.events[n:]
	if len(q.events) == 0 {
		q.events = nil // batch is the caller's now
	}
	return batch
}

// weight is what an event costs in memory, roughly.
func weight(f wire.Frames) int {
	n := 128
	for _, part := range f {
		n += len(part)
	}
	return n
}
