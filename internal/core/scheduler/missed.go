package scheduler

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// resume deals with what the scheduler before has left: what it was asking for is asked for again, and what has fallen due since is
// missed.
func (s *Scheduler) resume() {
	now := s.Now().UTC()
	for _, e := range s.entries {
		if !e.Pending.IsZero() {
			e.remark = "asked again after a restart of the scheduler"
			s.queue = append(s.queue, e.intend(e.Pending))
		}
		s.miss(e, now, "the scheduler was down")
	}
	s.keep() // before Run hands over the queue; see turn
	s.tell()
}

// miss does what the entry wants done about due times that passed while nobody looked after it.
func (s *Scheduler) miss(e *entry, now time.Time, why string) {
	due, n := e.pass(now)
	if n == 0 {
		return
	}
	what := fmt.Sprintf("%s of %s passed while %s, the newest at %s", dueTimes(n), e.ID, why, e.clock(due))
	note := why
	if n > 1 {
		note += fmt.Sprintf("; %s before this one left out", dueTimes(n-1))
	}
	switch {
	case e.Held != "":
		note = "held by " + e.Held
		s.Log.Info(what + "; it is held by " + e.Held)
		s.passBy(e, what)
	case e.missed == config.MissedRun && !e.Pending.IsZero():
		e.left += n // the one that is asked for again is late enough to stand for them
		return
	case e.missed == config.MissedRun:
		s.Log.Warn(what + "; it is launched now")
		e.remark = note
		s.queue = append(s.queue, e.intend(due))
		return
	case e.missed == config.MissedSkip:
		s.Log.Info(what + "; left out")
	default:
		s.Log.Warn(what + "; nothing is launched for it unless you do: nowcastd schedule run CONFIG " + e.ID)
		s.alert(missedAlert, e, what+": "+e.worker.String())
		note += "; reported"
	}
	e.ran(feed.ScheduleRun{Due: due.UTC(), Time: now, Note: note})
}

const (
	missedAlert  = "schedule missed"
	refusedAlert = "schedule refused"
	mostOpen     = 50
	keepAlertFor = day
)

// alert tells the operators of something about an entry, with the offer to launch the worker now.
func (s *Scheduler) alert(kind string, e *entry, text string) {
	s.raise(engine.Alert{Key: kind + " " + e.Key, Kind: kind, Worker: e.worker.Name(), Message: text, Offer: control.CmdRunNow, Args: entryArgs(e.ID)})
}

// raise keeps an alert, also for the next scheduler, until it is settled or old.
func (s *Scheduler) raise(a engine.Alert) {
	a.Time = s.Now().UTC()
	s.alerts = slices.DeleteFunc(s.alerts, func(b engine.Alert) bool { return b.Key == a.Key })
	if len(s.alerts) >= mostOpen {
		s.Alerts.End(s.alerts[0].Key, engine.EndTooMany)
		s.alerts = s.alerts[1:]
	}
	s.alerts = append(s.alerts[:len(s.alerts):len(s.alerts)], a)
	s.Alerts.Raise(a)
}

// settleEntry ends what was told about an entry: its worker was launched.
func (s *Scheduler) settleEntry(e *entry, how string) {
	for _, kind := range []string{missedAlert, refusedAlert} {
		s.settleAlerts(how, func(a *engine.Alert) bool { return a.Key == kind+" "+e.Key })
	}
}

// settleOld ends alerts that nobody has done anything about for so long that it is too late.
func (s *Scheduler) settleOld() {
	now := s.Now()
	s.settleAlerts("a day has passed", func(a *engine.Alert) bool {
		return now.Sub(a.Time) > keepAlertFor && !(a.Key == stateAlert && s.anyHeldByDamage())
	})
}

func (s *Scheduler) settleAlerts(how string, over func(*engine.Alert) bool) {
	s.alerts = slices.DeleteFunc(s.alerts, func(a engine.Alert) bool {
		end := over(&a)
		if end {
			s.Alerts.End(a.Key, how)
			s.changed = true
		}
		return end
	})
}

func entryArgs(id string) json.RawMessage {
	b, _ := json.Marshal(control.EntryArgs{Entry: id}) // always encodable
	return b
}
