// Package aggregator has the newest log records of all daemons and workers, and answers what operators ask about them.
//
// Records come from the feed (streams log.*), each is kept until there are too many or they take too much memory, and
// nothing is written anywhere: files are the business of package logging. Records that were lost on the way, because a publisher
// outran us, are noticed by their numbers and logged.
package aggregator

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// Defaults of Options, and what Logs returns if it is not told how many.
const (
	DefaultKeep      = 20_000
	DefaultKeepBytes = 16 << 20
	defaultLast      = 1000
)

const (
	longest    = 256 << 10 // bytes of a message that are kept, so that one record cannot push out all others
	maxSources = 4096      // processes whose numbers are remembered
	overhead   = 160       // what a record takes beside its texts
)

// Options are what an Aggregator works with.
type Options struct {
	Logger    *slog.Logger
	Events    <-chan []feed.Event // events of the stream log; when it is closed, Run returns
	Keep      int                 // records; 0 DefaultKeep
	KeepBytes int                 // their size; 0 DefaultKeepBytes
}

// Aggregator keeps log records. Logs may be called by anybody while Run is at work.
type Aggregator struct {
	o       Options
	numbers map[process]uint64 // of the last event of each; owned by Run

	mu      sync.RWMutex
	records []feed.LogRecord // in order of arrival; guarded by mu, as is bytes
	bytes   int
}

// process is one life of one publisher.
type process struct{ source, epoch string }

// New returns an Aggregator that has no records yet.
func New(o Options) *Aggregator {
	o.Keep = cmp.Or(o.Keep, DefaultKeep)
	o.KeepBytes = cmp.Or(o.KeepBytes, DefaultKeepBytes)
	return &Aggregator{o: o, numbers: map[process]uint64{}}
}

// Run takes events until ctx ends or there are no more.
func (a *Aggregator) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case events, ok := <-a.o.Events:
			if !ok {
				return nil
			}
			a.take(events)
		}
	}
}

func (a *Aggregator) take(events []feed.Event) {
	var fresh []feed.LogRecord
	for i := range events {
		e := &events[i]
		if e.Stream != feed.StreamLog || !a.isNext(e) {
			continue
		}
		var records []feed.LogRecord
		if err := e.Decode(&records); err != nil {
			a.o.Logger.Warn("log records cannot be read", "source", e.Source, "err", err)
			continue
		}
		fresh = append(fresh, records...)
	}
	a.keep(fresh)
}

// isNext tells whether the event is new, and reports those that should have come before it. The first event of a process says
// nothing: it may have begun before us.
func (a *Aggregator) isNext(e *feed.Event) bool {
	p := process{e.Source, e.Epoch}
	last, known := a.numbers[p]
	switch {
	case known && e.Seq <= last:
		return false
	case known && e.Seq > last+1:
		a.o.Logger.Warn("log records were lost on their way to the log aggregator",
			"source", e.Source, "events", e.Seq-last-1)
	case !known && len(a.numbers) >= maxSources:
		clear(a.numbers) // most are of workers that ended long ago; what is lost at this moment is not noticed
	}
	a.numbers[p] = e.Seq
	return true
}

func (a *Aggregator) keep(fresh []feed.LogRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range fresh {
		if len(r.Message) > longest {
			r.Message = fmt.Sprintf("%s... (%d bytes more)", strings.ToValidUTF8(r.Message[:longest], ""), len(r.Message)-longest)
		}
		a.records = append(a.records, r)
		a.bytes += size(&r)
	}
	drop := 0
	for ; len(a.records)-drop > a.o.Keep || a.bytes > a.o.KeepBytes && drop < len(a.records); drop++ {
		a.bytes -= size(&a.records[drop])
		a.records[drop] = feed.LogRecord{} // lets its texts go before the array is grown anew
	}
	a.records = a.records[drop:]
}

func size(r *feed.LogRecord) int { return len(r.Message) + len(r.Name) + len(r.Host) + overhead }

// Logs returns the newest records that args selects, oldest first.
func (a *Aggregator) Logs(args control.LogsArgs) []feed.LogRecord {
	last := cmp.Or(max(args.Last, 0), defaultLast)
	search := strings.ToLower(args.Search)
	found := []feed.LogRecord{}
	a.mu.RLock()
	for i := len(a.records) - 1; i >= 0 && len(found) < last; i-- {
		if r := &a.records[i]; selects(&args, search, r) {
			found = append(found, *r)
		}
	}
	a.mu.RUnlock()
	slices.Reverse(found)
	// Records of different processes arrive in batches, not in the order of time.
	slices.SortStableFunc(found, func(a, b feed.LogRecord) int { return a.Time.Compare(b.Time) })
	return found
}

func selects(args *control.LogsArgs, search string, r *feed.LogRecord) bool {
	return (args.Name == "" || r.Name == args.Name) &&
		(args.Launch == 0 || r.Launch == args.Launch) &&
		(args.Level == nil || r.Level >= *args.Level) &&
		!r.Time.Before(args.Since) &&
		(search == "" || strings.Contains(strings.ToLower(r.Message), search))
}
