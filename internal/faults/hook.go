package faults

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Hook is a webhook that keeps what the alerter sends to it.
type Hook struct {
	URL string

	mu   sync.Mutex
	down bool   // guarded by mu
	told []Told // guarded by mu
}

// NewHook returns a webhook for a world's configuration. Once the world listens to it, Finish wants all alerts told to it.
func NewHook(t testing.TB) *Hook {
	h := &Hook{}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	h.URL = s.URL
	return h
}

// Hear has Check look at what a webhook was told.
func (w *World) Hear(h *Hook) { w.hook = h }

// Down has all that comes answered with 500, or no longer.
func (h *Hook) Down(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

// Told returns what has come and was taken.
func (h *Hook) Told() []Told {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Told{}, h.told...)
}

// ServeHTTP takes a message.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var t Told
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil || t.Key != r.Header.Get("Idempotency-Key") {
		http.Error(w, "no message of the alerter", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	h.told = append(h.told, t)
}

// settleAlarms waits until everything is told, or long enough. Check says what is not.
func (w *World) settleAlarms() {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if len(missed(w.Alerts(), w.hook.Told())) == 0 {
			return
		}
	}
}
