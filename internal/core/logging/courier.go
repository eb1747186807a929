package logging

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// courierQueue is how many records wait for a server; beyond, they are lost and counted.
	courierQueue = 1000
	// closeWithin is how long the end of a process, or of a configuration, waits for the servers to take what is queued.
	closeWithin = 5 * time.Second
	// patience is how long one record is offered to a server again and again: a mail server that is restarted loses none.
	patience  = 5 * time.Minute
	firstWait = time.Second
	maxWait   = 30 * time.Second
)

var errFull = errors.New("more than 1000 records wait for the server")

// courier takes records to a server. They wait in a queue, and one goroutine sends them: who logs never waits for a
// network. What cannot be sent is sent again, and in the end reported.
type courier struct {
	carrier carrier
	trouble *trouble
	running sync.WaitGroup
	ctx     context.Context // ends closeWithin after close
	cancel  context.CancelFunc

	mu      sync.Mutex
	queue   chan []byte   // closed, with mu held, by close
	closing chan struct{} // the same
	closed  bool          // guarded by mu
}

// carrier knows a protocol. Its methods are called by one goroutine at a time, except compose.
type carrier interface {
	// compose returns what is sent for a record.
	compose(*record) []byte
	// carry sends it. An error that is a refusal will be the same the next time.
	carry(context.Context, []byte) error
	// hangUp ends the connection, if there is one.
	hangUp()
}

// refusal is an error that trying again cannot help.
type refusal struct{ error }

func newCourier(c carrier, t *trouble) *courier {
	q := &courier{carrier: c, trouble: t, queue: make(chan []byte, courierQueue), closing: make(chan struct{})}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	q.running.Go(q.run)
	return q
}

func (c *courier) emit(r *record) {
	item := c.carrier.compose(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		c.trouble.report(errors.New("it is closed"))
		return
	}
	select {
	case c.queue <- item:
	default:
		c.trouble.report(errFull)
	}
}

func (c *courier) run() {
	for item := range c.queue {
		c.trouble.report(c.deliver(item))
	}
	c.carrier.hangUp()
}

// deliver offers an item until it is taken or refused, or patience is at its end. Once closing it offers it only once more.
func (c *courier) deliver(item []byte) error {
	begin := time.Now()
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		last := c.isClosing()
		err := c.carrier.carry(c.ctx, item)
		var no refusal
		if err == nil || last || errors.As(err, &no) || time.Since(begin) >= patience {
			return err
		}
		select {
		case <-time.After(wait):
		case <-c.closing:
		}
	}
}

func (c *courier) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

func (c *courier) close() error {
	limit := time.AfterFunc(closeWithin, c.cancel)
	defer limit.Stop()
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
		close(c.queue)
	}
	c.mu.Unlock()
	c.running.Wait()
	c.cancel()
	c.trouble.end()
	return nil
}
