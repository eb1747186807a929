package scheduler

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// entry is one entry of scheduled workers with what is known of it.
type entry struct {
	worker launch.NextWorker
	missed string
	plan   plan
	zone   string        // as it is written; "" local time
	wrong  config.Errors // why plan is of no use, if it is not
	record

	left    int    // due times that were left out because Pending was not answered
	remark  string // why Pending is late
	waiting string // why Pending has no answer yet
}

// record is what is remembered of an entry from one scheduler to the next.
type record struct {
	ID       string             `json:"id"`               // what operators call it: numbered by its place in the file, so it may belong to another entry after an edit
	Key      string             `json:"key"`              // what the manager is asked by; the entry's own for good
	Command  string             `json:"command"`          // module and arguments of the worker
	Schedule string             `json:"schedule"`         // when it was due, in words: other words are another schedule
	Through  time.Time          `json:"through,omitzero"` // every due time up to here has been dealt with; later ones count from here
	Pending  time.Time          `json:"pending,omitzero"` // due time for which the manager is being asked
	Held     string             `json:"held,omitempty"`   // the operator who holds it
	Runs     []feed.ScheduleRun `json:"runs,omitempty"`   // the last keepRuns, oldest first
}

const (
	keepRuns = 10

	// farAhead is how far in the future Through may be: no operator sets a clock back further than that on purpose, so the
	// clock was wrong before, and what was launched by it does not count.
	farAhead = 2 * time.Hour
)

func newEntry(s *config.Scheduled) *entry {
	e := &entry{missed: s.Missed, zone: s.Timezone, worker: launch.NextWorker{Module: s.Module, Args: append([]string{}, s.Args...), Host: launch.Localhost}}
	e.ID, e.Command = s.ID, strings.Join(append([]string{s.Module}, s.Args...), " ")
	e.plan, e.wrong = parse(s)
	return e
}

// Check returns what is wrong with the entries of a configuration.
func Check(cfg *config.Config) (wrong config.Errors) {
	for i := range cfg.Schedule {
		_, errs := parse(&cfg.Schedule[i])
		wrong = append(wrong, errs...)
	}
	return wrong
}

// schedule returns in words when the entry is due.
func (e *entry) schedule() string {
	return strings.TrimSpace(e.plan.words + " " + e.zone)
}

// remember takes over what is known of the entry. Due times count from now if its schedule is another, or new.
func (e *entry) remember(r record, now time.Time) {
	r.ID, r.Command = e.ID, e.Command
	e.record = r
	if len(e.wrong) == 0 && (r.Schedule != e.schedule() || r.Through.IsZero()) {
		e.Schedule, e.Through, e.Pending = e.schedule(), now, time.Time{}
	}
}

// next returns when the entry is due next, zero if it is not.
func (e *entry) next() time.Time {
	if len(e.wrong) > 0 {
		return time.Time{}
	}
	return e.plan.next(e.Through)
}

// pass moves on to now and returns the newest due time that has come since, and how many have.
func (e *entry) pass(now time.Time) (due time.Time, n int) {
	if len(e.wrong) > 0 {
		return time.Time{}, 0
	}
	if due, n = e.plan.passed(e.Through, now); n > 0 {
		e.Through = due.UTC()
	}
	return due, n
}

// clockWasWrong tells whether the entry waits for a time that only a wrong clock has shown, and ends that.
func (e *entry) clockWasWrong(now time.Time) bool {
	if e.Through.Sub(now) <= farAhead {
		return false
	}
	e.Through = now
	return true
}

// ran notes what became of a due time.
func (e *entry) ran(r feed.ScheduleRun) {
	e.Runs = append(e.Runs[max(0, len(e.Runs)-keepRuns+1):len(e.Runs):len(e.Runs)], r)
}

// show returns the entry as the world sees it.
func (e *entry) show() feed.ScheduleEntry {
	s := feed.ScheduleEntry{ID: e.ID, Worker: e.worker, When: e.plan.words, Timezone: e.zone, Missed: e.missed, Next: e.next(),
		Held: e.Held != "", Problem: e.waiting, Runs: e.Runs}
	if len(e.wrong) > 0 {
		s.Problem = e.wrong.Error()
	}
	return s
}

// clock shows a time to the operator on the entry's clock.
func (e *entry) clock(t time.Time) string { return t.In(e.plan.zone).Format("2006-01-02 15:04:05 MST") }

// dueTimes counts in words.
func dueTimes(n int) string {
	if n == 1 {
		return "1 due time"
	}
	return fmt.Sprintf("%d due times", n)
}
