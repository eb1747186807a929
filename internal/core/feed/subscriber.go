package feed

import (
	"context"
	"encoding/json"
	"fmt"

	"nowcast/internal/core/wire"
)

// Bounds of what waits for a reader. When they are reached the oldest events are dropped, and the reader sees the gap.
const (
	maxWaiting      = 20_000
	maxWaitingBytes = 32 << 20
	receiveQueue    = 10_000 // events in libzmq's queue, for bursts
)

// Subscribe connects to the hub's feed socket and delivers the events on topics that begin with one of the given ones, in
// the order of each source, in batches: all that has arrived when the reader takes it. A Mirror needs streams whole, or it sees
// gaps. The hub need not be there yet, and may restart. The channel is closed when ctx ends.
//
// A subscription takes a moment to reach the hub; what is published until then is not seen. A snapshot asked for before
// that is found to be out of date with the next event, or the next heartbeat of its source.
func Subscribe(ctx context.Context, endpoint string, topics []string) (<-chan []Event, error) {
	conn, err := wire.Open(wire.Options{
		Kind: wire.Sub, Connect: []string{endpoint}, Subscribe: topics, ReceiveQueue: receiveQueue,
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to the feed: %w", err)
	}
	out := make(chan []Event)
	go func() {
		defer close(out)
		defer conn.Close()
		pump(ctx, conn.Receive(), out)
	}()
	return out, nil
}

// pump takes what arrives and keeps it until the reader comes. It never waits for the reader alone.
func pump(ctx context.Context, in <-chan []wire.Frames, out chan<- []Event) {
	var w waiting
	for {
		var ready chan<- []Event
		if len(w.events) > 0 {
			ready = out
		}
		select {
		case <-ctx.Done():
			return
		case batch, ok := <-in:
			if !ok {
				return
			}
			for _, f := range batch {
				if e, err := parse(f); err == nil { // else not from us: nothing could be done with it, and a number of ours would be missing
					w.push(e)
				}
			}
		case ready <- w.events:
			w = waiting{}
		}
	}
}

// waiting is a bounded list of events, oldest first.
type waiting struct {
	events []Event
	bytes  int
}

// push adds an event and drops the oldest ones beyond the bounds.
func (w *waiting) push(e Event) {
	w.events = append(w.events, e)
	w.bytes += e.weight()
	drop := 0
	for len(w.events)-drop > 1 && (len(w.events)-drop > maxWaiting || w.bytes > maxWaitingBytes) {
		w.bytes -= w.events[drop].weight()
		w.events[drop] = Event{}
		drop++
	}
	w.events = w.events[drop:]
}

// weight is what an event costs in memory, roughly.
func (e *Event) weight() int { return len(e.Body) + 256 }

// parse reads an event from its two frames.
func parse(f wire.Frames) (Event, error) {
	if len(f) != 2 {
		return Event{}, fmt.Errorf("feed event of %d frames, not 2", len(f))
	}
	var e Event
	if err := json.Unmarshal(f[1], &e); err != nil {
		return Event{}, fmt.Errorf("feed event on topic %q: %w", f[0], err)
	}
	e.Topic = string(f[0])
	return e, nil
}
