package config

import "time"

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
	ClearAllow  ClearPolicy = "allow"  // it is done at once, as NEMO_Nowcast does
)

// WaitingPolicy is what becomes of a worker whose report is handled while the answer cannot reach it.
type WaitingPolicy string

// Values of waiting workers.
const (
	WaitingReport WaitingPolicy = "report" // an alert says so
	WaitingEnd    WaitingPolicy = "end"    // it gets SIGTERM
)

// policies reads the policy of each worker, and those of the whole.
func (c *Config) policies(top node) {
	c.Clear, c.Barrier, c.Waiting = ClearHold, 24*time.Hour, WaitingReport
}
