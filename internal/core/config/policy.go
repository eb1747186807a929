package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/pyyaml"
)

// Policy is what the manager does for a worker's launches by itself. The zero value: nothing.
type Policy struct {
	Retries     Retries
	Timeout     time.Duration // timeout: a launch that runs longer is ended; 0 never
	Expected    time.Duration // expected duration: one that runs longer is an alert; 0: learned from history
	Deadline    Deadline
	Concurrency int // concurrency: how many of its launches run at once; 0 any number
}

// Retries says how often a launch that ended badly is repeated, and when.
type Retries struct {
	Most        int           // how many retries there are; 0 none
	Wait        time.Duration // before the first; it doubles
	LongestWait time.Duration // cap of that
}

// Deadline is the local time by which a worker must have succeeded on each of Days.
type Deadline struct {
	Set          bool
	Hour, Minute int
	Days         [7]bool // by time.Weekday
}

// ClearPolicy is what becomes of a clear checklist message while other launches run.
type ClearPolicy string

// Values of clear checklist.
const (
	ClearHold   ClearPolicy = "hold"   // it is answered and done when they have ended
	ClearRefuse ClearPolicy = "refuse" // nothing is cleared
	ClearAllow  ClearPolicy = "allow"  // it is done at once, as NEMO_Nowcast does; on a real day some workers run all the time
)

// WaitingPolicy is what becomes of a worker whose report is handled while the answer cannot reach it.
type WaitingPolicy string

// Values of waiting workers.
const (
	WaitingReport WaitingPolicy = "report" // an alert says so
	WaitingEnd    WaitingPolicy = "end"    // it gets SIGTERM
)

// What retries have unless they say otherwise.
const (
	retryWait        = time.Minute
	retryLongestWait = 30 * time.Minute
)

const policyKey = "policy"

// policies reads the policies of the whole; those of each worker are in its registry entry.
func (c *Config) policies(top node) {
	c.Clear = choice(top, "clear checklist", ClearAllow, ClearHold, ClearRefuse)
	c.Waiting = choice(top, "waiting workers", WaitingReport, WaitingEnd)
	c.Barrier = 24 * time.Hour
	if n, ok := top.child("barrier time limit"); ok {
		c.Barrier = n.duration()
	}
	if run, ok := top.child("run"); ok {
		c.Slots = run.slots()
	}
}

// choice returns the value at a key, which is one of a few; the first is the default.
func choice[S ~string](n node, key string, values ...S) S {
	c, ok := n.child(key)
	if !ok {
		return values[0]
	}
	text, _ := c.value.(string)
	if !slices.Contains(values, S(text)) {
		names := make([]string, len(values))
		for i, v := range values {
			names[i] = string(v)
		}
		last := len(names) - 1
		c.errorf("give "+strings.Join(names[:last], ", ")+" or "+names[last], "is %s", describe(c.value))
		return values[0]
	}
	return S(text)
}

// policy reads policy of a worker's entry. A key that is not known is an error: what it was meant to do would be missed only
// when it is needed.
func (n node) policy() (p Policy) {
	known := []string{"retries", "timeout", "expected duration", "deadline", "concurrency"}
	n.onlyKeys(known)
	if c, ok := n.child("retries"); ok {
		p.Retries = c.retries()
	}
	if c, ok := n.child("timeout"); ok {
		p.Timeout = c.duration()
	}
	if c, ok := n.child("expected duration"); ok {
		if p.Expected = c.duration(); p.Timeout > 0 && p.Expected >= p.Timeout {
			c.errorf("make it shorter than timeout, or delete it", "is as long as timeout: the worker is ended before it can be late")
		}
	}
	if c, ok := n.child("deadline"); ok {
		p.Deadline = c.deadline()
	}
	if c, ok := n.child("concurrency"); ok {
		p.Concurrency = c.count("how many launches of the worker run at once, e.g. concurrency: 2; without the key there is no limit")
	}
	return p
}

func (n node) onlyKeys(known []string) {
	keys, nodes := n.children()
	for i, key := range keys {
		if text, ok := key.(string); !ok || !slices.Contains(known, text) {
			nodes[i].errorf("delete it or correct its spelling; known here: "+strings.Join(known, ", "), "is not a key that is used here")
		}
	}
}

// count returns a whole number of at least one.
func (n node) count(remedy string) int {
	v, ok := n.value.(int64)
	if !ok || v < 1 || v > 1_000_000 {
		n.errorf("give "+remedy, "is %s, not a number from 1 up", describe(n.value))
		return 0
	}
	return int(v)
}

// retries reads a number, or most, wait and longest wait.
func (n node) retries() Retries {
	const remedy = "the number of retries, e.g. 3"
	if _, isMapping := n.value.(*pyyaml.Map); !isMapping {
		return Retries{Most: n.count(remedy), Wait: retryWait, LongestWait: retryLongestWait}
	}
	n.onlyKeys([]string{"most", "wait", "longest wait"})
	r := Retries{Wait: retryWait}
	if c, ok := n.child("most"); ok {
		r.Most = c.count(remedy)
	} else {
		c.errorf("give "+remedy, "is missing")
	}
	if c, ok := n.child("wait"); ok {
		r.Wait = c.duration()
	}
	r.LongestWait = max(retryLongestWait, r.Wait)
	if c, ok := n.child("longest wait"); ok {
		if r.LongestWait = c.duration(); r.LongestWait > 0 && r.LongestWait < r.Wait {
			c.errorf("make it as long as wait, which doubles up to it, or longer", "is shorter than wait, %s", Length(r.Wait))
		}
	}
	return r
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// deadline reads a time of day, or time and days.
func (n node) deadline() Deadline {
	d := Deadline{Days: [7]bool{true, true, true, true, true, true, true}}
	at := n
	if _, isMapping := n.value.(*pyyaml.Map); isMapping {
		n.onlyKeys([]string{"time", "days"})
		var ok bool
		if at, ok = n.child("time"); !ok {
			at.errorf(`give the local time, e.g. time: "05:30"`, "is missing")
			return d
		}
		if days, ok := n.child("days"); ok {
			d.Days = days.weekdays()
		}
	}
	text := at.timeOfDay()
	if text == "" {
		return d
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		at.errorf(`write hours and minutes in quotes, e.g. "05:30"`, "is %q, not a time of day", text)
		return d
	}
	d.Set, d.Hour, d.Minute = true, t.Hour(), t.Minute()
	return d
}

func (n node) weekdays() (days [7]bool) {
	const remedy = "write a list of days, e.g. [monday, tuesday]"
	nodes := n.items()
	if len(nodes) == 0 {
		n.errorf(remedy, "is %s, not a list of days", describe(n.value))
	}
	for _, c := range nodes {
		name, _ := c.value.(string)
		i := slices.Index(weekdays, strings.ToLower(name))
		if i < 0 {
			c.errorf(remedy, "is %s, not a day of the week", describe(c.value))
			continue
		}
		days[i] = true
	}
	return days
}

// String says what the policy does, for check; "" if it does nothing.
func (p Policy) String() string {
	var all []string
	if r := p.Retries; r.Most > 0 {
		if r.Most == 1 {
			all = append(all, fmt.Sprintf("tried again once, after %s", Length(r.Wait)))
		} else {
			all = append(all, fmt.Sprintf("tried again up to %d times, first after %s, at most %s apart", r.Most, Length(r.Wait), Length(r.LongestWait)))
		}
	}
	if p.Timeout > 0 {
		all = append(all, "ended after "+Length(p.Timeout))
	}
	if p.Expected > 0 {
		all = append(all, "late after "+Length(p.Expected))
	}
	if d := p.Deadline; d.Set {
		all = append(all, fmt.Sprintf("must have succeeded by %02d:%02d %s", d.Hour, d.Minute, d.days()))
	}
	if p.Concurrency > 0 {
		all = append(all, fmt.Sprintf("at most %d at once", p.Concurrency))
	}
	return strings.Join(all, "; ")
}

func (d Deadline) days() string {
	var on []string
	for i := range weekdays {
		if day := (i + 1) % 7; d.Days[day] { // from Monday
			on = append(on, weekdays[day])
		}
	}
	if len(on) == len(weekdays) {
		return "each day"
	}
	return "on " + strings.Join(on, ", ")
}

// Length shows a length of time as it is written in the file: "90 s", "35 min", "2 h", "3 days"; in between to the minute, "1 h 30 min".
func Length(d time.Duration) string {
	switch {
	case d < 2*time.Minute && d%time.Minute != 0:
		return fmt.Sprintf("%g s", d.Round(time.Millisecond).Seconds())
	case d < 2*time.Hour && d%time.Hour != 0, d < time.Hour:
		return fmt.Sprintf("%d min", (d+30*time.Second)/time.Minute)
	case d < 2*day && d%day != 0, d < day:
		hours, minutes := d/time.Hour, d%time.Hour/time.Minute
		if minutes > 0 {
			return fmt.Sprintf("%d h %d min", hours, minutes)
		}
		return fmt.Sprintf("%d h", hours)
	case d < 2*day:
		return "1 day"
	}
	return fmt.Sprintf("%d days", (d+12*time.Hour)/day)
}
