package scheduler

import (
	"context"
	"fmt"
	"slices"

	"nowcast/internal/core/config"
)

// Reload goes on with another configuration. An entry that launches the same by the same schedule keeps its next due time, its runs and
// whether it is held, whatever it is called now; see match for others. One that cannot be used is named in the log and disturbs no other.
func (s *Scheduler) Reload(ctx context.Context, schedule []config.Scheduled) error {
	return s.do(ctx, func() {
		waiting, lost := s.queue, s.anyHeldByDamage()
		s.queue = nil
		s.turn() // what comes due at this moment is due by the old configuration
		was := s.entries
		own := s.take(schedule, s.records())
		for i, e := range s.entries {
			if own[i] < 0 {
				s.Log.Info(fmt.Sprintf("schedule: %s is new: %s, %s", e.ID, e.worker, e.plan.words))
				continue
			}
			s.succeed(e, was[own[i]])
		}
		for i, e := range was {
			if !slices.Contains(own, i) {
				s.Log.Info(fmt.Sprintf("schedule: %s is gone: %s, %s", e.ID, e.worker, e.plan.words))
			}
		}
		// What has waited for the manager is not wanted any more if its entry is gone or has another schedule.
		waiting = slices.DeleteFunc(waiting, func(a ask) bool { return s.asking(a) == nil })
		s.queue = append(waiting, s.queue...)
		s.settleDamage(lost)
		s.keep()
		s.tell()
	})
}

// succeed makes an entry go on where it was before a reload.
func (s *Scheduler) succeed(e, was *entry) {
	if e.Pending.Equal(was.Pending) {
		e.left, e.remark, e.waiting = was.left, was.remark, was.waiting
	}
	if len(was.wrong) > 0 && len(e.wrong) == 0 {
		s.miss(e, s.Now().UTC(), "its entry could not be used")
	}
	if e.ID != was.ID {
		s.Log.Info(fmt.Sprintf("schedule: %s is now called %s: %s, %s", was.ID, e.ID, e.worker, e.plan.words))
	}
	if len(e.wrong) == 0 && (e.schedule() != was.schedule() || e.missed != was.missed) {
		s.Log.Info(fmt.Sprintf("schedule: %s has changed: %s, %s", e.ID, e.worker, e.plan.words))
	}
}

// do has Run's goroutine execute f and waits until it has.
func (s *Scheduler) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case s.calls <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the scheduler is stopping: %w", ctx.Err())
	}
}

// Ping returns nil once the loop has answered.
func (s *Scheduler) Ping(ctx context.Context) error { return s.do(ctx, func() {}) }

// find returns the entry that has a name now, nil if there is none.
func (s *Scheduler) find(id string) *entry {
	return s.entry(func(e *entry) bool { return e.ID == id })
}

// keyed returns the entry with a key, nil if it is gone.
func (s *Scheduler) keyed(key string) *entry {
	return s.entry(func(e *entry) bool { return e.Key == key })
}

func (s *Scheduler) entry(is func(*entry) bool) *entry {
	i := slices.IndexFunc(s.entries, is)
	if i < 0 {
		return nil
	}
	return s.entries[i]
}
