package logging

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/wire"
)

const (
	// settle is how long records wait for the first subscriber. The aggregator connects to us, again and again while we do
	// not exist, every 100 to 200 ms; a worker that lives 5 ms would never be heard by it. Nobody waits longer than
	// this, and nobody at all where an aggregator runs and the machine is not overloaded.
	settle      = time.Second
	maxHeld     = 10_000 // records that wait; beyond, they are sent at once
	publishWait = 500 * time.Millisecond
	sendQueue   = 100_000 // records on their way to one subscriber; beyond, PUB drops them. libzmq's own 1000 is one burst
)

// publisher is zmq.log.handlers.PUBHandler as NEMO_Nowcast sets it up. It is an XPUB, which subscribers cannot tell
// from a PUB, but which says when the first of them is there.
type publisher struct {
	conn    *wire.Conn
	name    string // first part of the topic: the process, not the logger
	trouble *trouble
	running sync.WaitGroup
	timer   *time.Timer
	ready   chan struct{} // closed when records are not held any more

	mu   sync.Mutex
	held []wire.Frames // guarded by mu, as is sent
	sent bool          // records are sent at once
}

func newPublisher(conn *wire.Conn, name string, t *trouble) *publisher {
	p := &publisher{conn: conn, name: name, trouble: t, ready: make(chan struct{})}
	p.timer = time.AfterFunc(settle, p.release)
	p.running.Go(func() {
		for range conn.Receive() { // subscriptions
			p.release()
		}
	})
	return p
}

// release sends what was held.
func (p *publisher) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent {
		return
	}
	p.sent = true
	p.timer.Stop()
	p.trouble.report(p.conn.Send(p.held...))
	p.held = nil
	close(p.ready)
}

func (p *publisher) emit(r *record) {
	topic := p.name + "." + levelName(r.level)
	// Python's formatter has the newline in the format, so a traceback comes after it and has none at its end.
	text := append([]byte(r.message), '\n')
	m := wire.Frames{[]byte(topic), appendTraceback(text, r.exc)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sent && len(p.held) < maxHeld {
		p.held = append(p.held, m)
		return
	}
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
	err := p.conn.Close()
	p.running.Wait()
	if err != nil {
		return fmt.Errorf("close the log publisher: %w", err)
	}
	return nil
}

// publisherPorts returns the ports that a process may publish on, in the order in which it tries them.
func publisherPorts(c *config.Config, name string, role Role) []int {
	entries, ok := c.ZMQ.LoggingPorts[name]
	if !ok && role == Worker {
		entries = c.ZMQ.LoggingPorts["workers"]
	}
	var ports []int
	for _, e := range entries {
		port, err := strconv.Atoi(e[strings.LastIndexByte(e, ':')+1:]) // of host:port; a worker on several hosts has one entry for each
		if err == nil {
			ports = append(ports, port)
		}
	}
	return ports
}

// bindPublisher binds the first port that is free, and returns its endpoint. The error is that of the last one.
func bindPublisher(c *config.Config, ports []int) (conn *wire.Conn, endpoint string, err error) {
	for _, port := range ports {
		endpoint = wire.BindTCP(c.ZMQ.Host, c.ZMQ.Bind, port)
		if conn, err = wire.Open(wire.Options{Kind: wire.XPub, Bind: []string{endpoint}, SendQueue: sendQueue, Linger: publishWait}); err == nil {
			return conn, endpoint, nil
		}
	}
	return nil, "", err
}
