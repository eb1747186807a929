package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// ask is a launch that the manager is asked for.
type ask struct {
	entry  string // as it was called then, for the log
	key    string
	due    time.Time
	worker launch.NextWorker
}

// id names the launch for good: the manager answers a repeated id as it did before, also after a restart, and launches nothing. With
// the entry's name in it, which is another entry's after an edit of the file, what that one has due would be taken for a repetition.
func (a ask) id() string { return "schedule/" + a.key + "/" + a.due.UTC().Format(time.RFC3339Nano) }

// answer is what became of an ask.
type answer struct {
	ask
	launch int64
	err    error     // the manager's refusal; or, if it wraps control.ErrNoAnswer, why it has not answered yet
	silent bool      // it did not answer at once
	time   time.Time // of the answer
}

const (
	tryFor     = 5 * time.Second // how long one attempt waits; a request that lay in a queue for longer is not carried out
	tryAgainIn = 200 * time.Millisecond
)

// asker is the goroutine that asks the manager, one launch after the other, so that they are launched in that order. It repeats each
// until it is answered.
func (s *Scheduler) asker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-s.asks:
			s.ask(ctx, a)
		}
	}
}

func (s *Scheduler) ask(ctx context.Context, a ask) {
	wait(ctx, min(a.due.Sub(s.Now()), ahead)) // not longer: the clock may be set back at this moment
	for silent := false; ctx.Err() == nil; silent = true {
		var l launch.Launch
		try, cancel := context.WithTimeout(ctx, tryFor)
		err := s.Manager.Do(try, message.ManagerName, control.Request{ID: a.id(), Author: Name, Command: control.CmdLaunch}, control.LaunchArgs{NextWorker: a.worker}, &l)
		cancel()
		if ctx.Err() != nil && err != nil {
			return // the next scheduler asks again
		}
		noAnswer := errors.Is(err, control.ErrNoAnswer)
		if !noAnswer || !silent {
			select {
			case s.answers <- answer{a, l.ID, err, silent, s.Now().UTC()}:
			case <-ctx.Done():
				return
			}
		}
		if !noAnswer {
			return
		}
		wait(ctx, tryAgainIn)
	}
}

// wait waits, at most until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// intend makes due the time for which the manager is asked.
func (e *entry) intend(due time.Time) ask {
	e.Pending = due.UTC()
	return ask{e.ID, e.Key, e.Pending, e.worker}
}

// asking returns the entry whose due time an ask is about, nil if it is gone or has another schedule since.
func (s *Scheduler) asking(a ask) *entry {
	e := s.keyed(a.key)
	if e == nil || !e.Pending.Equal(a.due) {
		return nil
	}
	return e
}

// answered notes what the manager said.
func (s *Scheduler) answered(a answer) {
	s.silent = errors.Is(a.err, control.ErrNoAnswer)
	if s.asked = s.silent; !s.asked {
		// A reload may have the same due time asked for once more. It is launched, and no longer on disk as what is asked for.
		s.queue = slices.DeleteFunc(s.queue, func(again ask) bool { return again.id() == a.id() })
	}
	e := s.asking(a.ask)
	if e == nil {
		s.Log.Info(fmt.Sprintf("%s, due at %s, was asked for before its entry changed: launch %d", a.entry, a.due.Format(time.RFC3339), a.launch))
		return
	}
	if s.silent {
		e.waiting = "due at " + e.clock(a.due) + ", waits for the manager: " + a.err.Error()
		s.Log.Warn(e.ID + " is launched late, as soon as the manager answers: it was due at " + e.clock(a.due) + "; " + a.err.Error())
		s.changed = true
		return
	}
	run := feed.ScheduleRun{Due: a.due, Time: a.time, Launch: a.launch}
	var notes []string
	if a.err != nil {
		notes = append(notes, "the manager refused it: "+a.err.Error())
	}
	if e.remark != "" {
		notes = append(notes, e.remark)
	}
	if a.silent {
		notes = append(notes, "the manager did not answer until "+e.clock(a.time))
	}
	if e.left > 0 {
		notes = append(notes, dueTimes(e.left)+" beside this one left out")
	}
	run.Note = strings.Join(notes, "; ")
	e.ran(run)
	if a.err != nil {
		s.Log.Error(fmt.Sprintf("%s was due at %s and is not launched: %s", e.ID, e.clock(a.due), run.Note))
		s.alert(refusedAlert, e, fmt.Sprintf("%s was due at %s; %s", e.worker, e.clock(a.due), run.Note))
	} else {
		s.settleEntry(e, fmt.Sprintf("it was launched when it was due next, as launch %d", a.launch))
		if run.Note != "" {
			s.Log.Warn(fmt.Sprintf("%s was due at %s and is launched late, as launch %d: %s", e.ID, e.clock(a.due), a.launch, run.Note))
		} else {
			s.Log.Info(fmt.Sprintf("%s is launched as launch %d", e.ID, a.launch))
		}
	}
	e.Pending, e.left, e.remark, e.waiting = time.Time{}, 0, "", ""
	s.changed = true
}
