package manager

import (
	"context"
	"runtime"
	"sync"

	"nowcast/internal/core/fault"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// request is one request, decoded.
type request struct {
	envelope wire.Frames // up to and with the empty frame; nil: it cannot be answered
	ticket   wire.Ticket // the zero value: the broker is of another make and gives none
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
	t := m.turn()
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
		r.ticket = ticketOf(r.envelope)
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
	return request{err: &message.Malformed{Reason: "it has no envelope, and nobody to answer to"}}
}

// ticketOf finds the broker's ticket. Nobody else's frame can be taken for it: the broker puts it in front of what comes from a
// worker, and only the connection that it came by is named before that.
func ticketOf(envelope wire.Frames) wire.Ticket {
	for _, f := range envelope {
		if t, ok := wire.ParseTicket(f); ok {
			return t
		}
	}
	return wire.Ticket{}
}
