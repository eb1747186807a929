package wire

// #include "forward.h"
import "C"

import (
	"strings"
	"time"
)

// back is a socket that requests are passed to.
type back struct {
	*socket
	asked    string         // the endpoint, before the system chose a port
	peers    int            // who could answer; more than one is one too many
	deserted bool           // a peer has left, and its last replies may still be unread
	closed   time.Time      // nothing is passed to it before: see readMonitors
	lane     *C.struct_back // its place in the inner loop
}

// openBack opens a socket that requests could be passed to.
func (f *Forwarder) openBack(bind []string) (*back, error) {
	o := f.options.Back
	o.Bind = bind
	b := &back{asked: bind[0]}
	if !f.oneWay {
		o.Watch = f.countPeers(b, o.Watch)
	}
	var err error
	if b.socket, err = f.station.open(o); err != nil {
		return nil, err
	}
	return b, nil
}

// place gives a back its place in the inner loop. There is one: openBack's callers see to that.
func (f *Forwarder) place(b *back) {
	for i := range f.loop.backs {
		if lane := &f.loop.backs[i]; lane.socket == nil {
			*lane = C.struct_back{socket: handle(b.Socket)}
			b.lane = lane
			return
		}
	}
}

// serve has the requests from now on passed to b.
func (f *Forwarder) serve(b *back) {
	f.serving, f.loop.serving = b, b.lane
}

// readMonitors learns who came and went. When somebody has left who could answer, what he said last is moved, and what was given to
// that back is taken back: which of several peers there had it, libzmq does not say.
//
// Nothing is given to a back with several peers: libzmq deals requests to them in turn, and two managers that know nothing of each other
// would each have half of a day. The requests wait until one has left.
//
// It is given again only to somebody who is known to be there. libzmq tells that a peer has left just before it stops to pass
// messages to it, so what is sent at once may go after it. Who comes later has come after that; if another was there all the
// time, only waiting helps.
func (f *Forwarder) readMonitors() error {
	for _, s := range f.station.sockets {
		if s.monitor != nil {
			s.monitor.read()
		}
	}
	now := time.Now()
	rivals := ""
	for _, b := range f.backs {
		if b.deserted {
			if err := f.takeBack(b); err != nil {
				return err
			}
			if b.peers > 0 {
				b.closed = now.Add(leaving)
			}
		}
		b.lane.open = 0
		if b.peers == 1 && !now.Before(b.closed) {
			b.lane.open = 1
		}
		if b.peers > 1 {
			rivals = strings.Join(b.monitor.addresses(), " and ")
		}
	}
	f.mu.Lock()
	f.rivals = rivals
	f.mu.Unlock()
	return nil
}

// leaving is much longer than libzmq takes from telling that a peer has left to letting go of it.
const leaving = 250 * time.Millisecond

func (f *Forwarder) takeBack(b *back) error {
	for {
		n, err := C.forward_replies(f.loop, b.lane)
		if n < 0 {
			return f.failed(err)
		}
		if n == 0 {
			break
		}
	}
	b.deserted = false
	if n := int(C.forward_take_back(f.loop, b.lane)); n > 0 && f.options.Again != nil {
		f.options.Again(n)
	}
	return nil
}

// countPeers notices who is there, and that somebody has left.
func (f *Forwarder) countPeers(b *back, next func(Event)) func(Event) {
	count := func(n int) {
		b.peers += n
		f.mu.Lock()
		f.peers += n
		f.mu.Unlock()
	}
	return func(e Event) {
		switch e.Kind {
		case PeerReady:
			count(1)
		case PeerLost:
			count(-1)
			b.deserted = true
		}
		if next != nil {
			next(e)
		}
	}
}
