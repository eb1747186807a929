package alerter

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

const (
	reopenWithin = 5 * time.Minute // a trouble that is back so soon is the same incident
	maxOpen      = 1000            // incidents that are open at once; others wait
	keepEnded    = 200             // the newest incidents that have ended, beside those that are still to be told
	maxFollowers = 100             // consequences that are listed under one incident
)

// observe brings the incidents up to date with all alerts that are known, open and ended. heard tells whether it is known
// what becomes of a daemon's alert: if not, that it is not there means nothing. It tells whether anything has changed.
func (s *state) observe(now time.Time, alerts []feed.Raised, heard func(source, key string) bool) (changed bool) {
	o := observation{state: s, now: now, heard: heard, latest: map[string]*record{}, folded: map[string]bool{}, shut: map[string]bool{}}
	for _, r := range s.Incidents {
		o.latest[key(r.Source, r.Key)] = r // the newer ones are behind
		if r.Open() {
			o.opened++
		}
		for i := range r.Followers {
			o.folded[one(&r.Followers[i])] = true
		}
		for i := range r.Shut {
			o.shut[one(&r.Shut[i])] = true
		}
	}
	for _, a := range alerts {
		if a.Key == "" { // of a manager's former version
			a.Key = fmt.Sprint("alert ", a.ID)
		}
		a.Message, a.End = engine.CutAlert(a.Message), engine.CutAlert(a.End)
		if a.Open() {
			o.open = append(o.open, a)
		} else {
			o.ended = append(o.ended, a)
		}
	}
	if !s.Before.IsZero() && now.Sub(s.Before) > 24*time.Hour {
		s.Settled, s.Before, s.Dealt = later(s.Settled, s.Before), time.Time{}, nil
	}
	o.passed() // before it is opened again
	o.begun()
	o.over()
	return o.changed || s.forget()
}

// observation is one call of observe.
type observation struct {
	*state
	now     time.Time
	heard   func(source, key string) bool
	latest  map[string]*record // by source and key
	folded  map[string]bool    // alerts that follow, or followed, from an incident
	shut    map[string]bool    // alerts that begin no incident, and explain nothing: an operator has closed theirs
	open    []feed.Raised
	ended   []feed.Raised
	opened  int
	changed bool
}

func key(source, key string) string { return source + "\x00" + key }

// one tells an alert from others with the same key.
func one(a *feed.Raised) string {
	return key(a.Source, a.Key) + "\x00" + a.Time.UTC().Format(time.RFC3339Nano)
}

// begun makes incidents of open alerts, or consequences.
func (o *observation) begun() {
	open := slices.DeleteFunc(slices.Clone(o.open), func(a feed.Raised) bool { return o.shut[one(&a)] })
	root := roots(open)
	heads := map[int]*record{}
	for i := range open {
		if root[i] == i {
			heads[i] = o.head(&open[i])
		}
	}
	for i := range open {
		head := heads[root[i]]
		if root[i] == i || head == nil {
			continue
		}
		a := &open[i]
		if r := o.latest[key(a.Source, a.Key)]; r != nil && r.Open() && r != head {
			o.end(r, o.now, fmt.Sprintf("it follows from incident %d: %s", head.ID, head.Kind))
			r.Merged = head.ID
		}
		o.follow(head, a)
	}
}

// head returns the incident of an alert that stands for itself; nil if there are too many.
func (o *observation) head(a *feed.Raised) *record {
	r := o.latest[key(a.Source, a.Key)]
	switch {
	case r != nil && r.Open():
		o.update(r, a)
		return r
	case r != nil && r.Merged == 0 && r.Closed == nil && o.now.Sub(*r.Ended) < reopenWithin:
		r.Count, r.Last = max(r.Count, 1)+1, &o.now
		r.Ended, r.End, r.Opened = nil, "", o.now
		r.Number, r.Kind, r.Message = a.ID, a.Kind, a.Message
		o.opened++
		o.changed = true
		return r
	case o.opened >= maxOpen:
		return nil
	}
	o.opened++
	return o.add(a)
}

// add makes a new incident.
func (o *observation) add(a *feed.Raised) *record {
	o.Last++
	r := &record{Incident: feed.Incident{ID: o.Last, Source: a.Source, Alert: a.Alert}, Number: a.ID, Opened: o.now}
	r.Follower = o.folded[one(a)]
	o.Incidents = append(o.Incidents, r)
	o.latest[key(a.Source, a.Key)] = r
	o.changed = true
	return r
}

// update takes over what is new about an alert. How often it was counted before it was opened again stays.
func (o *observation) update(r *record, a *feed.Raised) {
	count := max(r.Count, a.Count)
	if r.Kind == a.Kind && r.Message == a.Message && r.Count == count && r.Offer == a.Offer && bytes.Equal(r.Args, a.Args) && r.Launch == a.Launch {
		return
	}
	if r.Count != count {
		r.Last = cmp.Or(a.Last, &o.now)
	}
	r.Number, r.Count = a.ID, count
	r.Kind, r.Message, r.Worker, r.Launch, r.Offer, r.Args = a.Kind, a.Message, a.Worker, a.Launch, a.Offer, a.Args
	o.changed = true
}

// follow folds an alert under an incident.
func (o *observation) follow(head *record, a *feed.Raised) {
	if old := head.follower(a); old != nil {
		if !old.Open() || old.Kind != a.Kind || old.Message != a.Message || old.Count != a.Count {
			*old = *a
			o.changed = true
		}
		return
	}
	if len(head.Followers) < maxFollowers {
		head.Followers = append(head.Followers, *a)
		o.changed = true
	}
}

// follower returns the consequence that an alert is, nil if it is none.
func (r *record) follower(a *feed.Raised) *feed.Raised {
	i := slices.IndexFunc(r.Followers, func(f feed.Raised) bool { return f.Source == a.Source && f.Key == a.Key && f.Time.Equal(a.Time) })
	if i < 0 {
		return nil
	}
	return &r.Followers[i]
}

// over ends incidents and consequences whose alerts are not open any more.
func (o *observation) over() {
	open := map[string]bool{}
	for i := range o.open {
		open[key(o.open[i].Source, o.open[i].Key)] = true
	}
	for _, r := range o.Incidents {
		if r.Open() && !open[key(r.Source, r.Key)] && o.heard(r.Source, r.Key) {
			at, how := o.now, "it is not reported any more"
			if a := o.endOf(r.Source, r.Key, r.Time); a != nil {
				at, how = *a.Ended, a.End
			}
			o.end(r, at, how)
		}
		for i := range r.Followers {
			f := &r.Followers[i]
			if f.Open() && !open[key(f.Source, f.Key)] && o.heard(f.Source, f.Key) {
				f.Ended = &o.now
				if a := o.endOf(f.Source, f.Key, f.Time); a != nil {
					f.Ended, f.End = a.Ended, a.End
				}
				o.changed = true
			}
		}
		o.unshut(r, open)
	}
}

func (o *observation) end(r *record, at time.Time, how string) {
	r.Ended, r.End = &at, how
	o.opened--
	o.changed = true
}

// endOf returns the newest ended alert with a key that was open after began, nil if there is none.
func (o *observation) endOf(source, key string, began time.Time) (newest *feed.Raised) {
	for i := range o.ended {
		if a := &o.ended[i]; a.Source == source && a.Key == key && !a.Ended.Before(began) {
			newest = a
		}
	}
	return newest
}

// passed makes incidents of alerts that have come and gone unseen.
func (o *observation) passed() {
	for i := range o.ended {
		a := &o.ended[i]
		if !a.Ended.After(o.Settled) || o.told(a) || o.dealtWith(a) {
			continue
		}
		if r := o.latest[key(a.Source, a.Key)]; r != nil && !r.Open() && r.Closed == nil && a.Time.Sub(*r.Ended) < reopenWithin {
			r.Count, r.Last, r.Number = max(r.Count, 1)+1, &a.Time, a.ID
			r.Ended, r.End, r.Message = a.Ended, a.End, a.Message
			o.changed = true
			continue
		}
		if a.Because != "" && a.Because != engine.DiskFull { // what explained it has an incident
			continue
		}
		o.add(a)
	}
}

// told tells whether there is an incident of an ended alert, or of what it followed from.
func (o *observation) told(a *feed.Raised) bool {
	r := o.latest[key(a.Source, a.Key)]
	return o.folded[one(a)] || r != nil && (r.Number != 0 && r.Number == a.ID || r.Open() || !a.Time.After(*r.Ended))
}

// dealtWith tells whether an alert ended before the clock was set back, at a time that is still to come or comes a second time, and was
// known then. Who is told of an alert is not told again because a clock was set.
func (o *observation) dealtWith(a *feed.Raised) bool {
	if o.Before.IsZero() || a.Ended.After(o.Before) {
		return false
	}
	if slices.Contains(o.Dealt, one(a)) {
		return true
	}
	old := a.Ended.After(o.now)
	if old {
		o.Dealt, o.changed = append(o.Dealt, one(a)), true
	}
	return old
}

// forget drops the oldest incidents that have ended, if they are told.
func (s *state) forget() bool {
	ended, waiting := 0, s.waiting()
	for _, r := range s.Incidents {
		if !r.Open() {
			ended++
		}
	}
	before := len(s.Incidents)
	s.Incidents = slices.DeleteFunc(s.Incidents, func(r *record) bool {
		drop := ended > keepEnded && !r.Open() && len(r.Shut) == 0 && !waiting[r.ID] && !r.untold()
		if drop {
			ended--
			for _, t := range []time.Time{*r.Ended, r.Unshut} {
				s.Settled = later(s.Settled, t)
			}
		}
		return drop
	})
	return len(s.Incidents) < before
}

// find returns an incident, nil if it is not known.
func (s *state) find(id int64) *record {
	for _, r := range s.Incidents {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// show returns an incident as others see it.
func (r *record) show() feed.Incident {
	i := r.Incident
	i.Consequences = make([]engine.Alert, len(r.Followers))
	for n, f := range r.Followers {
		i.Consequences[n] = f.Alert
	}
	return i
}
