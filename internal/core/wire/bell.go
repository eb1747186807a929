package wire

import (
	"fmt"
	"sync"

	zmq "github.com/pebbe/zmq4"
)

// bell is how other goroutines wake one that waits for sockets in libzmq: a pair of sockets, one end of it among those.
type bell struct {
	ear *zmq.Socket // the end of the one that waits

	mu     sync.Mutex
	ringer *zmq.Socket // the other end; guarded by mu, nil once closed
	rung   bool        // guarded by mu: one ring wakes for any number of reasons
}

func newBell(context *zmq.Context) (*bell, error) {
	b := &bell{}
	var err error
	if b.ear, err = context.NewSocket(zmq.PAIR); err == nil {
		if b.ringer, err = context.NewSocket(zmq.PAIR); err == nil {
			if err = b.ear.Bind("inproc://bell"); err == nil {
				err = b.ringer.Connect("inproc://bell")
			}
		}
	}
	if err != nil {
		b.close()
		return nil, fmt.Errorf("start ZeroMQ: make the wake-up pair: %w", err)
	}
	return b, nil
}

// ring wakes the one that waits. Any goroutine may call it; after close it does nothing.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ringer == nil || b.rung {
		return
	}
	// A full pair is impossible: at most one ring is unread.
	if _, err := b.ringer.SendBytes(nil, zmq.DONTWAIT); err == nil {
		b.rung = true
	}
}

// hush takes the ring, if there was one. Who waits must call it before looking at what others left: the next ring after
// hush is for what they leave from then on.
func (b *bell) hush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.rung {
		return
	}
	// Taken while the lock is held, and sent while it was held, so it is there.
	if _, err := b.ear.RecvBytes(zmq.DONTWAIT); err == nil {
		b.rung = false
	}
}

func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range []*zmq.Socket{b.ringer, b.ear} {
		if s != nil {
			_ = s.Close()
		}
	}
	b.ringer = nil
}
