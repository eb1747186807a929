package logging

import (
	"fmt"
	"sync"
	"time"

	"nowcast/internal/core/wire"
)

const (
	// settle is how long records wait for the first subscriber. The aggregator connects to us, again and again while we do
	// not exist, every 100 to 200 ms; a worker that lives 5 ms would never be heard by it. Nobody waits longer than
	// this, and nobody at all where an aggregator runs and the machine is not overloaded.
	settle      = time.Second
	maxHeld     = 10_000 // records that wait; with one more, all are sent
	publishWait = 500 * time.Millisecond
	sendQueue   = 100_000 // records on their way to one subscriber; beyond, they are dropped and counted. libzmq's own 1000 is one burst
)

// publisher is zmq.log.handlers.PUBHandler as NEMO_Nowcast sets it up. It is an XPUB, which subscribers cannot tell
// from a PUB, but which says when the first of them is there, and which record a full queue could not take.
type publisher struct {
	conn     *wire.Conn
	endpoint string
	name     string // first part of the topic: the process, not the logger
	topics   map[int][]byte
	trouble  *trouble
	overflow *overflow
	running  sync.WaitGroup
	timer    *time.Timer
	ready    chan struct{} // closed when records are not held any more

	mu   sync.Mutex
	held []wire.Frames // guarded by mu, as is sent
	sent bool          // records are sent at once
}

func (p *publisher) start() {
	p.timer = time.AfterFunc(settle, p.release)
	p.running.Go(func() {
		for range p.conn.Receive() { // subscriptions
			p.release()
		}
	})
}

// release sends what was held.
func (p *publisher) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.releaseHeld()
}

func (p *publisher) releaseHeld() {
	if p.sent {
		return
	}
	p.sent = true
	p.timer.Stop()
	p.trouble.report(p.conn.Send(p.held...))
	p.held = nil
	close(p.ready)
}

// emit sends a record of one of Python's five levels. Those are the formatters of its PUBHandler, which fails for others;
// they reach the log aggregator by the feed (publishes).
func (p *publisher) emit(r *record) {
	topic := p.topics[r.level]
	if topic == nil {
		return
	}
	text := make([]byte, 0, len(r.message)+len(r.exc)+2)
	text = append(append(text, r.message...), '\n')
	// Python's formatter has the newline in the format, so a traceback comes after it and has none at its end.
	m := wire.Frames{topic, appendTraceback(text, r.exc)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sent && len(p.held) < maxHeld {
		p.held = append(p.held, m)
		return
	}
	p.releaseHeld()
	p.trouble.report(p.conn.Send(m))
}

func (p *publisher) close() error {
	p.mu.Lock()
	idle := len(p.held) == 0
	p.mu.Unlock()
	if !idle {
		<-p.ready
	}
	p.release()
	p.overflow.say()
	err := p.conn.Close()
	p.running.Wait()
	p.overflow.close()
	if err != nil {
		return fmt.Errorf("close the log publisher: %w", err)
	}
	return nil
}
