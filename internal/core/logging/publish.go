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

	missed func(text string) // tells of records that no subscriber got, by another way

	mu        sync.Mutex
	held      []wire.Frames // guarded by mu, as is what follows
	sent      bool          // records are sent at once
	listening int           // topics that somebody is subscribed to
	unheard   int           // records that were sent while there were none, and not told of
}

func (p *publisher) start() {
	p.timer = time.AfterFunc(settle, p.release)
	p.running.Go(func() {
		for batch := range p.conn.Receive() {
			p.mu.Lock()
			for _, f := range batch {
				p.subscription(f)
			}
			p.mu.Unlock()
		}
	})
}

// subscription takes what an XPUB receives: a byte that is 1 when the first subscribes to a topic and 0 when the last has left it, and the topic.
// The caller holds mu.
func (p *publisher) subscription(f wire.Frames) {
	switch {
	case len(f[0]) == 0: // from no SUB
	case f[0][0] == 1:
		p.listening++
		p.tellUnheard()
		p.releaseHeld()
	case f[0][0] == 0:
		p.listening--
	}
}

// tellUnheard says how many records had no subscriber. The caller holds mu.
func (p *publisher) tellUnheard() {
	if p.unheard > 0 {
		p.missed(fmt.Sprintf("%d log records of %s are not in the files of the log aggregator: it was not connected to %s", p.unheard, p.name, p.endpoint))
		p.unheard = 0
	}
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
	p.send(p.held...)
	p.held = nil
	close(p.ready)
}

// send hands records to the socket. The caller holds mu.
func (p *publisher) send(records ...wire.Frames) {
	if p.listening == 0 {
		p.unheard += len(records)
	}
	p.trouble.report(p.conn.Send(records...))
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
	p.send(m)
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tellUnheard()
	if err != nil {
		p.missed(fmt.Sprintf("the last log records of %s may be missing in the files of the log aggregator, which did not take them within %s", p.name, publishWait))
		return fmt.Errorf("close the log publisher: %w", err)
	}
	return nil
}
