package scheduler

import "time"

// next returns the first due time after a time, zero if there is none.
//
// When clocks are set, this holds. What is due at a time of day is due at that time as the clock on the wall shows it. If the clock is
// set forward past it, it is due at the first moment after the gap. If the clock is set back, so that the time comes
// twice, it is due the first time only. What is due every hour or minute (a cron entry, if its hour field is *) goes on through
// the hour that comes twice, and leaves out the hour that does not come. What has no at, and is due every hour or
// minute, counts elapsed time. The Python package has no time zones: it goes by the wall throughout, so at an hour that
// comes twice its hourly and minutely jobs pause.
func (p *plan) next(after time.Time) time.Time {
	switch {
	case p.period > 0:
		return after.Add(p.period)
	case p.each:
		return p.nextEach(after.In(p.zone))
	}
	for w := wall(after.In(p.zone)); ; {
		if w = p.step(w); w.IsZero() {
			return w
		}
		// Not so if the clock was set between: the second time of an hour that comes twice, or what one gap has swallowed.
		if due := first(w, p.zone); due.After(after) {
			return due
		}
	}
}

// nextEach goes from one setting of the clock to the next; between them the wall and the time run alike.
func (p *plan) nextEach(from time.Time) time.Time {
	w := wall(from)
	for {
		target := p.step(w)
		if target.IsZero() {
			return target
		}
		due := from.Add(target.Sub(wall(from)))
		_, end := from.ZoneBounds()
		if end.IsZero() || due.Before(end) {
			return due
		}
		from = end.In(p.zone)
		w = wall(from).Add(-1) // what is due at the very moment counts
	}
}

// passed returns the newest due time after a time and not after now, and how many there are.
func (p *plan) passed(after, now time.Time) (newest time.Time, n int) {
	if start := now.Add(-longestLook); after.Before(start) {
		after = start
	}
	for due := p.next(after); !due.IsZero() && !due.After(now); due = p.next(due) {
		newest, n = due, n+1
	}
	return newest, n
}

// longestLook is how far back due times are counted: that of an entry which is due every minute takes a fraction of a second.
const longestLook = 366 * day

// wall returns what the clock on the wall shows, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// first returns the first moment at which the clock on the wall shows w or, if it never does, at which it is past it.
func first(w time.Time, zone *time.Location) time.Time {
	t := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), w.Nanosecond(), zone)
	start, end := t.ZoneBounds()
	switch shows := wall(t); {
	case shows.After(w): // w is in the gap before the zone that t is in
		return start
	case shows.Before(w):
		return end
	case start.IsZero():
		return t
	}
	// It may have shown w before it was set back.
	before := start.Add(-1)
	if earlier := t.Add(wall(start).Sub(wall(before)) - 1); earlier.Before(start) && wall(earlier).Equal(w) {
		return earlier
	}
	return t
}
