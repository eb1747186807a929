package wire

// #cgo pkg-config: libzmq
// #include <stdlib.h>
// #include "forward.h"
import "C"

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"

	zmq "github.com/pebbe/zmq4"
)

// Forwarder moves messages between two sockets, both ways, frames untouched: what libzmq's own proxy does, with an end that
// loses nothing, and addresses that can change (Rebind). That proxy can only be stopped by destroying its context with all that
// is in it, or through an interface (steerable) that does not do the same in each libzmq a Debian or Ubuntu has; this one
// first waits for the answers to what it has passed on.
//
// When the back has nobody to send to, the front is not read: messages stay in libzmq's queues (Options.ReceiveQueue per
// peer) and then with their senders. Nothing spins meanwhile.
type Forwarder struct {
	options ForwarderOptions
	station *station
	bell    *bell // rung when Run shall end, or bind other addresses
	oneWay  bool  // nothing ever comes from the back

	// Run's own.
	front     *socket
	listening []*listener       // where the front is bound
	backs     []*back           // in the order in which they were asked for; one unless Rebind was called
	serving   *back             // the one that is given the requests
	loop      *C.struct_forward // the inner loop, and how many requests wait for an answer

	ended chan struct{} // closed once Run, or Close, has released the ports

	mu              sync.Mutex
	asked           *rebinding // guarded by mu: for Run to do; nil: nothing
	frontAt, backAt []string   // guarded by mu: what is bound
}

// back is a socket that requests are passed to.
type back struct {
	*socket
	asked    string         // the endpoint, before the system chose a port
	peers    int            // who could answer; counted only if somebody wants to know of lost requests
	deserted bool           // the last peer has left, and its last replies may still be unread
	lane     *C.struct_back // its place in the inner loop, from Run's beginning
}

// ForwarderOptions are those of both sockets and how to end.
type ForwarderOptions struct {
	Front, Back Options // each with one endpoint to bind

	// Drain is how long Run goes on after its context has ended, for the answers to requests that were passed on. With 0 it
	// goes on until nothing more arrives. A back that is a Pub answers nothing, and Drain then bounds how long it is fed.
	Drain time.Duration

	// Lost is told when the last peer at the back went away with requests unanswered. It is called by Run. Rebind needs it.
	Lost func(requests int)

	// Left is told when a back that Rebind has replaced is closed: its peers were all answered and there are others. It is
	// called by Run.
	Left func(endpoint string)
}

// NewForwarder binds and connects both sockets. Run must follow, or Close.
func NewForwarder(o ForwarderOptions) (*Forwarder, error) {
	st, err := newStation()
	if err != nil {
		return nil, err
	}
	f := &Forwarder{options: o, station: st, oneWay: o.Back.Kind == Pub, ended: make(chan struct{})}
	if f.bell, err = newBell(st.context); err == nil {
		if f.front, err = st.open(o.Front); err == nil {
			f.serving, err = f.openBack(o.Back.Bind)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.backs = []*back{f.serving}
	for i, e := range o.Front.Bind {
		f.listening = append(f.listening, &listener{asked: e, real: f.front.endpoints[i]})
	}
	f.publishEndpoints()
	return f, nil
}

// openBack opens a socket that requests could be passed to.
func (f *Forwarder) openBack(bind []string) (*back, error) {
	o := f.options.Back
	o.Bind = bind
	b := &back{asked: bind[0]}
	if f.options.Lost != nil {
		o.Watch = b.countPeers(o.Watch)
	}
	var err error
	if b.socket, err = f.station.open(o); err != nil {
		return nil, err
	}
	return b, nil
}

// Front returns the endpoints the front is bound to, in the order in which they were bound.
func (f *Forwarder) Front() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.frontAt...)
}

// Back returns the endpoints the back is bound to, in the order in which they were bound.
func (f *Forwarder) Back() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.backAt...)
}

// publishEndpoints tells other goroutines what is bound.
func (f *Forwarder) publishEndpoints() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frontAt, f.backAt = slices.Clone(f.front.endpoints), nil
	for _, b := range f.backs {
		f.backAt = append(f.backAt, b.endpoints...)
	}
}

// Close releases the ports of a Forwarder that is not run; Run does it at its end.
func (f *Forwarder) Close() { f.close(0) }

func (f *Forwarder) close(linger time.Duration) {
	if f.bell != nil {
		f.bell.close()
	}
	f.station.close(linger)
	close(f.ended)
}

// Run forwards until ctx ends, then for at most Drain until every request passed on is answered, and closes all sockets. It
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
			deadline = time.Now().Add(f.options.Drain)
			wait = 0 // the end is decided by a turn that finds nothing
		}
		err := f.readMonitors()
		if err == nil {
			err = f.settle()
		}
		if err != nil {
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
	f.loop.requests.from = handle(f.front.Socket)
	if f.oneWay {
		f.loop.one_way = 1
	}
	C.forward_init(f.loop)
	f.place(f.serving)
	f.serve(f.serving)
	return f.watch()
}

// place gives a back its place in the inner loop. There is one: openBack's callers see to that.
func (f *Forwarder) place(b *back) {
	for i := range f.loop.backs {
		if lane := &f.loop.backs[i]; lane.replies.from == nil {
			lane.replies.from, lane.waiting, lane.leaving = handle(b.Socket), 0, 0
			b.lane = lane
			return
		}
	}
}

// serve has the requests from now on passed to b.
func (f *Forwarder) serve(b *back) {
	f.serving, f.loop.serving = b, b.lane
	f.loop.requests.to = b.lane.replies.from
}

// watch tells the inner loop which sockets there are.
func (f *Forwarder) watch() error {
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
	if rc, err := C.forward_watch(f.loop); rc < 0 {
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
	return fmt.Errorf("forward between %v and %v: %w", f.Front(), f.Back(), err)
}

// waiting is how many requests that were passed on have no answer yet.
func (f *Forwarder) waiting() (n int) {
	for _, b := range f.backs {
		n += int(b.lane.waiting)
	}
	return n
}

// mayStop decides after each turn, so that what had arrived when the context ended has been passed on.
func (f *Forwarder) mayStop(deadline time.Time, busy bool) bool {
	if deadline.IsZero() {
		return false
	}
	drain := f.options.Drain
	if !time.Now().Before(deadline) && drain > 0 {
		return true
	}
	return !busy && (drain == 0 || f.waiting() == 0 && f.loop.requests.held == 0)
}

// end closes all sockets and counts the requests without an answer: passed on, in hand, and not even read.
func (f *Forwarder) end() (unanswered int) {
	unanswered = f.waiting()
	if f.loop.requests.held != 0 { // only its first part was read
		unanswered++
		_, _ = receive(f.front, nil)
	}
	for f.options.Drain > 0 && !f.oneWay {
		if _, err := receive(f.front, nil); err != nil {
			break
		}
		unanswered++
	}
	C.forward_end(f.loop)
	f.close(max(f.options.Front.Linger, f.options.Back.Linger))
	return unanswered
}

// readMonitors learns who came and went. If nobody is left at a back who could answer, what they said last is moved, and the
// requests that they took with them are given up.
func (f *Forwarder) readMonitors() error {
	for _, s := range f.station.sockets {
		if s.monitor != nil {
			s.monitor.read()
		}
	}
	for _, b := range f.backs {
		if !b.deserted {
			continue
		}
		for {
			n, err := C.forward_replies(f.loop, b.lane)
			if n < 0 {
				return f.failed(err)
			}
			if n == 0 {
				break
			}
		}
		// None of these requests has been passed to a newcomer, since none was moved since the monitor told.
		b.deserted = false
		if n := int(b.lane.waiting); n > 0 {
			f.options.Lost(n)
			b.lane.waiting = 0
		}
	}
	return nil
}

// countPeers notices when nobody is left who could answer.
func (b *back) countPeers(next func(Event)) func(Event) {
	return func(e Event) {
		switch e.Kind {
		case PeerReady:
			b.peers++
		case PeerLost:
			b.peers--
			b.deserted = b.deserted || b.peers == 0
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
