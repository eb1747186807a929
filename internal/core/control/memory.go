package control

import (
	"sync"
	"time"
)

// What a memory keeps at most.
const (
	keptReplies    = 10_000
	keptBytes      = 64 << 20
	keptFor        = 10 * time.Minute
	largestReading = 1 << 20 // a larger answer that changed nothing is not kept: asked again, it is given anew
)

// memory is why a command that is sent twice is done once: it knows the commands in hand, and the answers given. It
// lasts as long as the process; the manager's store remembers what was changed for longer.
type memory struct {
	now func() time.Time

	mu       sync.Mutex // guards what follows
	requests map[string]*remembered
	answered []*remembered // oldest first
	bytes    int
}

// remembered is one request.
type remembered struct {
	id      string
	clients [][]byte // who asked; nil once answered
	done    bool
	reply   []byte
	at      time.Time
}

func newMemory(now func() time.Time) *memory {
	return &memory{now: now, requests: map[string]*remembered{}}
}

// begin notes that client asked for request id. If it is new the caller must carry it out and then call end. If it
// was answered, the reply is returned; if it is in hand, both are zero and end will have the client.
func (m *memory) begin(id string, client []byte) (isNew bool, reply []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	r, known := m.requests[id]
	switch {
	case !known:
		m.requests[id] = &remembered{id: id, clients: [][]byte{client}}
		return true, nil
	case r.done:
		return false, r.reply
	}
	for _, c := range r.clients {
		if string(c) == string(client) {
			return false, nil
		}
	}
	r.clients = append(r.clients, client)
	return false, nil
}

// end notes the reply and returns the clients that wait for it. What is not kept is done anew if it is asked again.
func (m *memory) end(id string, reply []byte, keep bool) (clients [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.requests[id]
	clients, r.clients = r.clients, nil
	if !keep {
		delete(m.requests, id)
		return clients
	}
	r.done, r.reply, r.at = true, reply, m.now()
	m.answered = append(m.answered, r)
	m.bytes += len(reply)
	m.forget()
	return clients
}

// forget drops the oldest answers beyond the bounds. The caller holds mu.
func (m *memory) forget() {
	for len(m.answered) > 0 {
		oldest := m.answered[0]
		if len(m.answered) <= keptReplies && m.bytes <= keptBytes && m.now().Sub(oldest.at) < keptFor {
			return
		}
		m.bytes -= len(oldest.reply)
		delete(m.requests, oldest.id)
		m.answered[0] = nil
		m.answered = m.answered[1:]
	}
}
