package wire

// #cgo pkg-config: libzmq
// #include <stdlib.h>
// #include "forward.h"
import "C"

import (
	"context"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	zmq "github.com/pebbe/zmq4"
)

// Forwarder moves messages between two sockets, both ways, frames untouched: what libzmq's own proxy does, with an end that
// loses nothing. That proxy can only be stopped by destroying its context with all that is in it, or through an interface
// (steerable) that does not do the same in each libzmq a Debian or Ubuntu has; this one first waits for the answers to what
// it has passed on.
//
// When the back has nobody to send to, the front is not read: messages stay in libzmq's queues (Options.ReceiveQueue per
// peer) and then with their senders. Nothing spins meanwhile.
type Forwarder struct {
	station *station
	bell    *bell // rung when Run shall end
	drain   time.Duration
	lost    func(requests int)

	front, back *socket
	oneWay      bool // nothing ever comes from the back

	// Run's own.
	loop      *C.struct_forward // the inner loop, and how many requests wait for an answer
	backPeers int               // who could answer; counted only if somebody wants to know of lost requests
	deserted  bool              // the last peer at the back has left, and its last replies may still be unread
}

// ForwarderOptions are those of both sockets and how to end.
type ForwarderOptions struct {
	Front, Back Options

	// Drain is how long Run goes on after its context has ended, for the answers to requests that were passed on. With 0 it
	// goes on until nothing more arrives. A back that is a Pub answers nothing, and Drain then bounds how long it is fed.
	Drain time.Duration

	// Lost is told when the last peer at the back went away with requests unanswered. It is called by Run.
	Lost func(requests int)
}

// NewForwarder binds and connects both sockets. Run must follow, or Close.
func NewForwarder(o ForwarderOptions) (*Forwarder, error) {
	st, err := newStation()
	if err != nil {
		return nil, err
	}
	f := &Forwarder{station: st, drain: o.Drain, lost: o.Lost, oneWay: o.Back.Kind == Pub}
	if o.Lost != nil {
		o.Back.Watch = f.countBackPeers(o.Back.Watch)
	}
	if f.bell, err = newBell(st.context); err == nil {
		if f.front, err = st.open(o.Front); err == nil {
			f.back, err = st.open(o.Back)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Front returns the endpoints the front is bound to.
func (f *Forwarder) Front() []string { return append([]string(nil), f.front.endpoints...) }

// Back returns the endpoints the back is bound to.
func (f *Forwarder) Back() []string { return append([]string(nil), f.back.endpoints...) }

// Close releases the ports of a Forwarder that is not run; Run does it at its end.
func (f *Forwarder) Close() { f.close(0) }

func (f *Forwarder) close(linger time.Duration) {
	if f.bell != nil {
		f.bell.close()
	}
	f.station.close(linger)
}

// Run forwards until ctx ends, then for at most Drain until every request passed on is answered, and closes both sockets. It
// returns how many requests were left without an answer then.
func (f *Forwarder) Run(ctx context.Context) (unanswered int, err error) {
	stopBell := context.AfterFunc(ctx, f.bell.ring)
	defer stopBell()
	if err := f.prepare(); err != nil {
		f.Close()
		return 0, err
	}
	defer C.free(unsafe.Pointer(f.loop))
	var deadline time.Time
	wait := forever
	for {
		f.bell.hush()
		if deadline.IsZero() && ctx.Err() != nil {
			deadline = time.Now().Add(f.drain)
			wait = 0 // the end is decided by a turn that finds nothing
		}
		if err := f.readMonitors(); err != nil {
			return f.end(), err
		}
		busy, err := f.turn(wait)
		if err != nil {
			return f.end(), err
		}
		if f.mayStop(deadline, busy) {
			return f.end(), nil
		}
		if wait = patience(deadline); wait != forever && busy {
			wait = 0
		}
	}
}

// prepare gives the inner loop what it needs.
func (f *Forwarder) prepare() error {
	// In C's memory, since libzmq's messages stay in it from one call to the next.
	f.loop = (*C.struct_forward)(C.calloc(1, C.sizeof_struct_forward))
	front, back := handle(f.front.Socket), handle(f.back.Socket)
	f.loop.requests.from, f.loop.requests.to = front, back
	f.loop.replies.from, f.loop.replies.to = back, front
	if f.oneWay {
		f.loop.one_way = 1
	}
	others := []*zmq.Socket{f.bell.ear}
	for _, s := range f.station.sockets {
		if s.monitor != nil {
			others = append(others, s.monitor.pair)
		}
	}
	for i, s := range others {
		f.loop.others[i] = handle(s)
	}
	f.loop.n_others = C.int(len(others))
	if rc, err := C.forward_init(f.loop); rc < 0 {
		return fmt.Errorf("prepare to forward: %w", err)
	}
	return nil
}

// handle returns libzmq's own handle of a socket, which the binding keeps in a private field.
func handle(s *zmq.Socket) unsafe.Pointer {
	return reflect.ValueOf(s).Elem().FieldByName("soc").UnsafePointer()
}

// turn moves messages: until somebody rings or a monitor has news or, if it does not wait forever, once.
// It returns whether there was anything to do.
func (f *Forwarder) turn(wait time.Duration) (busy bool, err error) {
	timeout := -1
	if wait != forever {
		timeout = int(wait.Milliseconds())
	}
	n, err := C.forward_run(f.loop, C.int(timeout))
	if n < 0 {
		return false, f.failed(err)
	}
	return n > 0, nil
}

func (f *Forwarder) failed(err error) error {
	return fmt.Errorf("forward between %v and %v: %w", f.front.endpoints, f.back.endpoints, err)
}

// mayStop decides after each turn, so that what had arrived when the context ended has been passed on.
func (f *Forwarder) mayStop(deadline time.Time, busy bool) bool {
	if deadline.IsZero() {
		return false
	}
	if !time.Now().Before(deadline) && f.drain > 0 {
		return true
	}
	return !busy && (f.drain == 0 || f.loop.waiting == 0 && f.loop.requests.held == 0)
}

// end closes both sockets and counts the requests without an answer: passed on, in hand, and not even read.
func (f *Forwarder) end() (unanswered int) {
	unanswered = int(f.loop.waiting)
	if f.loop.requests.held != 0 { // only its first part was read
		unanswered++
		_, _ = receive(f.front, nil)
	}
	for f.drain > 0 && !f.oneWay {
		if _, err := receive(f.front, nil); err != nil {
			break
		}
		unanswered++
	}
	C.forward_end(f.loop)
	f.close(max(f.front.options.Linger, f.back.options.Linger))
	return unanswered
}

// readMonitors learns who came and went. If nobody is left who could answer, what they said last is moved, and the requests
// that they took with them are given up.
func (f *Forwarder) readMonitors() error {
	for _, s := range f.station.sockets {
		if s.monitor != nil {
			s.monitor.read()
		}
	}
	if !f.deserted {
		return nil
	}
	for {
		n, err := C.forward_replies(f.loop)
		if n < 0 {
			return f.failed(err)
		}
		if n == 0 {
			break
		}
	}
	// None of these requests has been passed to a newcomer, since none was moved since the monitor told.
	f.deserted = false
	if n := int(f.loop.waiting); n > 0 {
		f.lost(n)
		f.loop.waiting = 0
	}
	return nil
}

// countBackPeers notices when nobody is left who could answer.
func (f *Forwarder) countBackPeers(next func(Event)) func(Event) {
	return func(e Event) {
		switch e.Kind {
		case PeerReady:
			f.backPeers++
		case PeerLost:
			f.backPeers--
			f.deserted = f.deserted || f.backPeers == 0
		}
		if next != nil {
			next(e)
		}
	}
}

// forever is a time that libzmq waits without end.
const forever time.Duration = -1

// patience is how long an owner may sleep in poll: until the deadline, without one for ever.
func patience(deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return forever
	}
	return max(time.Until(deadline), time.Millisecond) // libzmq counts in whole milliseconds; 0 would spin
}
