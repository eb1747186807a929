// Package faults breaks a running system and says what became of its promises. It is for tests only.
//
// A World is a configuration with the built daemons as processes. Clients report the success of a worker whose rule launches
// exactly one recording worker with the report's number as its argument, so that each report can be followed to the process it led to.
// Check then reads the store and what clients and recording workers wrote, and nothing else: what daemons say about themselves is no
// evidence. Its tests forge stores that break each promise.
package faults

import "time"

// Start is what a recording worker wrote when it began. The file is synced before the worker goes on.
type Start struct {
	Number string    `json:"number"` // its argument
	Launch int64     `json:"launch"` // as it was told by who launched it
	PID    int       `json:"pid"`
	Time   time.Time `json:"time"`
}

// StartsVariable is the environment variable that names the file to which recording workers append.
const StartsVariable = "NOWCAST_FAULTS_STARTS"

// Sent is what a client knows about one report.
type Sent struct {
	Number  int
	At      time.Time
	Acked   time.Time // zero: it was given no answer
	Reply   string    // type of the answer
	Insists bool      // this client asks again when its connection breaks
}
