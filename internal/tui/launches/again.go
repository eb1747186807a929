package launches

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// Again has, by the number of a launch, its newest repetition, by an operator or by the worker's policy. What was repeated needs
// nobody's attention any more: its repetition does, if that ends badly too.
type Again map[int64]*launch.Launch

// Repeated looks for repetitions. All is newest first.
func Repeated(all []*launch.Launch) Again {
	again := Again{}
	for _, l := range all {
		switch {
		case l.Parent == 0 || again[l.Parent] != nil:
		case isRetry(l):
			again[l.Parent] = l
		case !strings.HasPrefix(l.Cause, "relaunch of "): // most: only a cause that looks right is worth the next comparison
		case strings.HasPrefix(l.Cause, fmt.Sprintf("relaunch of %d by ", l.Parent)):
			again[l.Parent] = l
		}
	}
	return again
}

// recent is how long a bad end waits for attention, and what "today" means to the counts: a night shift has no midnight.
const recent = 24 * time.Hour

// Urgent tells whether a launch has ended badly not long ago, nobody wanted it to, and it was not repeated.
func (a Again) Urgent(l *launch.Launch, now time.Time) bool {
	return failed(l) && a[l.ID] == nil && endedLately(l, now)
}

// failed tells whether a launch has ended badly without an operator having ended it.
func failed(l *launch.Launch) bool {
	return l.State.Bad() && (l.KilledBy == "" || l.KilledBy == launch.ByPolicy)
}

func endedLately(l *launch.Launch, now time.Time) bool {
	return l.Ended != nil && now.Sub(*l.Ended) < recent
}

// place is where in the list a launch stands.
type place int

const (
	urgent place = iota
	underway
	over
)

func (a Again) place(l *launch.Launch, now time.Time) place {
	switch {
	case !l.State.Final():
		return underway
	case a.Urgent(l, now):
		return urgent
	}
	return over
}

// note says why a launch stands as it does, and what became of it since.
func (a Again) note(l *launch.Launch) string {
	r := a[l.ID]
	switch {
	case r == nil:
		return l.Note
	case l.Note == "":
		return repetition(r)
	}
	return repetition(r) + "; " + l.Note
}

// Since says what became of a launch since it ended: "relaunched as 8, which is running"; "" if it was not repeated.
func (a Again) Since(l *launch.Launch) string {
	if r := a[l.ID]; r != nil {
		return repetition(r)
	}
	return ""
}

func repetition(r *launch.Launch) string {
	verb := "relaunched"
	if isRetry(r) {
		verb = "tried again"
	}
	if r.State.Final() {
		return fmt.Sprintf("%s as %d, which %s", verb, r.ID, ended(r.State))
	}
	return fmt.Sprintf("%s as %d, which is %s", verb, r.ID, r.State)
}

// ended is a final state as a verb.
func ended(s launch.State) string {
	switch s {
	case launch.Killed, launch.Lost:
		return "was " + string(s)
	}
	return string(s)
}

// Counts says how the launches stand.
type Counts struct {
	Failed  int // ended badly in the last 24 h, not by an operator, and not repeated
	Running int // not ended
	Waiting int // decided, and kept from starting: a retry before its time, or no slot is free
	Done    int // succeeded in the last 24 h
}

// Count counts them.
func (a Again) Count(all []*launch.Launch, now time.Time) (c Counts) {
	for _, l := range all {
		switch {
		case waits(l, now) != "":
			c.Waiting++
		case !l.State.Final():
			c.Running++
		case a.Urgent(l, now):
			c.Failed++
		case l.State == launch.Succeeded && endedLately(l, now):
			c.Done++
		}
	}
	return c
}

// Standing says in one line how a launch stands, and why.
func (a Again) Standing(l *launch.Launch, now time.Time) string {
	s := string(l.State)
	if w := waits(l, now); w != "" {
		s += ", " + w
	}
	if l.Started != nil {
		verb := " after "
		if !l.State.Final() {
			verb = " for "
		}
		s += verb + widget.Duration(l.Duration(now))
	}
	switch {
	case l.Note != "":
		s += ": " + l.Note
	case l.LastReport() != "":
		s += ": reported " + l.LastReport()
	}
	if r := a[l.ID]; r != nil {
		s += "; " + repetition(r)
	}
	return widget.Clean(s)
}
