// Package aggregator writes what all daemons and workers log to the files of logging: aggregator, keeps it for questions, and shows
// the consoles what they would not see otherwise.
//
// Records come two ways. Publishers of zmq: ports: logging send each as two frames (specs: compat section 5); a Collector
// takes these. Our own processes also send theirs by the feed, with more about each. So that each record is once in every place:
//
//	                                        files   history   feed
//	frames of others (Python, other hosts)  yes     yes       yes
//	frames of ours on this host             yes     by feed   is there
//	feed, published on a port as well       -       yes       is there
//	feed, not published                     yes     yes       is there
//	our own log                             -       yes       is there
//
// Our processes are told from others by their sockets: they publish with XPUB, Python with PUB, and libzmq says which (frames.go).
//
// Nothing here waits for a publisher, and no publisher for us. What arrives goes into a queue that is bounded by its size (queue.go);
// one goroutine takes it from there and writes. What the queue has no room for is counted for each publisher, and said in the log and
// as an alert (losses.go). Hosts that are given by name are found here and not by libzmq, which would be deaf meanwhile (resolve.go).
package aggregator

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/wire"
)

// Options are what an Aggregator works with.
type Options struct {
	Name    string // of this process, on the feed
	Host    string // this machine's name, for records of local publishers
	Logger  *slog.Logger
	Files   Files               // nil: each process writes its own files
	History History             // keeps records for questions
	Events  <-chan []feed.Event // of the stream log
	Publish func(feed.LogRecord)
	Alert   func(engine.Alert)
	Settle  func(key, how string) // ends an alert

	Publishers []Publisher
	Local      func(address string) bool // tells whether an address is this machine's
	queueBytes int                       // for tests; 0 maxQueue
	lookup     lookup                    // for tests; nil: as this machine does
}

// Files writes records to the files of logging: aggregator, and says itself what it could not write. One goroutine calls it.
type Files interface {
	Relay([]logging.Relayed)
}

// History keeps records. One goroutine calls it.
type History interface {
	Add([]feed.LogRecord)
}

// Aggregator is the log aggregator's loop.
type Aggregator struct {
	o           Options
	collector   *wire.Collector
	queue       *queue
	losses      *losses
	subscribed  chan struct{} // capacity 1: publishers has changed
	subscribing sync.Mutex
	publishers  []Publisher           // guarded by subscribing, as is what follows
	connected   map[string]bool       // endpoints of the collector
	addresses   map[string]netip.Addr // of hosts that are given by name, as far as they were found
	missing     map[string]bool       // such hosts that are not found, and that was said

	numbers numbers // owned by Run
	writer  writer  // owned by the writing goroutine
}

// New connects to the publishers, who need not be there yet. Run must follow, or Close.
func New(o Options) (*Aggregator, error) {
	if o.queueBytes == 0 {
		o.queueBytes = maxQueue
	}
	if o.lookup == nil {
		o.lookup = net.DefaultResolver.LookupNetIP
	}
	a := &Aggregator{o: o, losses: newLosses(&o)}
	a.numbers = numbers{missed: a.losses.gap, last: map[process]uint64{}}
	a.subscribed, a.addresses, a.missing = make(chan struct{}, 1), map[string]netip.Addr{}, map[string]bool{}
	a.queue = newQueue(o.queueBytes)
	a.writer = writer{o: &a.o, strange: strange{logger: o.Logger}, live: live{o: &a.o}}
	var err error
	if a.collector, err = wire.OpenCollector(a.take); err != nil {
		return nil, err
	}
	if err := a.Subscribe(o.Publishers); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Close ends the connections of an Aggregator that is not run; Run does it at its end.
func (a *Aggregator) Close() { a.collector.Close() }

// take is given what publishers have sent. It must not wait.
func (a *Aggregator) take(b wire.Batch) {
	if !a.queue.put(work{batch: b, at: time.Now()}) {
		a.losses.add(publishersOf(b))
	}
}

// Run takes records until ctx ends or there are no more events, writes those that have come until then, and closes the connections.
func (a *Aggregator) Run(ctx context.Context) error {
	var working sync.WaitGroup
	working.Go(a.write)
	working.Go(a.losses.report)
	resolving, cancel := context.WithCancel(ctx)
	var resolver sync.WaitGroup
	resolver.Go(func() { a.resolve(resolving) })
	a.follow(ctx)
	cancel()
	resolver.Wait()
	a.collector.Close()
	a.queue.close()
	a.losses.close()
	working.Wait()
	return nil
}

// follow takes events of the feed.
func (a *Aggregator) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case events, ok := <-a.o.Events:
			if !ok {
				return
			}
			for i := range events {
				a.event(&events[i])
			}
		}
	}
}

func (a *Aggregator) event(e *feed.Event) {
	if e.Stream != feed.StreamLog || !a.numbers.isNext(e) {
		return
	}
	var records []feed.LogRecord
	if err := e.Decode(&records); err != nil {
		a.o.Logger.Warn("log records cannot be read", "source", e.Source, "err", err)
		return
	}
	if !a.queue.put(work{records: records, own: e.Source == a.o.Name, bytes: len(e.Body)}) {
		a.losses.add(map[string]int{e.Source: len(records)})
	}
}

// write is the goroutine that owns the writer.
func (a *Aggregator) write() {
	for {
		w, ok := a.queue.take()
		if !ok {
			return
		}
		a.writer.write(w)
	}
}
