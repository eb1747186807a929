package broker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/kind"
	"nowcast/internal/core/statefile"
	"nowcast/internal/core/wire"
)

// requests is the way from the workers to the manager and back.
type requests struct {
	logger    *slog.Logger
	journal   string
	watch     *watch
	forwarder *wire.Forwarder
}

// Queues on the way. A REQ worker has one request under way, so these bound peers that do not keep to that.
const (
	// maxWaiting is how many requests of one worker wait here while no manager takes them; then TCP holds it back.
	maxWaiting = 1000
	// maxReplies is how many replies one worker may leave unread before more are dropped. A ROUTER drops rather than
	// waits, so this must be more than can be under way for an honest peer.
	maxReplies = 100_000
	// maxToManager keeps requests on our side of a manager that is slow, where its death does not lose them.
	maxToManager = 1000
)

// lingerReplies is how long the last replies and requests may take to leave when everything is closed.
const lingerReplies = time.Second

// managerSilent is how long the manager's machine may not answer on the connection before it counts as gone, as after a cut cable,
// and what it was given is given to another. (A manager that is at work answers: libzmq does it.) With PostgreSQL the lease of a manager that
// is cut off is free after 2 s: who has taken over is to be served at about the same time.
const managerSilent = 2400 * time.Millisecond

// keepaliveIdle finds out, as workers do on their side, that a host has vanished (specs: compat section 1).
const keepaliveIdle = 900 * time.Second

func newRequests(o Options) (*requests, error) {
	r := &requests{logger: o.Logger, journal: o.Journal, watch: newWatch(o)}
	var err error
	r.forwarder, err = wire.NewForwarder(wire.ForwarderOptions{
		Front: wire.Options{
			Kind: wire.Router, Bind: []string{o.Workers}, Watch: r.watchWorkers,
			ReceiveQueue: maxWaiting, SendQueue: maxReplies,
			MaxMessage: o.MaxRequest, KeepaliveIdle: keepaliveIdle, Linger: lingerReplies,
		},
		Back: wire.Options{
			Kind: wire.Dealer, Bind: []string{o.Manager}, Watch: r.watchManagers,
			ReceiveQueue: -1, SendQueue: maxToManager, // as many replies as there were requests, so no bound is needed
			KeepaliveIdle: keepaliveIdle, Linger: lingerReplies, Silent: managerSilent,
		},
		Journal: o.Journal,
		Drain:   o.Drain,
		Again:   r.again,
		Left:    r.left,
		Trouble: r.watch.journal,
		Refused: r.refused,
	})
	if err != nil {
		return nil, fmt.Errorf("broker: workers' and manager's ports: %w", err)
	}
	r.bound(r.forwarder.Front()[0], r.forwarder.Back()[0])
	r.recovered(r.forwarder.Recovered())
	return r, nil
}

// bound says what was bound, in the exact words that people's scripts look for (specs: compat section 9). "" was not.
func (r *requests) bound(workers, manager string) {
	if workers != "" {
		r.logger.Info(fmt.Sprintf("worker socket bound to port %d", wire.Port(workers)))
	}
	if manager != "" {
		r.logger.Info(fmt.Sprintf("manager socket bound to port %d", wire.Port(manager)))
	}
}

// rebind goes over to other endpoints and tells the operator who still needs the old ones.
func (r *requests) rebind(ctx context.Context, workers, manager string) error {
	done, err := r.forwarder.Rebind(ctx, workers, manager)
	if err != nil {
		return fmt.Errorf("broker: workers' and manager's ports: %w", err)
	}
	r.bound(done.Front, done.Back)
	if done.Back != "" {
		r.logger.Info(fmt.Sprintf("requests go to the manager as before until one is connected to port %d", wire.Port(done.Back)))
	}
	for _, e := range done.Kept {
		r.logger.Info(fmt.Sprintf("port %d stays open for workers that read the old configuration; a SIGHUP when none is connected to it closes it", wire.Port(e)))
	}
	for _, e := range done.Closed {
		r.logger.Info(fmt.Sprintf("port %d is closed: no worker was connected to it; workers that read the old configuration and connect from now on wait for it: restart them", wire.Port(e)))
	}
	return nil
}

// left is told of an old manager port that is closed.
func (r *requests) left(endpoint string) {
	r.logger.Info(fmt.Sprintf("port %d is closed: a manager is connected to the new port, and all requests it had been given by the old one are answered", wire.Port(endpoint)))
}

// recovered tells what an earlier broker has left behind.
func (r *requests) recovered(left wire.Recovered) {
	if left.Damage != nil {
		r.logger.Error("the journal of requests could not be read to its end: reports that the broker accepted last before it died may be lost, and Python workers that sent them wait in vain, check them",
			"err", left.Damage, "moved to", left.Aside)
	}
	r.tellDamage(left)
	if left.Refused > 0 {
		r.logger.Warn("requests in the journal are left out, as nobody could answer them: they have no empty frame before the message", "requests", left.Refused)
	}
	if left.Requests > 0 {
		r.logger.Warn("requests that the last broker had accepted are given to the manager now; Python workers that sent them get no answer and wait in vain, check them; Go workers ask again",
			"requests", left.Requests)
	}
}

// keyDamaged is the key of the alert that a journal was damaged.
const keyDamaged = "requests journal damaged"

// tellDamage raises an alert about the newest journal that was put aside, by this broker or one before. As long as the file is there nobody has said
// that it is dealt with. It is the same alert each time, so whoever has closed it is not told again.
func (r *requests) tellDamage(left wire.Recovered) {
	a := engine.Alert{Key: keyDamaged, Kind: kind.Journal}
	switch aside := statefile.Asides(r.journal, "damaged"); {
	case left.Damage != nil && left.Aside == "":
		a.Message = fmt.Sprintf("the journal of requests was damaged and could not be put aside: %v", left.Damage)
	case r.journal == "" || len(aside) == 0:
		return
	default:
		file := aside[len(aside)-1]
		a.Message = fmt.Sprintf("the journal of requests was damaged at a start of the broker, and is now %s", file)
		if info, err := os.Stat(file); err == nil {
			a.Time = info.ModTime().UTC() // of the last request in it; renaming changes it not
		}
	}
	a.Message += ". Reports that the broker had accepted last before may be lost: look for workers that wait in vain or whose report is missing, then delete the file and close this (nowcastd alerts close)"
	r.watch.alerts.Raise(a)
}

func (r *requests) run(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch.run(watching, r.forwarder.Waiting) })
	unanswered, err := r.forwarder.Run(ctx)
	stopWatching()
	watcher.Wait()
	if unanswered > 0 && r.journal != "" {
		r.logger.Warn("stopped with requests unanswered; the next broker gives them to the manager; Python workers that sent them get no answer and wait in vain, check them; Go workers ask again", "requests", unanswered)
	} else if unanswered > 0 {
		r.logger.Warn("stopped with requests unanswered; the workers that sent them wait in vain, check them", "requests", unanswered)
	}
	if err != nil {
		return fmt.Errorf("broker: forward requests: %w", err)
	}
	return nil
}

// refused tells of a peer that is no worker, or one that does not speak as REQ does.
func (r *requests) refused(requests int, peer string) {
	if peer == "" {
		peer = "unknown address"
	}
	r.logger.Warn("a request was refused, as nobody could answer it: it has no empty frame before the message; only a REQ socket, or what speaks like one, is a worker",
		"peer", peer, "so_far", requests)
}

func (r *requests) again(requests int) {
	r.logger.Warn("the manager went away with requests unanswered; they are given to the next one", "requests", requests)
}

func (r *requests) watchWorkers(e wire.Event) { r.refuse("workers", e) }

func (r *requests) watchManagers(e wire.Event) { r.refuse("manager", e) }

// refuse tells the operator who knocks at the wrong door: a browser, a port scan, a worker with the wrong port.
func (r *requests) refuse(port string, e wire.Event) {
	if e.Kind != wire.PeerRefused {
		return
	}
	peer := e.Peer
	if peer == "" {
		peer = "unknown address, it left at once"
	}
	r.logger.Warn("not a ZeroMQ peer: "+peer, "port", port)
}
