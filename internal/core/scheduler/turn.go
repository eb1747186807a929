package scheduler

import (
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// turn deals with the due times that have come. The intention to launch is on disk before the manager is asked: a scheduler that
// is killed after that asks again with the same id, which the manager does once, and does not take the due time for one
// that it has missed. Writing takes milliseconds, so it is done ahead of the due time, and the asker waits for that. The answer is written down when it is there; if that is lost, so is nothing but a question that is asked twice.
func (s *Scheduler) turn() {
	now := s.Now().UTC()
	s.settleOld()
	var asks []ask
	for _, e := range s.entries {
		if e.clockWasWrong(now) {
			s.Log.Warn("the clock was set back by hours: " + e.ID + " is due again from now on")
			s.changed = true
		}
		due, n := e.pass(now.Add(ahead))
		if n == 0 {
			continue
		}
		s.changed = true
		switch {
		case e.Held != "":
			e.ran(feed.ScheduleRun{Due: due.UTC(), Time: now, Note: "held by " + e.Held})
			s.Log.Info(e.ID + " was due at " + e.clock(due) + " and is not launched: held by " + e.Held)
			s.passBy(e, "it was due at "+e.clock(due))
		case !e.Pending.IsZero():
			e.left += n
		default:
			e.left = n - 1
			if now.Sub(due) > late {
				e.remark = "the clock was set forward, or this host was asleep"
			}
			asks = append(asks, e.intend(due))
		}
	}
	if len(asks) > 0 {
		s.keep()
		slices.SortStableFunc(asks, func(a, b ask) int { return a.due.Compare(b.due) })
		s.queue = append(s.queue, asks...)
	}
}

// ahead is how long before the due time its launch is prepared.
const ahead = 50 * time.Millisecond

// late is how much later than due a turn is only if something has happened.
const late = 10 * time.Second

// keep writes the state. If that fails, nothing is launched twice, but a restart forgets what is held and takes what is launched meanwhile
// for missed. That is an alert until it is written, which is tried again and again.
func (s *Scheduler) keep() error {
	err := save(s.File, state{s.records(), s.alerts})
	switch {
	case err != nil:
		s.changed = true
		err = fmt.Errorf("the state of the schedule cannot be written, and a restart of the scheduler forgets what has changed, holds among it; make room or correct the permissions: %w", err)
		if !s.unwritten {
			s.unwritten = true
			s.Log.Error(err.Error())
			s.Alerts.Raise(engine.Alert{Key: unwrittenAlert, Kind: stateAlert, Time: s.Now().UTC(), Because: engine.BecauseOf(err), Message: err.Error()})
		}
	case s.unwritten:
		s.unwritten = false
		s.Log.Info("the state of the schedule is written again")
		s.Alerts.End(unwrittenAlert, "it is written again")
	}
	return err
}

// unwrittenAlert is the key of that alert. It is not kept with the others: it is over when it could be.
const unwrittenAlert = stateAlert + ": not written"

// tell publishes the schedule.
func (s *Scheduler) tell() { s.Publish(feed.StreamSchedule, s.show()) }

func (s *Scheduler) show() []feed.ScheduleEntry {
	all := make([]feed.ScheduleEntry, len(s.entries))
	for i, e := range s.entries {
		all[i] = e.show()
	}
	return all
}
