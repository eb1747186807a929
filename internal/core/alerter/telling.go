package alerter

import (
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// What is told about an incident.
const (
	begun    = "begun"
	ended    = "ended"
	reminder = "reminder"
)

// timing says how patient the alerter is.
type timing struct {
	grace  time.Duration // an incident waits so long for what explains it, and its end for its return
	quiet  time.Duration // between two times that one incident begins
	remind time.Duration // until it is told again; 0 never
}

// next returns what is to be told about an incident next, and when; "" nothing.
func (r *record) next(t timing) (what string, at time.Time) {
	switch {
	case r.Open() && r.Acknowledged != nil: // somebody knows
		return "", at
	case r.Open() && r.Told != begun:
		what, at = begun, later(r.Opened.Add(t.grace), r.Begun.Add(t.quiet))
	case r.Open() && r.Snoozed != nil && r.ToldAt.Before(r.Snoozed.Until):
		what, at = reminder, r.Snoozed.Until
	case r.Open() && t.remind > 0:
		what, at = reminder, r.ToldAt.Add(t.remind)
	case r.Open():
		return "", at
	case r.Told == begun:
		what, at = ended, r.Ended.Add(t.grace)
	case r.untold(): // it was short; the text says that it has ended
		what, at = begun, r.Opened.Add(t.grace)
	}
	if r.Snoozed != nil {
		at = later(at, r.Snoozed.Until)
	}
	return what, at
}

// untold tells that nobody was told of an incident that has ended, and should be.
func (r *record) untold() bool {
	if r.Open() || r.Told == begun {
		return true
	}
	return r.Told == "" && r.Acknowledged == nil && r.Snoozed == nil && r.Closed == nil && r.Merged == 0 && !r.Follower
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tell queues what is due, for each destination that wants it, and tells whether anything has changed.
func (s *state) tell(now time.Time, t timing, to []destination) (changed bool) {
	for _, r := range s.Incidents {
		what, at := r.next(t)
		if what == "" || now.Before(at) {
			continue
		}
		wanted := false
		for _, d := range to {
			if d.Takes(r.Kind, r.Worker) || what == ended && r.begunTo(d.name) {
				wanted = true
				if what == ended && (r.overTo(d.name) || r.outOfSight()) {
					continue
				}
				s.queue(d.name).add(note{Key: r.key(what), What: what, Incident: r.ID, Time: now})
			}
		}
		if !wanted && r.Open() {
			continue // a destination that wants it may be configured yet
		}
		changed = true
		r.ToldAt = now
		r.Tellings++
		switch {
		case !r.Open():
			r.Told = ended
		case what == begun:
			r.Told, r.Begun = begun, now
		}
	}
	return changed
}

// outOfSight tells whether it is not known what became of the cause: there were too many alerts to follow all of them.
func (r *record) outOfSight() bool { return !r.Open() && r.End == engine.EndTooMany }

// begunTo tells whether a destination was told of the incident, perhaps when it was of another kind.
func (r *record) begunTo(name string) bool {
	return slices.ContainsFunc(r.Sent, func(s feed.Sent) bool { return s.To == name && s.Note == "" })
}

// overTo tells whether a destination was told of the end already: with the beginning, which had waited for so long.
func (r *record) overTo(name string) bool {
	return slices.ContainsFunc(r.Sent, func(s feed.Sent) bool {
		return s.To == name && s.What == ended && s.Note == "" && !s.Time.Before(*r.Ended)
	})
}

// clockWasSet corrects times that are in the future since the clock was set back by a step: what waits for them would wait for hours.
func (s *state) clockWasSet(now time.Time, step time.Duration) {
	s.Before = later(s.Before, now.Add(step))
	if s.Settled.After(now) {
		s.Settled = now
	}
	for _, r := range s.Incidents {
		for _, t := range []*time.Time{&r.Opened, &r.ToldAt, &r.Begun} {
			if t.After(now) {
				*t = now
			}
		}
		if r.Ended != nil && r.Ended.After(now) {
			r.Ended = &now
		}
		if r.Snoozed != nil && r.Snoozed.Time.After(now) {
			r.Snoozed.Until, r.Snoozed.Time = r.Snoozed.Until.Add(-step), now
		}
	}
	for _, q := range s.Queues {
		q.Next, q.Sent = time.Time{}, nil
		for i := range q.Notes {
			n := &q.Notes[i]
			n.Next = time.Time{}
			for _, t := range []*time.Time{&n.Time, &n.Refused} {
				if t.After(now) {
					*t = now
				}
			}
		}
	}
}

// shown returns the incidents as others see them: all that are open and the newest that ended.
func (s *state) shown() []feed.Incident {
	all := []feed.Incident{}
	over := -keepEnded
	for _, r := range s.Incidents {
		if !r.Open() {
			over++
		}
	}
	for _, r := range s.Incidents {
		if !r.Open() && over > 0 {
			over--
			continue
		}
		all = append(all, r.show())
	}
	return all
}
