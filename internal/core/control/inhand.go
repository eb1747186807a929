package control

import (
	"bytes"
	"slices"
	"sync"
)

// inHand knows the commands that are carried out at this moment, and who waits for their answers: a client that heard
// nothing for a while sends the same request again, and must not have it begun a second time.
type inHand struct {
	mu      sync.Mutex          // guards waiting
	waiting map[string][][]byte // clients by request
}

// begin notes that client asked for request id. If it is new the caller must carry it out and then call end; otherwise
// end will have the client too.
func (h *inHand) begin(id string, client []byte) (isNew bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	clients, known := h.waiting[id]
	if !slices.ContainsFunc(clients, func(c []byte) bool { return bytes.Equal(c, client) }) {
		h.waiting[id] = append(clients, client)
	}
	return !known
}

// end forgets the request and returns the clients that wait for its answer.
func (h *inHand) end(id string) (clients [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	clients = h.waiting[id]
	delete(h.waiting, id)
	return clients
}
