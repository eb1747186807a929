package wire

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Bounds of the queues between the owner of a socket and everybody else. A queue takes one message, or one batch, more than
// its bound rather than refuse a large one for ever.
const (
	maxBatch      = 512 // messages in one batch from Receive
	maxBatchBytes = 8 << 20
	maxOut        = 8192 // messages that wait in Send's queue, not counting libzmq's own
	maxOutBytes   = 16 << 20
)

var (
	// ErrClosed is what Send returns once Close was called.
	ErrClosed = errors.New("the connection is closed")
	// ErrUnsent is what Close returns if it has given up waiting for messages to be taken.
	ErrUnsent = errors.New("what was sent last was not taken in time")
)

// lingerLongest is how long Close waits for a peer that takes a little at a time.
const lingerLongest = 10 * time.Second

// Conn is a socket and the goroutine that owns it. All methods are safe for concurrent use.
type Conn struct {
	station *station
	socket  *socket
	sleeper *sleeper
	in      *inbox
	out     *outbox
	receive chan []Frames
	tag     []byte // begins each message that is received; nil: nothing does

	closing   chan struct{}
	closeOnce sync.Once
	running   sync.WaitGroup
	taken     atomic.Uint64
	unsent    bool // of the owner; for everybody when running is over
}

// Open makes the socket and binds and connects it, so that a port that is taken is an error here and not later.
func Open(o Options) (*Conn, error) {
	c, err := newConn(o, newInbox(), nil)
	if err != nil {
		return nil, err
	}
	c.receive = make(chan []Frames)
	c.running.Go(func() { deliver(c.in, c.receive, c.closing, c.sleeper.ring) })
	return c, nil
}

// newConn is Open without a reader's side: what is received goes to in.
func newConn(o Options, in *inbox, tag []byte) (*Conn, error) {
	st, err := newStation()
	if err != nil {
		return nil, err
	}
	s, err := st.open(o)
	if err != nil {
		st.close(0)
		return nil, err
	}
	watched := []*zmq.Socket{s.Socket}
	if s.monitor != nil {
		watched = append(watched, s.monitor.pair)
	}
	sl, err := newSleeper(watched...)
	if err != nil {
		st.close(0)
		return nil, err
	}
	c := &Conn{
		station: st, socket: s, sleeper: sl,
		in: in, out: newOutbox(), tag: tag, closing: make(chan struct{}),
	}
	c.running.Go(c.own)
	return c, nil
}

// Receive returns the channel of batches: whatever has arrived by the time the reader takes it, in order, at most 512
// messages or 8 MiB (one message may be larger). While nobody reads, one more batch is read ahead and then the socket is
// left alone, so that senders are held back. Close closes the channel; what was not taken by then is dropped.
func (c *Conn) Receive() <-chan []Frames { return c.receive }

// Send hands messages to the owner, in order. It waits only while 8192 messages or 16 MiB are queued before it, which takes
// a peer that does not read (never a subscriber's doing: Pub drops). It returns before the messages are sent; ErrClosed
// means they will not be.
func (c *Conn) Send(batch ...Frames) error {
	if !kinds[c.socket.options.Kind].sends {
		return fmt.Errorf("send: a %s socket only receives", c.socket.options.Kind)
	}
	for _, frames := range batch {
		if len(frames) == 0 {
			return errors.New("send: a message needs at least one frame")
		}
	}
	if !c.out.put(batch) {
		return ErrClosed
	}
	c.sleeper.ring()
	return nil
}

// Endpoints returns what the socket is bound to, with the ports the system chose where port 0 was asked for.
func (c *Conn) Endpoints() []string { return append([]string(nil), c.socket.endpoints...) }

// Taken returns how many messages the socket has taken so far: while it goes up, there is somebody who takes them.
func (c *Conn) Taken() uint64 { return c.taken.Load() }

// Close sends what is queued, closes the socket and waits until all of it is gone. When nothing is taken for Linger it gives up; then
// it returns ErrUnsent, and what was sent last may be lost. Calling it again waits too.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() {
		c.out.close()
		close(c.closing)
		c.sleeper.ring()
	})
	c.running.Wait()
	if c.unsent {
		return ErrUnsent
	}
	return nil
}
