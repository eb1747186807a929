package wire

// #cgo pkg-config: libzmq
// #include "accept.h"
// #include "forward.h"
import "C"

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	zmq "github.com/pebbe/zmq4"
)

// Forwarder moves messages between two sockets, frames untouched: what libzmq's own proxy does, with requests that are not
// lost, and addresses that can change (Rebind).
//
// Each request gets a Ticket in front, which comes back with the reply and is taken off there. Until then the request is kept, in
// memory and in the journal (Options.Journal), which has it before anybody is given it. When a peer at the back goes away, what it
// was given and has not answered is given again, before anything new, to whoever is there next; when this process dies, by
// the next one that reads the journal. So a peer at the back may get a request twice, and the second time its ticket says so.
//
// At most maxRequests and maxBytes are kept. With so many, or when the back takes no more, the front is not read: messages stay in
// libzmq's queues (Options.ReceiveQueue per peer) and then with their senders. Nothing spins meanwhile.
//
// With a back that is a Pub messages go one way, without tickets, and nothing is kept.
type Forwarder struct {
	options   ForwarderOptions
	station   *station
	bell      *bell // rung when Run shall end, or bind other addresses
	oneWay    bool  // nothing ever comes from the back
	recovered Recovered

	// Run's own.
	front     *socket
	listening []*listener // where the front is bound
	backs     []*back     // in the order in which they were asked for; one unless Rebind was called
	serving   *back       // the one that is given the requests
	journal   journal

	ended chan struct{} // closed once Run, or Close, has released the ports

	mu              sync.Mutex
	loop            *C.struct_forward // the inner loop, Run's own; guarded by mu: whether it is still there
	peers           int               // guarded by mu: connected at the back
	rivals          string            // guarded by mu: see Waiting
	asked           *rebinding        // guarded by mu: for Run to do; nil: nothing
	pings           []chan struct{}   // guarded by mu: for Run to close
	frontAt, backAt []string          // guarded by mu: what is bound
}

// Bounds of what is kept.
const (
	maxRequests = 8192
	maxBytes    = 1 << 30
)

// ForwarderOptions are those of both sockets and how to end.
type ForwarderOptions struct {
	Front, Back Options // each with one endpoint to bind

	// Journal is the file that keeps the requests in hand from one process to the next; "" for none. A journal that cannot be read or
	// written is no error: see Recovered and Trouble.
	Journal string

	// Drain is how long Run goes on after its context has ended, for the answers to requests that were passed on. With 0 it
	// goes on until nothing more arrives. A back that is a Pub answers nothing, and Drain then bounds how long it is fed.
	Drain time.Duration

	// Again is told when a peer at the back went away with requests unanswered, which are given again. It is called by Run.
	Again func(requests int)

	// Left is told when a back that Rebind has replaced is closed: its peers were all answered and there are others. It is
	// called by Run.
	Left func(endpoint string)

	// Trouble is told why the journal cannot be written, and with nil when it can be again. It is called by Run and, at the beginning,
	// by NewForwarder.
	Trouble func(error)

	// Refused is told of requests that were not accepted because nobody could answer them: they have no empty frame before the
	// message. requests is how many those are so far, peer where the newest came from ("ip:port"; "" if that is not known). It is
	// called by Run, at most once a second.
	Refused func(requests int, peer string)

	maxRequests, maxBytes int // for tests; 0 the constants
}

// NewForwarder binds and connects both sockets, and takes over what is in the journal. Run must follow, or Close.
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
	if err == nil {
		err = f.prepare()
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
	if err := f.recover(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
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
	f.mu.Lock()
	if f.loop != nil {
		C.forward_end(f.loop)
		f.loop = nil
	}
	f.mu.Unlock()
	if f.bell != nil {
		f.bell.close()
	}
	f.station.close(linger)
	f.journal.locked.Close() // it may be nil
	close(f.ended)
}

// Waiting is how the requests in hand are doing.
type Waiting struct {
	Requests int       // accepted and not answered
	Since    time.Time // when the first of them was accepted
	Answered int       // so far
	Peers    int       // connected at the back
	Rivals   string    // where these are, if they are more than the one that may be: nobody is given anything; "": they are not
	// TurnedAway counts connections of anybody to this process that were closed at once, so far, as it had no descriptor left (accept.c).
	TurnedAway int
}

// Waiting may be called from any goroutine, at any time.
func (f *Forwarder) Waiting() Waiting {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.loop == nil {
		return Waiting{}
	}
	var requests, answered C.long
	var since C.int64_t
	C.forward_shown(f.loop, &requests, &since, &answered)
	w := Waiting{Requests: int(requests), Answered: int(answered), Peers: f.peers, Rivals: f.rivals, TurnedAway: int(C.accept_turned_away())}
	if requests > 0 {
		w.Since = time.UnixMilli(int64(since))
	}
	return w
}

// Run forwards until ctx ends, then for at most Drain until every request passed on is answered, and closes all sockets. It
// returns how many requests were left without an answer then; they are in the journal.
func (f *Forwarder) Run(ctx context.Context) (unanswered int, err error) {
	stopBell := context.AfterFunc(ctx, f.bell.ring)
	defer stopBell()
	if err := f.watch(); err != nil {
		f.Close()
		return 0, err
	}
	if f.journal.path != "" {
		reminding, stopReminding := context.WithCancel(ctx)
		defer stopReminding()
		go f.remind(reminding)
	}
	var deadline time.Time
	busy := false
	for {
		f.bell.hush()
		if deadline.IsZero() && ctx.Err() != nil {
			deadline = time.Now().Add(f.options.Drain)
			busy = true // the end is decided by a turn that finds nothing
		}
		err := f.readMonitors()
		if err == nil {
			err = f.settle()
		}
		if err != nil {
			return f.end(), err
		}
		f.careForJournal(time.Now())
		f.tellRefused()
		wait := f.patience(deadline)
		if !deadline.IsZero() && busy {
			wait = 0
		}
		if busy, err = f.turn(wait); err != nil {
			return f.end(), err
		}
		if f.mayStop(deadline, busy) {
			return f.end(), nil
		}
	}
}

// prepare makes the inner loop. It is in C's memory, since libzmq's messages stay in it from one call to the next.
func (f *Forwarder) prepare() error {
	if f.loop = C.forward_new(); f.loop == nil {
		return fmt.Errorf("prepare to forward: %w", syscall.ENOMEM)
	}
	f.loop.front = handle(f.front.Socket)
	if f.oneWay {
		f.loop.one_way = 1
	}
	f.loop.ledger.journal = C.uint64_t(newJournalID())
	f.loop.ledger.max_count = C.long(cmp.Or(f.options.maxRequests, maxRequests))
	f.loop.ledger.max_bytes = C.size_t(cmp.Or(f.options.maxBytes, maxBytes))
	f.place(f.serving)
	f.serve(f.serving)
	return nil
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

func (f *Forwarder) tellRefused() {
	if C.forward_refused_due(f.loop) == 0 {
		return
	}
	refused := &f.loop.refused
	refused.told, refused.told_at = refused.count, refused.at
	if f.options.Refused != nil {
		f.options.Refused(int(refused.count), C.GoString(&refused.peer[0]))
	}
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
	return !busy && (drain == 0 || f.loop.ledger.count == 0 && f.loop.held == 0 || f.deserted())
}

// deserted tells whether nobody is there who could answer. Who comes while we stop would hold up the next forwarder, which has the
// requests from the journal and the port that workers are waiting for.
func (f *Forwarder) deserted() bool {
	for _, b := range f.backs {
		if b.peers > 0 {
			return false
		}
	}
	return !f.oneWay
}

// end closes all sockets and counts the requests without an answer. What has arrived and not been read goes into the journal, too.
func (f *Forwarder) end() (unanswered int) {
	if f.options.Drain > 0 && !f.oneWay {
		for C.forward_accept(f.loop) > 0 {
		}
	}
	unanswered = int(f.loop.ledger.count)
	f.close(max(f.options.Front.Linger, f.options.Back.Linger))
	return unanswered
}

// forever is a time that libzmq waits without end.
const forever time.Duration = -1

// patience is how long Run may sleep in poll: until the deadline, or until it is time to try the journal again or to pass
// requests to a back again; without any of these for ever.
func (f *Forwarder) patience(deadline time.Time) time.Duration {
	until := deadline
	sooner := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	if f.journal.trouble != nil {
		sooner(f.journal.retry)
	}
	for _, b := range f.backs {
		if b.peers == 1 && b.lane.open == 0 {
			sooner(b.closed)
		}
	}
	if until.IsZero() {
		return forever
	}
	return max(time.Until(until), time.Millisecond) // libzmq counts in whole milliseconds; 0 would spin
}
