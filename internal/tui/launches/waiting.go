package launches

import (
	"fmt"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// isRetry tells whether a launch was made by its worker's policy because the attempt before it, its Parent, had failed.
func isRetry(l *launch.Launch) bool { return l.Attempt > 1 }

// attempt names the attempt that a launch is, "" if it is the first.
func attempt(l *launch.Launch) string {
	if !isRetry(l) {
		return ""
	}
	var n, of int
	if _, err := fmt.Sscanf(l.Cause, "retry %d of %d ", &n, &of); err == nil && n == l.Attempt-1 { // the first was no retry
		return fmt.Sprintf("try %d/%d", l.Attempt, of+1)
	}
	return fmt.Sprint("try ", l.Attempt)
}

// waits says why a launch that is decided is not started yet, "" if nothing keeps it.
func waits(l *launch.Launch, now time.Time) string {
	switch {
	case l.State != launch.Decided:
		return ""
	case l.NotBefore != nil && l.NotBefore.After(now):
		return attempt(l) + ", next at " + widget.Clock(l.NotBefore.In(now.Location()), now)
	case l.Waits != "":
		return "waits: " + l.Waits
	}
	return ""
}

// usual says how long launches like this one take.
func usual(l *launch.Launch) string {
	u := l.Usual
	if u == nil {
		return ""
	}
	return fmt.Sprintf("usually %s, 19 of 20 end within %s (the last %d)", widget.Duration(u.Median), widget.Duration(u.P95), u.N)
}

// used says what a launch's processes used.
func used(l *launch.Launch) string {
	u := l.Usage
	if u == nil {
		return ""
	}
	return fmt.Sprintf("%s of processor (%s of it system), at most %s of memory in one process",
		widget.Duration(u.User+u.System), widget.Duration(u.System), widget.Bytes(u.MaxRSS))
}
