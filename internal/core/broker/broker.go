// Package broker is the fixed points of the network: the port workers know, the port the manager knows, the feed that
// consoles subscribe to, and the control port. It forwards opaque frames and never looks into a body.
//
// It stands between everybody: worker -> broker -> manager loop, daemons -> feed hub -> consoles, console -> control hub ->
// daemons. It keeps no state, so it may be restarted at any time: peers on both sides connect again by themselves. When it
// is told to stop it first waits (Options.Drain) for the answers to the requests it has passed on.
//
// Its ports can change while it runs (Rebind), for the operator who sends SIGHUP.
//
// Guarantees. Requests and replies pass untouched. Without a manager, requests wait (bounded per worker, then the workers are
// held back) and no CPU is used. A slow console loses feed messages, and never slows a daemon. A command for a daemon that is
// not there is answered at once. Whatever the broker can see being lost is logged.
package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Options say where to bind. Endpoints are as wire.BindTCP and wire.IPC return them.
type Options struct {
	Logger *slog.Logger

	Workers, Manager string // both required

	FeedIn, FeedOut                string // publishers and subscribers; both "" for no feed hub
	ControlClients, ControlDaemons string // both "" for no control hub

	MaxRequest int64         // larger frames disconnect the worker that sends them; 0 is DefaultMaxRequest
	Drain      time.Duration // how long to wait for answers when stopping; 0 is DefaultDrain
}

// DefaultMaxRequest is far above the size the manager accepts, because only the manager can answer that a message is too
// large; a worker that is disconnected waits for ever. It keeps a broken peer from filling the memory.
const DefaultMaxRequest = 1 << 30

// DefaultDrain is enough for a manager that is alive and short enough for a supervisor that waits.
const DefaultDrain = 3 * time.Second

// Endpoints are what is really bound, with the ports the system chose where port 0 was asked for; the oldest ones after Rebind.
type Endpoints struct {
	Workers, Manager               string
	FeedIn, FeedOut                string
	ControlClients, ControlDaemons string
}

// Broker is bound and, in Run, forwards.
type Broker struct {
	requests *requests
	feed     *feedHub    // nil without a feed
	control  *controlHub // nil without control
}

// New binds everything, so that a port that is taken is an error before any work begins. Run must follow, or Close.
func New(o Options) (*Broker, error) {
	if o.MaxRequest == 0 {
		o.MaxRequest = DefaultMaxRequest
	}
	if o.Drain == 0 {
		o.Drain = DefaultDrain
	}
	b := &Broker{}
	var err error
	if b.requests, err = newRequests(o); err != nil {
		return nil, err
	}
	if o.FeedIn != "" || o.FeedOut != "" {
		if b.feed, err = newFeedHub(o); err != nil {
			b.Close()
			return nil, err
		}
	}
	if o.ControlClients != "" || o.ControlDaemons != "" {
		if b.control, err = newControlHub(o); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// Endpoints returns what is bound.
func (b *Broker) Endpoints() Endpoints {
	e := Endpoints{Workers: b.requests.forwarder.Front()[0], Manager: b.requests.forwarder.Back()[0]}
	if b.feed != nil {
		e.FeedIn, e.FeedOut = b.feed.endpoints()
	}
	if b.control != nil {
		e.ControlClients, e.ControlDaemons = b.control.clients.Endpoints()[0], b.control.daemons.Endpoints()[0]
	}
	return e
}

// Rebind makes workers and manager meet at other endpoints, without losing or delaying a message: see wire.Forwarder. Run must
// be running. With an error, nothing has changed.
func (b *Broker) Rebind(ctx context.Context, workers, manager string) error {
	return b.requests.rebind(ctx, workers, manager)
}

// Close releases the ports of a Broker that is not run; Run does it at its end.
func (b *Broker) Close() {
	b.requests.forwarder.Close()
	if b.feed != nil {
		b.feed.close()
	}
	if b.control != nil {
		b.control.close()
	}
}

// Run forwards until ctx ends, finishes what is in hand and closes everything. An error of one part stops the others.
func (b *Broker) Run(ctx context.Context) error {
	// Requests stop first and with them the reason to watch: feed and control go on while answers are waited for.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	beside, stopBeside := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBeside()
	var (
		running  sync.WaitGroup
		feedErr  error
		otherErr error
	)
	if b.feed != nil {
		running.Go(func() {
			defer stop()
			feedErr = b.feed.run(beside)
		})
	}
	if b.control != nil {
		running.Go(func() {
			defer stop()
			otherErr = b.control.run(beside)
		})
	}
	err := b.requests.run(ctx)
	stopBeside()
	running.Wait()
	return errors.Join(err, feedErr, otherErr)
}
