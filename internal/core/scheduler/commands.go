package scheduler

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// Schedule answers control.CmdSchedule.
func (s *Scheduler) Schedule(ctx context.Context, _ control.Request, _ struct{}) (any, error) {
	var all []feed.ScheduleEntry
	err := s.do(ctx, func() { all = s.show() })
	return all, err
}

// Hold answers control.CmdHold. Due times of an entry that is held pass by, also after a restart.
func (s *Scheduler) Hold(ctx context.Context, r control.Request, args control.HoldArgs) (any, error) {
	var kept error
	shown, err := s.with(ctx, args.Entry, func(e *entry) {
		lost := e.Held == heldByDamage
		if (e.Held != "") == args.Held && !lost { // asked for again, or by two operators
			if s.unwritten {
				kept = s.keep()
			}
			return
		}
		if e.Held = ""; args.Held {
			e.Held = r.Author
		}
		s.Log.Info(fmt.Sprintf("%s asked for %s %s", r.Author, holdWord(args.Held), e.ID))
		s.settleDamage(lost)
		kept = s.keep()
		s.tell()
	})
	if err == nil && kept != nil {
		err = fmt.Errorf("%s of %s is done, but: %w", holdWord(args.Held), args.Entry, kept)
	}
	return shown, err
}

func holdWord(held bool) string {
	if held {
		return "hold"
	}
	return "resume"
}

// RunNow answers control.CmdRunNow: the worker is launched beside what is due, in the operator's name. The operator waits
// for it, so unlike what is due it is not asked for again once the operator has gone.
func (s *Scheduler) RunNow(ctx context.Context, r control.Request, args control.EntryArgs) (any, error) {
	var worker launch.NextWorker
	var key string
	found, err := s.with(ctx, args.Entry, func(e *entry) { worker, key = e.worker, e.Key })
	if err != nil {
		return nil, err
	}
	if worker.Module == "" {
		return nil, fmt.Errorf("%s has no worker: %s", args.Entry, found.Problem)
	}
	expires := r.Expires
	if expires.IsZero() {
		expires = s.Now().Add(tryFor)
	}
	patient, cancel := context.WithDeadline(ctx, expires)
	defer cancel()
	var l launch.Launch
	asked := control.Request{ID: "schedule/" + args.Entry + "/run/" + r.ID, Author: r.Author, Command: control.CmdLaunch}
	if err := s.Manager.Do(patient, message.ManagerName, asked, control.LaunchArgs{NextWorker: worker}, &l); err != nil {
		return nil, err
	}
	if err := s.do(ctx, func() {
		if e := s.keyed(key); e != nil { // not by its name, which a reload may have given to another meanwhile
			s.ranNow(e, l.ID, r.Author)
		}
	}); err != nil {
		s.Log.Warn("a launch by an operator could not be noted", "launch", l.ID, "err", err)
	}
	return l, nil
}

// ranNow notes a launch that an operator has asked for. It settles what the entry has been reported for.
func (s *Scheduler) ranNow(e *entry, launched int64, author string) {
	if slices.ContainsFunc(e.Runs, func(r feed.ScheduleRun) bool { return r.Launch == launched }) {
		return // the same request again
	}
	now := s.Now().UTC()
	e.ran(feed.ScheduleRun{Due: now, Time: now, Launch: launched, Author: author})
	s.settleEntry(e, fmt.Sprintf("%s had it launched, as launch %d", author, launched))
	s.Log.Info(fmt.Sprintf("%s asked for %s now: launch %d", author, e.ID, launched))
	s.keep()
	s.tell()
}

// with executes f for an entry in Run's goroutine and returns the entry as it is then.
func (s *Scheduler) with(ctx context.Context, id string, f func(*entry)) (shown feed.ScheduleEntry, err error) {
	stopping := s.do(ctx, func() {
		e := s.find(id)
		if e == nil {
			var ids []string
			for _, e := range s.entries {
				ids = append(ids, e.ID)
			}
			err = fmt.Errorf("the schedule has no entry %q: it has %s", id, orNone(strings.Join(ids, ", ")))
			return
		}
		f(e)
		shown = e.show()
	})
	if stopping != nil {
		err = stopping
	}
	return shown, err
}

func orNone(s string) string {
	if s == "" {
		return "none; is scheduled workers empty?"
	}
	return s
}
