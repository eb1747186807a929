// Package policy is the arithmetic of what the manager does by itself: when a launch is tried again, how long launches usually
// take, when one is late, and by when a day's success is due.
//
// Everything here is a function of what it is given; it asks no clock and starts nothing.
package policy

import (
	"time"

	"nowcast/internal/core/config"
)

// Wait is how long retry number n, from 1, waits after the end of the attempt before it.
func Wait(r config.Retries, n int) time.Duration {
	wait := r.Wait
	for ; n > 1 && wait < r.LongestWait; n-- {
		wait *= 2
	}
	return min(wait, r.LongestWait)
}

// Remaining is how long to wait from now until a time that was set at another time. It is never longer than it was then: if the
// clock was set back since, nobody waits for it to come again.
func Remaining(set, until, now time.Time) time.Duration {
	return min(until.Sub(now), until.Sub(set))
}
