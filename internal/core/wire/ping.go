package wire

import "context"

// Ping returns nil once Run's loop has answered, which it does between two turns.
func (f *Forwarder) Ping(ctx context.Context) error {
	answered := make(chan struct{})
	f.mu.Lock()
	f.pings = append(f.pings, answered)
	f.mu.Unlock()
	f.bell.ring()
	select {
	case <-answered:
		return nil
	case <-f.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answerPings is called by Run. The caller holds mu.
func (f *Forwarder) answerPings() {
	for _, answered := range f.pings {
		close(answered)
	}
	f.pings = nil
}
