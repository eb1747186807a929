package policy

import (
	"time"

	"nowcast/internal/core/config"
)

// Due returns the moment of a deadline on the local day of now, and when that day began. ok is false if the deadline has no such day.
//
// Where the clock is set forward past the deadline it is the first moment after the gap, where it is set back and the time
// comes twice, the first of the two; the same goes for midnight.
func Due(d config.Deadline, now time.Time) (due, midnight time.Time, ok bool) {
	midnight = at(now, 0, 0)
	return at(now, d.Hour, d.Minute), midnight, d.Set && d.Days[now.Weekday()]
}

// NextCheck returns when Due gives something to look at next: the deadline of a day that has one, after now. Zero if there is none.
func NextCheck(d config.Deadline, now time.Time) time.Time {
	for day := 0; day <= 7; day++ {
		// Noon: no clock is set so far that it is another day then.
		noon := time.Date(now.Year(), now.Month(), now.Day()+day, 12, 0, 0, 0, now.Location())
		if due, _, ok := Due(d, noon); ok && due.After(now) {
			return due
		}
	}
	return time.Time{}
}

// at returns the first moment of a local day at which the clock shows a time or is past it.
func at(day time.Time, hour, minute int) time.Time {
	want := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, day.Location())
	start, end := t.ZoneBounds()
	switch shows := wall(t); {
	case shows.After(want): // it does not come: t is behind the gap
		return start
	case shows.Before(want): // and here before it
		return end
	case start.IsZero():
		return t
	}
	_, before := start.Add(-1).Zone()
	_, after := t.Zone()
	if earlier := t.Add(time.Duration(after-before) * time.Second); earlier.Before(start) && wall(earlier).Equal(want) {
		return earlier // it comes twice
	}
	return t
}

// wall returns what the clock on the wall shows, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
