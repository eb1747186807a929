package manager

import (
	"hash/maphash"
	"strings"

	"nowcast/internal/core/engine"
)

// handled are the newest requests, engine.KeepHandled of them (the broker has at most 8192 that it may give again, and a worker of ours
// one), that were handled, by the names they came with. One that comes again, because a broker, a
// manager or a connection died before the answer had arrived, is answered again and not done again. A request is put in when it is
// applied: its answer, and that to its double, wait for the same commit or for a later one.
type handled struct {
	ring    []engine.Handled // oldest at next once it is full
	next    int
	tickets places // by the broker's name of a request
	senders places // by the worker's name of its message
	seed    maphash.Seed
}

// places are where in the ring a name is, by a hash of it: without pointers, so that the collector has nothing to look through.
type places map[uint64]int32

func newHandled(recent []engine.Handled) *handled {
	h := &handled{tickets: places{}, senders: places{}, seed: maphash.MakeSeed()}
	for _, r := range recent {
		h.put(r)
	}
	return h
}

// add remembers a message that has just been applied.
func (h *handled) add(m *engine.Message, body []byte) {
	if m.Request == "" && m.Sender == "" {
		return // nothing can tell it from the next one
	}
	// Cloned: what was decoded from a message is part of its text, and that is not to be kept.
	h.put(engine.Handled{Message: m.ID, Request: m.Request, Sender: strings.Clone(m.Sender), Type: strings.Clone(m.Type), Body: engine.Sum(body), Reply: m.Reply, Launch: m.Launch})
}

func (h *handled) put(r engine.Handled) {
	at := len(h.ring)
	if at < engine.KeepHandled {
		h.ring = append(h.ring, r)
	} else {
		at = h.next
		h.next = (h.next + 1) % engine.KeepHandled
		h.forget(at)
		h.ring[at] = r
	}
	if r.Request != "" {
		h.tickets[h.name(r.Request)] = int32(at)
	}
	if r.Sender != "" {
		h.senders[h.name(r.Sender)] = int32(at)
	}
}

// forget makes room. A name may belong to a newer request by now.
func (h *handled) forget(at int) {
	old := &h.ring[at]
	if old.Request != "" {
		h.tickets.forget(h.name(old.Request), at)
	}
	if old.Sender != "" {
		h.senders.forget(h.name(old.Sender), at)
	}
}

func (p places) forget(name uint64, at int) {
	if i, ok := p[name]; ok && int(i) == at {
		delete(p, name)
	}
}

// find returns the request that this one is a double of. clash says that the worker's name for it was used before for another
// message: then it is none.
func (h *handled) find(r *request) (before *engine.Handled, clash bool) {
	if id := r.ticket.ID; id != "" {
		if i, ok := h.tickets[h.name(id)]; ok && h.ring[i].Request == id {
			return &h.ring[i], false
		}
	}
	if r.err != nil || r.msg.ID == "" {
		return nil, false
	}
	i, ok := h.senders[h.name(r.msg.ID)]
	if !ok || h.ring[i].Sender != r.msg.ID {
		return nil, false
	}
	old := &h.ring[i]
	if old.Type != r.msg.Type || old.Body != engine.Sum(r.body) {
		return nil, true
	}
	return old, false
}

func (h *handled) name(id string) uint64 { return maphash.String(h.seed, id) }
