package wire

// #include "forward.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Rebound says what Rebind has changed. The endpoints are the real ones.
type Rebound struct {
	Front, Back string   // bound now; "" if it was before
	Kept        []string // of the front: still bound beside the newest, for peers that know no other
	Closed      []string // of the front: nobody was connected to them
}

// rebinding is a call of Rebind on its way to Run.
type rebinding struct {
	front, back string
	result      Rebound
	err         error
	done        chan struct{}
}

// Rebind makes the front and the back listen at other endpoints without losing, delaying or repeating a message. It returns once
// they do. With an error nothing has changed.
//
// libzmq ends the connections it has accepted when it stops to listen. So the old endpoint of the front stays bound, also for
// peers that come later and know no other, until a later Rebind finds nobody connected to it. The back gets a socket of
// its own for the new endpoint, as a DEALER cannot be told which of its peers to leave out: requests go on to the old one until
// somebody is there who can answer at the new one; then the old one only takes answers, and is closed when it has all.
//
// Run must be running, and Options.Watch of the front be set.
func (f *Forwarder) Rebind(ctx context.Context, front, back string) (Rebound, error) {
	for attempt := 0; ; attempt++ {
		r := &rebinding{front: front, back: back, done: make(chan struct{})}
		f.mu.Lock()
		f.asked = r
		f.mu.Unlock()
		f.bell.ring()
		select {
		case <-r.done:
		case <-f.ended:
			return Rebound{}, ErrClosed
		case <-ctx.Done():
			return Rebound{}, ctx.Err()
		}
		// libzmq lets go of a port a moment after it was told to, which may have been by the last Rebind.
		if attempt == lettingGo || !errors.Is(r.err, zmq.EADDRINUSE) {
			return r.result, r.err
		}
		time.Sleep(lettingGoPause)
	}
}

const (
	lettingGo      = 4
	lettingGoPause = 25 * time.Millisecond
)

// settle does what Rebind asks for, passes requests to the newest back once it has peers, and closes those that have answered
// all. It is called by Run between turns.
func (f *Forwarder) settle() error {
	f.mu.Lock()
	r := f.asked
	f.asked = nil
	f.answerPings()
	f.mu.Unlock()
	if r != nil {
		r.result, r.err = f.rebind(r.front, r.back)
	}
	newest := f.backs[len(f.backs)-1]
	if newest != f.serving && newest.peers > 0 {
		f.serving.lane.leaving = 1
		f.serve(newest)
	}
	closed := false
	for _, b := range slices.Clone(f.backs) {
		if b != newest && C.forward_done(b.lane) != 0 {
			f.drop(b)
			closed = true
			if f.options.Left != nil {
				f.options.Left(b.endpoints[0])
			}
		}
	}
	if r == nil && !closed {
		return nil
	}
	f.publishEndpoints()
	err := f.watch()
	if r != nil {
		close(r.done)
	}
	return err
}

// rebind binds first and gives up after, so that a port which is taken changes nothing.
func (f *Forwarder) rebind(front, back string) (r Rebound, err error) {
	if r.Front, err = f.listen(front); err != nil {
		return Rebound{}, err
	}
	if r.Back, err = f.addBack(back); err != nil {
		if r.Front != "" {
			f.unlisten(r.Front)
		}
		return Rebound{}, err
	}
	newest := slices.IndexFunc(f.listening, func(l *listener) bool { return l.asked == front })
	for i, l := range slices.Clone(f.listening) {
		switch {
		case i == newest:
			l.replaced = false
		case l.replaced && f.front.monitor.connected(Port(l.real)) == 0:
			f.unlisten(l.real)
			r.Closed = append(r.Closed, l.real)
		default:
			l.replaced = true
			r.Kept = append(r.Kept, l.real)
		}
	}
	return r, nil
}

// listener is an endpoint of the front.
type listener struct {
	asked, real string
	replaced    bool // by a Rebind before
}

// listen binds the front to one more endpoint, unless it is bound to it.
func (f *Forwarder) listen(endpoint string) (bound string, err error) {
	if slices.ContainsFunc(f.listening, func(l *listener) bool { return l.asked == endpoint }) {
		return "", nil
	}
	if err := f.notOurs(endpoint); err != nil {
		return "", err
	}
	if err := f.front.bind(endpoint); err != nil {
		return "", err
	}
	bound = f.front.endpoints[len(f.front.endpoints)-1]
	f.listening = append(f.listening, &listener{asked: endpoint, real: bound})
	return bound, nil
}

func (f *Forwarder) unlisten(real string) {
	_ = f.front.Unbind(real) // it is bound
	f.front.monitor.forget(Port(real))
	f.front.endpoints = slices.DeleteFunc(f.front.endpoints, func(e string) bool { return e == real })
	f.listening = slices.DeleteFunc(f.listening, func(l *listener) bool { return l.real == real })
}

// addBack makes the back with an endpoint the newest.
func (f *Forwarder) addBack(endpoint string) (bound string, err error) {
	newest := f.backs[len(f.backs)-1]
	if newest.asked == endpoint {
		return "", nil
	}
	i := slices.IndexFunc(f.backs, func(b *back) bool { return b.asked == endpoint })
	var b *back
	if i >= 0 {
		b = f.backs[i]
		f.backs = slices.Delete(f.backs, i, i+1)
		b.lane.leaving = 0
	} else {
		if err := f.notOurs(endpoint); err != nil {
			return "", err
		}
		if newest == f.serving && len(f.backs) == C.MAX_BACKS {
			return "", fmt.Errorf("bind %s: requests are unanswered at %d earlier endpoints: wait until the manager has answered them, then reload again", endpoint, len(f.backs)-1)
		}
		if b, err = f.openBack([]string{endpoint}); err != nil {
			return "", err
		}
		bound = b.endpoints[0]
	}
	if newest != f.serving { // nobody has come there, so nothing was passed to it
		f.drop(newest)
	}
	if b.lane == nil {
		f.place(b)
	}
	f.backs = append(f.backs, b)
	return bound, nil
}

// drop closes a back that nobody waits for.
func (f *Forwarder) drop(b *back) {
	b.lane.socket = nil
	f.mu.Lock()
	f.peers -= b.peers
	f.mu.Unlock()
	f.station.drop(b.socket)
	f.backs = slices.DeleteFunc(f.backs, func(other *back) bool { return other == b })
}

// notOurs refuses a port that one of our own sockets has.
func (f *Forwarder) notOurs(endpoint string) error {
	all := f.front.endpoints
	for _, b := range f.backs {
		all = slices.Concat(all, b.endpoints)
	}
	for _, e := range all {
		if port := Port(endpoint); port != 0 && port == Port(e) {
			return fmt.Errorf("bind %s: %s is still open here: a port cannot change its purpose or its address while this runs; choose another port (zmq: ports:), or restart", endpoint, e)
		}
	}
	return nil
}
