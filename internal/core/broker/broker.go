// Package broker is the fixed points of the network: the port workers know, the port the manager knows, the feed that
// consoles subscribe to, and the control port. It forwards opaque frames and never looks into a body.
//
// It stands between everybody: worker -> broker -> manager loop, daemons -> feed hub -> consoles, console -> control hub ->
// daemons. It may be restarted at any time: peers on both sides connect again by themselves. When it is told to stop it first
// waits (Options.Drain) for the answers to the requests it has passed on.
//
// Its ports can change while it runs (Rebind), for the operator who sends SIGHUP.
//
// Guarantees. Requests and replies pass untouched. A request that was accepted is given to a manager until one has answered it,
// whoever dies meanwhile: it is in the journal (Options.Journal) before it is passed on, and its ticket (wire.Ticket) tells
// the manager if it may have had it before. The journal is not synced, so it survives the death of this process, by kill -9 too, but
// after a power cut its end may be missing; what is lost then are requests that no worker was told are done. Without a
// manager, requests wait (bounded, then the workers are held back) and no CPU is used. A slow console loses feed messages, and never slows a daemon. A command for a daemon that is
// not there is answered at once. Whatever the broker can see being lost is logged.
package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/wire"
)

// Options say where to bind. Endpoints are as wire.BindTCP and wire.IPC return them.
type Options struct {
	Logger *slog.Logger

	Workers, Manager string // both required

	Journal string // file for the requests that are not answered yet; "" for none
	Alerts  Alerts // nil: nobody is told but the log
	Start   string // the command that starts a manager, for the operator who is told that there is none

	FeedIn, FeedOut                string // publishers and subscribers; both "" for no feed hub
	ControlClients, ControlDaemons string // both "" for no control hub

	MaxRequest int64         // larger frames disconnect the worker that sends them; 0 is DefaultMaxRequest
	Drain      time.Duration // how long to wait for answers when stopping; 0 is DefaultDrain
}

// Alerts are the troubles of this daemon that operators are told of (daemon.Alerts). Methods must not wait.
type Alerts interface {
	Raise(engine.Alert)
	End(key, how string)
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

// Waiting tells how the requests of workers are doing. It may be called from any goroutine, at any time.
func (b *Broker) Waiting() wire.Waiting { return b.requests.forwarder.Waiting() }

// Ping tells whether requests are still being passed on: it returns nil once the loop that does so has answered.
func (b *Broker) Ping(ctx context.Context) error { return b.requests.forwarder.Ping(ctx) }

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
