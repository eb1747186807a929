package manager

import (
	"hash/maphash"
	"strings"

	"nowcast/internal/core/engine"
)

// keepHandled is how many requests are known as handled. The broker has at most 8192 that it may give again, and a worker
// of ours one; the store loads as many.
const keepHandled = 32768

// handled are the newest requests that were handled, by the names they came with. One that comes again, because a broker, a
// manager or a connection died before the answer had arrived, is answered again and not done again. A request is put in when it is
// applied: its answer, and that to its double, wait for the same commit or for a later one.
type handled struct {
	ring    []past // oldest at next once it is full
	next    int
	tickets map[string]int // the broker's name of a request -> place in ring
	senders map[string]int // the worker's name of its message -> place in ring
	seed    maphash.Seed
}

// past is a request that was handled.
type past struct {
	engine.Handled
	body uint64 // a hash of its bytes; 0: not known, as an earlier manager handled it
}

func newHandled(recent []engine.Handled) *handled {
	h := &handled{tickets: map[string]int{}, senders: map[string]int{}, seed: maphash.MakeSeed()}
	for _, r := range recent {
		h.put(past{Handled: r})
	}
	return h
}

// add remembers a message that has just been applied.
func (h *handled) add(m *engine.Message, body []byte) {
	if m.Request == "" && m.Sender == "" {
		return // nothing can tell it from the next one
	}
	// Cloned: what was decoded from a message is part of its text, and that is not to be kept.
	h.put(past{engine.Handled{Message: m.ID, Request: m.Request, Sender: strings.Clone(m.Sender), Type: strings.Clone(m.Type), Reply: m.Reply, Launch: m.Launch}, h.hash(body)})
}

func (h *handled) put(r past) {
	at := len(h.ring)
	if at < keepHandled {
		h.ring = append(h.ring, r)
	} else {
		at = h.next
		h.next = (h.next + 1) % keepHandled
		h.forget(at)
		h.ring[at] = r
	}
	if r.Request != "" {
		h.tickets[r.Request] = at
	}
	if r.Sender != "" {
		h.senders[r.Sender] = at
	}
}

// forget makes room. A name may belong to a newer request by now.
func (h *handled) forget(at int) {
	old := &h.ring[at]
	if i, ok := h.tickets[old.Request]; ok && i == at {
		delete(h.tickets, old.Request)
	}
	if i, ok := h.senders[old.Sender]; ok && i == at {
		delete(h.senders, old.Sender)
	}
}

// find returns the request that this one is a double of. clash says that the worker's name for it was used before for another
// message: then it is none.
func (h *handled) find(r *request) (before *engine.Handled, clash bool) {
	if i, ok := h.tickets[r.ticket.ID]; ok && r.ticket.ID != "" {
		return &h.ring[i].Handled, false
	}
	i, ok := h.senders[r.msg.ID]
	if !ok || r.err != nil || r.msg.ID == "" {
		return nil, false
	}
	old := &h.ring[i]
	if old.Type != r.msg.Type || old.body != 0 && old.body != h.hash(r.body) {
		return nil, true
	}
	return &old.Handled, false
}

func (h *handled) hash(body []byte) uint64 { return max(1, maphash.Bytes(h.seed, body)) }
