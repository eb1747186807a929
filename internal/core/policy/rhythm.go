package policy

import (
	"slices"
	"time"
)

// What is called regular. What comes once a month cannot be told from what does not come any more; and an afternoon of trying
// something out is no habit.
const (
	shortestInterval = 10 * time.Minute
	longestInterval  = 8 * 24 * time.Hour
	shortestHabit    = 48 * time.Hour
)

// Rhythm returns how often something usually happens that happened at these times, oldest first, and after what silence
// something is wrong: three usual intervals and, for what pauses at weekends, more than its longest. ok is false if too little is known.
//
// What happens in bursts, as a worker that is launched for fourteen plots once a day, has the rhythm of its bursts: intervals that
// are small beside the longest are within one.
func Rhythm(times []time.Time) (usual, silence time.Duration, ok bool) {
	if len(times) == 0 || times[len(times)-1].Sub(times[0]) < shortestHabit {
		return 0, 0, false
	}
	var gaps []time.Duration
	for i := 1; i < len(times); i++ {
		if gap := times[i].Sub(times[i-1]); gap > 0 && gap < longestInterval {
			gaps = append(gaps, gap)
		}
	}
	if len(gaps) == 0 {
		return 0, 0, false
	}
	slices.Sort(gaps)
	within := gaps[len(gaps)-1] / 10
	gaps = slices.DeleteFunc(gaps, func(g time.Duration) bool { return g < within })
	if len(gaps) < Enough {
		return 0, 0, false
	}
	usual = quantile(gaps, 50)
	return usual, max(3*usual, quantile(gaps, 95)*3/2), usual >= shortestInterval
}
