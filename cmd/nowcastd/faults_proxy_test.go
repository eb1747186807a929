package main

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is the network between workers and their broker, which can be broken. It passes bytes on; TCP's peers see of a cut that is
// healed only that nothing came for a while, as they do when packets were lost and sent again.
type proxy struct {
	to string
	l  net.Listener

	mu    sync.Mutex
	links map[*link]bool // whole ones; guarded by mu, as are the others
	all   []*link
	held  [2]bool // towards the broker, towards the worker
	delay [2]time.Duration
	away  bool // whoever connects is refused
	heard int  // connections so far
}

// link is one connection of a worker.
type link struct{ worker, broker net.Conn }

const (
	toBroker = 0
	toWorker = 1
)

// newProxy listens on a port of its own and leads to another one. Nobody need be there.
func newProxy(t *testing.T, port, to int) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: fmt.Sprint("127.0.0.1:", to), l: l, links: map[*link]bool{}}
	var running sync.WaitGroup
	running.Go(func() { p.accept(&running) })
	t.Cleanup(func() {
		l.Close()
		p.heal()
		for _, link := range p.all { // nobody comes any more
			link.worker.Close()
			link.broker.Close()
		}
		running.Wait()
	})
	return p
}

func (p *proxy) accept(running *sync.WaitGroup) {
	for {
		worker, err := p.l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		away := p.away
		p.heard++
		p.mu.Unlock()
		broker, err := net.Dial("tcp", p.to)
		if err != nil || away {
			worker.Close()
			if err == nil {
				broker.Close()
			}
			continue
		}
		l := &link{worker, broker}
		p.mu.Lock()
		p.links[l] = true
		p.all = append(p.all, l)
		p.mu.Unlock()
		running.Go(func() { p.pump(l, toBroker, l.worker, l.broker) })
		running.Go(func() { p.pump(l, toWorker, l.broker, l.worker) })
	}
}

// pump passes on what comes from one side until a side is closed, and then closes both, unless the link is half open.
func (p *proxy) pump(l *link, way int, from, to net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.wait(l, way)
			to.Write(buf[:n]) // the other side may be gone: what is written to it is gone, too
		}
		if err != nil {
			p.mu.Lock()
			whole := p.links[l]
			delete(p.links, l)
			p.mu.Unlock()
			if whole {
				l.worker.Close()
				l.broker.Close()
			}
			return
		}
	}
}

// wait holds back what goes one way, as long as the way is cut.
func (p *proxy) wait(l *link, way int) {
	p.mu.Lock()
	delay := p.delay[way]
	p.mu.Unlock()
	time.Sleep(delay)
	for {
		p.mu.Lock()
		held := p.held[way] && p.links[l]
		p.mu.Unlock()
		if !held {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// cut holds back what goes one way, or both.
func (p *proxy) cut(ways ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, way := range ways {
		p.held[way] = true
	}
}

func (p *proxy) slow(to, from time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = [2]time.Duration{to, from}
}

// heal ends all that was done, but for links that are gone.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.delay, p.away = [2]bool{}, [2]time.Duration{}, false
}

// reset closes all connections on both sides. What was held back is gone.
func (p *proxy) reset() {
	for _, l := range p.take() {
		l.worker.Close()
		l.broker.Close()
	}
}

// refuse is reset, and nobody gets a new connection until heal.
func (p *proxy) refuse() {
	p.mu.Lock()
	p.away = true
	p.mu.Unlock()
	p.reset()
}

// halve closes all connections on the side of the broker. Workers are not told: as when a machine in between was restarted.
func (p *proxy) halve() {
	for _, l := range p.take() {
		l.broker.Close()
	}
}

func (p *proxy) take() (all []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		all = append(all, l)
	}
	clear(p.links)
	return all
}

// connections returns how many there were.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}
