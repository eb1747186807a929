// Package scheduler launches workers when they are due (specs: compat section 7).
//
// What the configuration says about one entry is a plan, which answers one question: what is the next due time after this
// one? It needs no clock. The Scheduler is a loop with one timer, for the earliest due time, and asks the manager to launch
// what is due, so that a scheduled launch is recorded and tracked like every other.
//
// What it promises: a due time that comes while the scheduler runs is launched exactly once, however often scheduler, manager
// and broker are killed, and late if they were down; the launches of one moment are asked for in the order of the file. A due time that
// passed while the scheduler was down is launched, reported or left out as its entry says. The keys to it are in
// the comments on Scheduler.turn and ask.
package scheduler

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
)

// Name is the scheduler's name in log and feed, and the author of its launches.
const Name = "scheduler"

// Manager is asked to launch.
type Manager interface {
	// Do has a daemon carry out a request once per Request.ID, however often it is called. The error wraps control.ErrNoAnswer
	// if nobody has answered until ctx ended; any other is the daemon's refusal.
	Do(ctx context.Context, target string, r control.Request, args, result any) error
}

// Options are what a scheduler works with.
type Options struct {
	Schedule []config.Scheduled
	File     string // where it keeps its state
	Manager  Manager
	Publish  func(topic string, body any)
	Alerts   *daemon.Alerts
	Log      *slog.Logger
	Now      func() time.Time
}

// Scheduler launches what is due. Its methods are safe for concurrent use.
type Scheduler struct {
	Options
	locked *os.File

	calls   chan func() // executed by Run's goroutine
	asks    chan ask    // from Run to the asker, in the order of launching; the next one when the last one's answer is noted
	answers chan answer // and back; when it is full the asker waits

	// Only Run's goroutine touches these.
	entries []*entry // in the order of the file
	queue   []ask    // to be handed to the asker; at most one for each entry
	alerts  []engine.Alert
	asked   bool // the asker has an ask whose answer is not noted yet
	silent  bool // the manager does not answer what it was asked last
	changed bool // since it was written and told

	unwritten bool // the state could not be written, the last time
}

// every is how often the schedule is published for consoles that came late.
const every = 30 * time.Second

// blind is how long the clock is not looked at: somebody may set it, which moves no timer, and then what was due in an hour is due now.
const blind = 2 * time.Second

// New reads the state that an earlier scheduler left. Run follows.
func New(o Options) (*Scheduler, error) {
	locked, err := lock(o.File)
	if err != nil {
		return nil, err
	}
	s := &Scheduler{Options: o, locked: locked, calls: make(chan func()), asks: make(chan ask), answers: make(chan answer, 64)}
	known := load(o.File, o.Now())
	for _, a := range known.Alerts {
		if a.Key == "" { // of a former version
			a.Key = a.Kind + " " + a.Time.String()
		}
		s.alerts = append(s.alerts, a)
		o.Alerts.Raise(a)
	}
	s.take(o.Schedule, known.Entries)
	s.tellDamage(known)
	return s, nil
}

// Run launches what is due until ctx ends. What the manager was asked then and has not answered is asked again by the next scheduler.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.locked.Close()
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { s.asker(ctx) })

	s.resume()
	tick := time.NewTicker(every)
	defer tick.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.settle()
		if next := s.earliest(); !next.IsZero() {
			timer.Reset(min(next.Sub(s.Now())-ahead, blind))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			s.turn()
		case <-tick.C:
			s.turn()
			s.tell()
		case s.handOver() <- s.first():
			s.handedOver()
		case a := <-s.answers:
			s.answered(a)
		case call := <-s.calls:
			call()
		}
	}
}

// settle hands over what is to be launched, takes what has been answered and then writes and tells what has changed; but not
// while launches of the same moment wait for it.
func (s *Scheduler) settle() {
	for {
		select {
		case s.handOver() <- s.first():
			s.handedOver()
			continue
		case a := <-s.answers:
			s.answered(a)
			continue
		default:
		}
		if s.changed && (len(s.queue) == 0 || s.silent) {
			s.changed = false
			s.keep()
			s.tell()
		}
		return
	}
}

// handOver returns the way to the asker or, if there is nothing to be handed over yet, nil, which takes nothing.
func (s *Scheduler) handOver() chan<- ask {
	if len(s.queue) == 0 || s.asked {
		return nil
	}
	return s.asks
}

func (s *Scheduler) handedOver() { s.queue, s.asked = s.queue[1:], true }

// first returns what is to be handed over.
func (s *Scheduler) first() (a ask) {
	if len(s.queue) > 0 {
		a = s.queue[0]
	}
	return a
}

// earliest returns when the first entry is due, zero if none is.
func (s *Scheduler) earliest() (first time.Time) {
	for _, e := range s.entries {
		if next := e.next(); first.IsZero() || !next.IsZero() && next.Before(first) {
			first = next
		}
	}
	return first
}
