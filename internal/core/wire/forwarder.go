package wire

import (
	"context"
	"fmt"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Forwarder moves messages between two sockets, both ways, frames untouched: what libzmq's own proxy does, with an end that
// loses nothing. That proxy can only be stopped by destroying its context with all that is in it, or through an interface
// (steerable) that does not do the same in each libzmq a Debian or Ubuntu has; this one first waits for the answers to what
// it has passed on, at some per cent of the speed.
//
// When the back has nobody to send to, the front is not read: messages stay in libzmq's queues (Options.ReceiveQueue per
// peer) and then with their senders. Nothing spins meanwhile.
type Forwarder struct {
	station *station
	drain   time.Duration
	lost    func(requests int)

	// Run's own.
	front, back lane
	waiting     int  // requests passed to the back less replies that came from it
	backPeers   int  // who could answer; counted only if somebody wants to know of lost requests
	deserted    bool // the last peer at the back has left, and its last replies may still be unread
}

// lane is one direction: what comes from this socket goes to the other.
type lane struct {
	*socket
	frames Frames // the message in hand: received from here, not yet taken by the other side; empty if none
}

// ForwarderOptions are those of both sockets and how to end.
type ForwarderOptions struct {
	Front, Back Options

	// Drain is how long Run goes on after its context has ended, for the answers to requests that were passed on. 0 is for
	// sockets without requests and answers.
	Drain time.Duration

	// Lost is told when the last peer at the back went away with requests unanswered. It is called by Run.
	Lost func(requests int)
}

// burst is how many messages one direction may pass before the other gets its turn.
const burst = 256

// NewForwarder binds and connects both sockets. Run must follow, or Close.
func NewForwarder(o ForwarderOptions) (*Forwarder, error) {
	st, err := newStation()
	if err != nil {
		return nil, err
	}
	f := &Forwarder{station: st, drain: o.Drain, lost: o.Lost}
	if o.Lost != nil {
		o.Back.Watch = f.countBackPeers(o.Back.Watch)
	}
	if f.front.socket, err = st.open(o.Front); err == nil {
		f.back.socket, err = st.open(o.Back)
	}
	if err != nil {
		st.close(0)
		return nil, err
	}
	return f, nil
}

// Front returns the endpoints the front is bound to.
func (f *Forwarder) Front() []string { return append([]string(nil), f.front.endpoints...) }

// Back returns the endpoints the back is bound to.
func (f *Forwarder) Back() []string { return append([]string(nil), f.back.endpoints...) }

// Close releases the ports of a Forwarder that is not run; Run does it at its end.
func (f *Forwarder) Close() { f.station.close(0) }

// Run forwards until ctx ends, then for at most Drain until every request passed on is answered, and closes both sockets. It
// returns how many requests were left without an answer then.
func (f *Forwarder) Run(ctx context.Context) (unanswered int, err error) {
	stopBell := context.AfterFunc(ctx, f.station.ring)
	defer stopBell()
	poller := zmq.NewPoller()
	poller.Add(f.station.bell, zmq.POLLIN)
	front, back := poller.Add(f.front.Socket, 0), poller.Add(f.back.Socket, 0)
	for _, s := range f.station.sockets {
		if s.monitor != nil {
			poller.Add(s.monitor.pair, zmq.POLLIN)
		}
	}
	var deadline time.Time
	for {
		f.station.hush()
		if deadline.IsZero() && ctx.Err() != nil {
			deadline = time.Now().Add(f.drain)
		}
		f.readMonitors()
		// Replies first: they make room, and the last words of a peer that left count as answers.
		replies, err := f.move(&f.back, &f.front)
		if err != nil {
			return f.end(), err
		}
		f.waiting = max(0, f.waiting-replies)
		if f.deserted && replies < burst {
			f.reportLost()
		}
		requests, err := f.move(&f.front, &f.back)
		if err != nil {
			return f.end(), err
		}
		f.waiting += requests
		if f.mayStop(deadline, replies+requests) {
			return f.end(), nil
		}
		_, _ = poller.Update(front, wanted(&f.front, &f.back))
		_, _ = poller.Update(back, wanted(&f.back, &f.front))
		sleep := patience(deadline)
		if !deadline.IsZero() && replies+requests > 0 {
			sleep = 0 // the end is decided by a turn that finds nothing
		}
		_, _ = poller.Poll(sleep)
	}
}

// move passes on what has arrived at from, at most a burst, and counts what the other side took.
func (f *Forwarder) move(from, to *lane) (moved int, err error) {
	for ; moved < burst; moved++ {
		if len(from.frames) == 0 {
			frames, err := receive(from.socket, from.frames)
			if err == errAgain {
				return moved, nil
			} else if err != nil {
				return moved, fmt.Errorf("receive from %v: %w", from.endpoints, err)
			}
			from.frames = frames
		}
		if err = send(to.socket, from.frames); err == errAgain {
			return moved, nil
		} else if err != nil {
			return moved, fmt.Errorf("send to %v: %w", to.endpoints, err)
		}
		clear(from.frames) // a large body must not stay in memory until the next message
		from.frames = from.frames[:0]
	}
	return moved, nil
}

// wanted is what to wait for at a socket: its messages unless one is held already, and room for what the other holds.
func wanted(s, other *lane) zmq.State {
	var state zmq.State
	if len(s.frames) == 0 {
		state |= zmq.POLLIN
	}
	if len(other.frames) > 0 {
		state |= zmq.POLLOUT
	}
	return state
}

// mayStop decides after each turn, so that what had arrived when the context ended has been passed on.
func (f *Forwarder) mayStop(deadline time.Time, moved int) bool {
	if deadline.IsZero() {
		return false
	}
	if !time.Now().Before(deadline) && f.drain > 0 {
		return true
	}
	return moved == 0 && (f.drain == 0 || f.waiting == 0 && len(f.front.frames) == 0)
}

// end closes both sockets and counts the requests without an answer: passed on, in hand, and not even read.
func (f *Forwarder) end() (unanswered int) {
	unanswered = f.waiting
	if len(f.front.frames) > 0 {
		unanswered++
	}
	for f.drain > 0 {
		if _, err := receive(f.front.socket, nil); err != nil {
			break
		}
		unanswered++
	}
	f.station.close(max(f.front.options.Linger, f.back.options.Linger))
	return unanswered
}

func (f *Forwarder) readMonitors() {
	for _, s := range f.station.sockets {
		if s.monitor != nil {
			s.monitor.read()
		}
	}
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

// reportLost gives up the requests whose only readers are gone. None has been passed to a newcomer yet, since it is called
// in the turn that noticed, before requests are moved.
func (f *Forwarder) reportLost() {
	f.deserted = false
	if f.waiting > 0 {
		f.lost(f.waiting)
		f.waiting = 0
	}
}
