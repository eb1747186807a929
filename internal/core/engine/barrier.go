package engine

import (
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
)

// Barrier is a race-condition barrier that is open (step 6d). Any number are open at once.
type Barrier struct {
	ID      int64       `json:"id"`
	Opened  time.Time   `json:"opened"`
	Cause   string      `json:"cause"`             // the report whose rule opened it: "worker: type"
	Message int64       `json:"message"`           // that report as stored
	Missing []string    `json:"missing"`           // what it waits for, as in launch.Next.Await, sorted
	Held    []Requested `json:"held"`              // what will be launched when nobody is missing, in order of arrival
	Counted []int64     `json:"counted,omitempty"` // launches whose report has counted: none counts twice
}

// Requested is a worker that is to be launched, and the report because of which.
type Requested struct {
	launch.NextWorker
	Cause   string `json:"cause"`
	Message int64  `json:"message"`
	Parent  int64  `json:"parent,omitempty"`
}

// Report is what Follow needs to know of the message at hand.
type Report struct {
	Worker  string
	Type    string
	Message int64    // id of the stored message
	Launch  int64    // the launch that sent it; 0 unknown
	Args    []string // that launch's
	Time    time.Time
}

func (r Report) cause() string { return r.Worker + ": " + r.Type }

// Awaits returns which element of Missing a launch of a worker would take away, -1 if none: of those that it meets the one with
// the most arguments. What counted once does not count again.
func (b *Barrier) Awaits(worker string, args []string, id int64) int {
	if id != 0 && slices.Contains(b.Counted, id) {
		return -1
	}
	found, most := -1, -1
	for i, element := range b.Missing {
		name, want := launch.Awaited(element)
		lacks := func(arg string) bool { return !slices.Contains(args, arg) }
		if name == worker && len(want) > most && !slices.ContainsFunc(want, lacks) {
			found, most = i, len(want)
		}
	}
	return found
}

// without returns the barrier after a report that counts, which took away element i.
func (b Barrier) without(i int, id int64) Barrier {
	b.Missing = slices.Delete(slices.Clone(b.Missing), i, i+1)
	if id != 0 {
		b.Counted = append(slices.Clip(b.Counted), id)
	}
	return b
}

// Follow applies step 6d: given the open barriers, oldest first, and what the rule for a report returned, it says what to launch now, in
// order, and which barriers are open afterwards. barriers and its elements are not changed. nextID numbers a barrier that opens.
//
// A reporting worker leaves every barrier that waits for it, or for a launch with its arguments; what its rule returned is held by the one opened last
// (the reference, with one barrier at a time, has the later one take the place of the earlier). A rule that opens a
// barrier has its workers launched at once, even if its own worker was waited for.
func Follow(barriers []Barrier, r Report, next launch.Next, nextID int64) (now []Requested, open []Barrier, lines []Line) {
	requested := make([]Requested, 0, len(next.Workers))
	for _, w := range next.Workers {
		requested = append(requested, Requested{w, r.cause(), r.Message, r.Launch})
	}
	holder := -1
	for i, b := range barriers {
		if j := b.Awaits(r.Worker, r.Args, r.Launch); j >= 0 {
			b = b.without(j, r.Launch)
			holder = i
		}
		open = append(open, b)
	}
	if holder >= 0 && len(next.Await) == 0 {
		h := &open[holder]
		h.Held = append(slices.Clip(h.Held), requested...)
		lines = append(lines, debug("race condition management updated: ", describe(*h)))
	} else {
		now = requested
	}
	var released []Requested
	open = slices.DeleteFunc(open, func(b Barrier) bool {
		if len(b.Missing) > 0 {
			return false
		}
		released = append(released, b.Held...)
		lines = append(lines, debug("race condition management ended; next workers released: ", names(b.Held)))
		return true
	})
	now = append(now, released...)
	if len(next.Await) > 0 {
		b := Barrier{ID: nextID, Opened: r.Time, Cause: r.cause(), Message: r.Message, Missing: slices.Sorted(slices.Values(next.Await))}
		open = append(open, b)
		lines = append(lines, debug("race condition management activated: ", describe(b)))
	}
	return now, open, lines
}

func describe(b Barrier) string {
	return "{'must finish': {" + strings.Join(b.Missing, ", ") + "}, 'then launch': " + names(b.Held) + "}"
}

func names(rs []Requested) string {
	all := make([]string, len(rs))
	for i, r := range rs {
		all[i] = r.NextWorker.String()
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func debug(what, which string) Line { return Line{-4, what + which} }
