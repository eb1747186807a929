package manager

import (
	"context"
	"runtime"
	"sync"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// request is one request, decoded.
type request struct {
	envelope wire.Frames // what goes before the answer: all up to and with the empty frame; nil: it cannot be answered
	ticket   wire.Ticket // the zero value: the broker is of another make and gives none
	head     int         // so many frames of the envelope are up to and with the ticket
	body     []byte
	msg      message.Message
	err      error // it is not a message
	gone     bool  // it was held back, and its worker has ended meanwhile
}

// handle answers a batch of requests.
func (m *Manager) handle(ctx context.Context, batch []wire.Frames) {
	fault.Point("received")
	requests := decode(batch, m.Config.MessageLimit)
	fault.Point("decoded")
	m.tickets = len(requests) > 0 && requests[len(requests)-1].ticket.ID != ""
	m.refreshRules()
	clear(m.peers)
	t := m.turn()
	t.effects.Messages, t.replies = make([]engine.Message, 0, len(requests)), make([]wire.Frames, 0, len(requests))
	for i := range requests {
		m.apply(ctx, t, &requests[i])
	}
	m.submit(t)
	m.Log.Debug("listening...") // as the reference does before each message
}

// decodeAlone is how many requests one goroutine decodes for less than it costs to wake another thread.
const decodeAlone = 32

func decode(batch []wire.Frames, limit int) []request {
	requests := make([]request, len(batch))
	workers := min(runtime.GOMAXPROCS(0), len(batch)/decodeAlone+1)
	var wg sync.WaitGroup
	share := (len(batch) + workers - 1) / workers
	for lo := 0; lo < len(batch); lo += share {
		part := func() {
			for i := lo; i < min(lo+share, len(batch)); i++ {
				requests[i] = open(batch[i], limit)
			}
		}
		if lo+share >= len(batch) {
			part() // the last share is ours
			break
		}
		wg.Go(part)
	}
	wg.Wait()
	return requests
}

func open(frames wire.Frames, limit int) request {
	for i, f := range frames {
		if len(f) > 0 {
			continue
		}
		r := request{envelope: frames[:i+1]}
		r.ticket, r.head = ticketOf(r.envelope)
		if len(frames) != i+2 {
			r.err = &message.Malformed{Reason: "it has not exactly one part"}
			if len(frames) > i+1 {
				r.body = frames[i+1]
				r.err = &message.Malformed{Reason: "it has more than one part", Excerpt: message.Excerpt(r.body)}
			}
			return r
		}
		r.body = frames[i+1]
		r.msg, r.err = message.Decode(r.body, limit)
		return r
	}
	r := request{err: &message.Malformed{Reason: "it has no envelope, and nobody to answer to"}}
	// Whoever sent it, the broker has it in hand until its ticket comes back, and has room for so many.
	if r.ticket, r.head = ticketOf(frames); r.head > 0 {
		r.envelope = frames[:min(len(frames), r.head+1)]
	}
	return r
}

// ticketOf returns the broker's ticket, which is the first frame, or the second: wire.Trunk names its connection before it. The sender
// is named behind it; a frame with nothing behind it is the sender's own name, and one further behind is what a worker has sent.
// head is how many frames are up to and with it; 0: there is none.
func ticketOf(frames wire.Frames) (t wire.Ticket, head int) {
	for i, f := range frames[:min(len(frames), 2)] {
		if t, ok := wire.ParseTicket(f); ok && (i+1 == len(frames) || len(frames[i+1]) > 0) {
			return t, i + 1
		}
	}
	return wire.Ticket{}, 0
}
