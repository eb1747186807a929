package scheduler

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"nowcast/internal/core/config"
)

// Reload goes on with another configuration. An entry whose schedule is the same keeps its next due time, its runs and whether it is held; one
// that cannot be used is named in the log and disturbs no other.
func (s *Scheduler) Reload(ctx context.Context, schedule []config.Scheduled) error {
	return s.do(ctx, func() {
		waiting := s.queue
		s.queue = nil
		s.turn() // what comes due at this moment is due by the old configuration
		now := s.Now().UTC()
		old, known := map[string]*entry{}, map[string]record{}
		for _, e := range s.entries {
			old[e.id], known[e.id] = e, e.record
		}
		s.take(schedule, known)
		for _, e := range s.entries {
			was := old[e.id]
			delete(old, e.id)
			switch {
			case was == nil:
				s.Log.Info(fmt.Sprintf("schedule: %s is new: %s", e.id, e.plan.words))
				continue
			case e.Pending.Equal(was.Pending):
				e.left, e.remark, e.waiting = was.left, was.remark, was.waiting
			}
			if len(was.wrong) > 0 && len(e.wrong) == 0 {
				s.miss(e, now, "its entry could not be used")
			}
			if len(e.wrong) == 0 && (e.schedule() != was.schedule() || !reflect.DeepEqual(e.worker, was.worker) || e.missed != was.missed) {
				s.Log.Info(fmt.Sprintf("schedule: %s has changed: %s, %s", e.id, e.worker, e.plan.words))
			}
		}
		for id := range old {
			s.Log.Info("schedule: " + id + " is gone")
		}
		// What has waited for the manager is not wanted any more if its entry is gone or has another schedule.
		waiting = slices.DeleteFunc(waiting, func(a ask) bool {
			e := s.find(a.entry)
			return e == nil || !e.Pending.Equal(a.due)
		})
		s.queue = append(waiting, s.queue...)
		s.keep()
		s.tell()
	})
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

// find returns an entry, nil if there is none of that name.
func (s *Scheduler) find(id string) *entry {
	i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.id == id })
	if i < 0 {
		return nil
	}
	return s.entries[i]
}
