package alerter

import (
	"slices"

	"nowcast/internal/core/feed"
)

// shut notes which alerts begin no incident any more, now that an operator has closed theirs: its own, and what follows from it.
func (r *record) shut(known []feed.Raised) {
	for i := range known {
		a := &known[i]
		if a.Open() && (a.Source == r.Source && a.Key == r.Key || r.follower(a) != nil) {
			r.Shut = append(r.Shut, *a)
		}
	}
	for i := range r.Followers {
		f := &r.Followers[i]
		if f.Open() && !slices.ContainsFunc(r.Shut, func(s feed.Raised) bool { return one(&s) == one(f) }) { // not heard of just now
			r.Shut = append(r.Shut, *f)
		}
	}
}

// unshut forgets which alerts begin no incident, once these have ended: what has their keys then is another trouble.
func (o *observation) unshut(r *record, open map[string]bool) {
	before := len(r.Shut)
	r.Shut = slices.DeleteFunc(r.Shut, func(s feed.Raised) bool { return !open[key(s.Source, s.Key)] && o.heard(s.Source, s.Key) })
	if len(r.Shut) < before {
		r.Unshut, o.changed = o.now, true
	}
}
