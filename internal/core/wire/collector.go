package wire

// #cgo pkg-config: libzmq
// #include <stdlib.h>
// #include "collect.h"
import "C"

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unsafe"

	zmq "github.com/pebbe/zmq4"
)

const (
	collectRoom = 1 << 20              // bytes that one call takes; more for a message that is larger
	collectLull = 2 * time.Millisecond // between two calls, so that a stream of records costs some calls a second and not one each

	// collectAgain is libzmq's default, which the Python aggregator has: a Python worker that lives for a moment only is heard from
	// when we are connected.
	collectAgain = 100 * time.Millisecond

	maxCollect = 256 << 20 // a peer that sends a larger frame is disconnected: it would take the memory of all others
)

// Collector is a SUB socket for the log records of many publishers, and the goroutine that owns it. It takes everything, in
// batches, and never waits for anybody: libzmq's queue has no bound, so that a publisher is not held back by us and what
// is too much is dropped where it is counted, by whoever is given the batches. All methods are safe for concurrent use.
type Collector struct {
	station *station
	socket  *socket
	sleeper *sleeper
	take    func(Batch)
	c       *C.struct_collector // the owner's
	room    []byte              // the owner's

	mu       sync.Mutex
	commands []func() // for the owner; guarded by mu, as is closing
	closing  bool
	running  sync.WaitGroup
}

// OpenCollector makes a Collector that is not connected yet. take is called with what has arrived, in order, by the owner of the
// socket: it must be quick. Batches may be kept.
func OpenCollector(take func(Batch)) (*Collector, error) {
	st, err := newStation()
	if err != nil {
		return nil, err
	}
	s, err := st.open(Options{Kind: Sub, Subscribe: []string{""}, ReceiveQueue: -1, MaxMessage: maxCollect, Reconnect: collectAgain})
	if err != nil {
		st.close(0)
		return nil, err
	}
	sl, err := newSleeper(s.Socket)
	if err != nil {
		st.close(0)
		return nil, err
	}
	c := &Collector{station: st, socket: s, sleeper: sl, take: take, room: make([]byte, collectRoom)}
	// In C's memory, since libzmq's messages stay in it from one call to the next.
	c.c = (*C.struct_collector)(C.calloc(1, C.sizeof_struct_collector))
	C.collect_init(c.c, handle(s.Socket))
	c.running.Go(c.own)
	return c, nil
}

// Connect adds a publisher, who need not be there yet and may restart.
func (c *Collector) Connect(endpoint string) error {
	return c.do(func() error {
		// With it on for all, a name such as localhost would be looked for at IPv6 addresses only.
		err := c.socket.SetIpv6(strings.HasPrefix(endpoint, "tcp://["))
		if err == nil {
			err = c.socket.Connect(endpoint)
		}
		if err != nil {
			return fmt.Errorf("connect to %s: %w; check the host name and port", endpoint, err)
		}
		return nil
	})
}

// Disconnect leaves a publisher. What has arrived from it is kept.
func (c *Collector) Disconnect(endpoint string) error {
	return c.do(func() error {
		c.drain() // libzmq drops what is unread
		if err := c.socket.Disconnect(endpoint); err != nil {
			return fmt.Errorf("disconnect from %s: %w", endpoint, err)
		}
		return nil
	})
}

// do has the owner do something.
func (c *Collector) do(f func() error) error {
	done := make(chan error, 1)
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return ErrClosed
	}
	c.commands = append(c.commands, func() { done <- f() })
	c.mu.Unlock()
	c.sleeper.ring()
	return <-done
}

// Close hands over what has arrived and closes the socket. Calling it again waits too.
func (c *Collector) Close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.sleeper.ring()
	c.running.Wait()
}

// own is the life of the socket's owner.
func (c *Collector) own() {
	for {
		c.sleeper.hush(time.Time{})
		c.mu.Lock()
		commands, closing := c.commands, c.closing
		c.commands = nil
		c.mu.Unlock()
		for _, do := range commands {
			do()
		}
		arrived := c.drain()
		if closing {
			break
		}
		if arrived {
			time.Sleep(collectLull)
			continue
		}
		c.sleeper.wait(func() bool { return c.socket.ready(zmq.POLLIN) })
	}
	C.collect_end(c.c)
	C.free(unsafe.Pointer(c.c))
	c.station.close(0)
	c.sleeper.close()
}

// drain hands over everything that has arrived, and says whether there was anything.
func (c *Collector) drain() (arrived bool) {
	for {
		n := C.collect(c.c, (*C.uchar)(unsafe.Pointer(&c.room[0])), C.size_t(len(c.room)))
		if n < 0 {
			return arrived // cannot be: the socket and its context are ours, and open
		}
		if n > 0 {
			arrived = true
			c.take(Batch(c.room[:n]))
		}
		switch needed := int(c.c.needed); {
		case needed > len(c.room):
			c.room = make([]byte, needed)
		case needed == 0:
			if len(c.room) > collectRoom {
				c.room = make([]byte, collectRoom)
			}
			return arrived
		}
	}
}
