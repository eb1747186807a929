package logging

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// unbound stands for a publisher that found no port: its records travel by the feed, and the log aggregator writes them.
type unbound struct{}

func (unbound) emit(*record) {}
func (unbound) close() error { return nil }

// openPublisher binds the port that the process has, or keeps it. What cannot be bound is an error, unless the records can
// reach the log aggregator by the feed: a worker whose ports are all taken has work to do, and a reference file has no port
// for our own daemons.
func (b *builder) openPublisher() (sink, error) {
	l := b.log
	if b.pub != nil { // another handler of the class
		return b.pub, nil
	}
	ports := publisherPorts(b.c, l.name, l.role)
	switch {
	case len(ports) == 0 && l.name == aggregatorName: // it collects what others publish
		return null{}, nil
	case len(ports) == 0 && l.role != Worker && l.o.Feed != nil: // nothing is missing, and Announce says where they go
		return unbound{}, nil
	case len(ports) == 0 && l.role != Worker:
		b.warnings = append(b.warnings, fmt.Sprintf("log messages are not published: zmq: ports: logging: in %s has no port for %s", b.c.File, l.name))
		return unbound{}, nil
	}
	err := fmt.Errorf("there is neither %s nor workers", l.name)
	if len(ports) > 0 {
		if b.pub = b.keep(ports); b.pub != nil {
			return b.pub, nil
		}
		if b.pub, err = l.bind(b.c, ports); err == nil {
			return b.pub, nil
		}
	}
	if l.role == Worker && l.o.Feed != nil {
		b.warnings = append(b.warnings, fmt.Sprintf("unable to find port to publish log messages to; they reach the log aggregator by the feed: %v: "+
			"end what uses the ports, or give more below zmq: ports: logging: workers in %s", err, b.c.File))
		return unbound{}, nil
	}
	return nil, fmt.Errorf("unable to find port to publish log messages to: %w", err)
}

// keep returns the publisher in use if its port is among the wanted. A port cannot be bound at another address while it is in
// use, so one that only changes its address keeps it, and that is said.
func (b *builder) keep(ports []int) *publisher {
	if b.old == nil || b.old.pub == nil {
		return nil
	}
	p := b.old.pub
	for _, port := range ports {
		if port != wire.Port(p.endpoint) {
			continue
		}
		if wanted := wire.BindTCP(b.c.ZMQ.Host, b.c.ZMQ.Bind, port); wanted != p.endpoint {
			b.warnings = append(b.warnings, fmt.Sprintf("log messages are published on %s and not on %s, which takes a restart", p.endpoint, wanted))
		}
		return p
	}
	return nil
}

// bind binds the first port that is free. The error is that of the last one.
func (l *Log) bind(c *config.Config, ports []int) (*publisher, error) {
	p := &publisher{name: l.name, topics: map[int][]byte{}, ready: make(chan struct{}), missed: func(text string) { l.tell(warning, text, false) }}
	for level := debug; level <= critical; level += 10 {
		p.topics[level] = []byte(l.name + "." + feed.PythonLevelName(level))
	}
	p.overflow = &overflow{name: l.name, topic: []byte(l.name + "." + feed.PythonLevelName(warning)), feed: func(text string) { l.tell(warning, text, true) },
		send: func(m wire.Frames) { _ = p.conn.Send(m) }}
	var err error
	for _, port := range ports {
		p.endpoint = wire.BindTCP(c.ZMQ.Host, c.ZMQ.Bind, port)
		p.conn, err = wire.Open(wire.Options{Kind: wire.XPub, Bind: []string{p.endpoint}, SendQueue: cmp.Or(l.o.sendQueue, sendQueue), Linger: publishWait,
			NoDrop: true, Undelivered: p.overflow.refused})
		if err == nil {
			p.trouble = l.trouble("log publisher " + p.endpoint)
			p.start()
			return p, nil
		}
	}
	return nil, err
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
