package engine

import (
	"encoding/json"
	"hash/crc32"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/launch"
)

// Message is a request as it came, how it was answered, and what it changed in the checklist. The change is not kept a second
// time: its value is the payload.
type Message struct {
	ID     int64
	Time   time.Time
	Source string // "" if the bytes were not a message
	Type   string
	Launch int64        // the launch that sent it; 0 unknown
	Reply  string       // type of the reply
	Op     checklist.Op // "": the checklist stayed as it was
	Key    string       // checklist key, with Op
	Body   []byte       // the request's bytes; only their beginning if they were not a message

	Request string // the broker's number of the request (wire.Ticket.ID); "" if it came without
	Sender  string // the number that a Go worker gave it (message.Message.ID); "" if it has none
}

// Handled is a request that was handled before, and how it was answered.
type Handled struct {
	Message         int64
	Request, Sender string
	Type, Reply     string
	Body            uint32 // Sum of its bytes, in which is also who sent it
	Launch          int64
}

// Sum tells messages with the same names apart, in this process and in the next one.
func Sum(body []byte) uint32 { return crc32.Checksum(body, castagnoli) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Base is the whole checklist after the message Message.
type Base struct {
	Message int64
	YAML    []byte
}

// Operation is an operator's request and the reply to it, both as JSON.
type Operation struct {
	ID      string
	Time    time.Time
	Author  string
	Command string
	Args    string
	Reply   string
}

// Alert is something an operator must know now: a trouble, from when it began to when its cause is gone. Offer, if not empty, is a
// control command that would help.
type Alert struct {
	ID      int64           `json:"id"`   // of the manager's; the other daemons' have 0, and differ by Key
	Time    time.Time       `json:"time"` // when it began
	Kind    string          `json:"kind"` // "rule error", "worker lost", ...
	Worker  string          `json:"worker,omitempty"`
	Launch  int64           `json:"launch,omitempty"` // the launch it is about; 0 none
	Message string          `json:"message"`
	Offer   string          `json:"offer,omitempty"`
	Args    json.RawMessage `json:"args,omitempty"` // arguments of the offered command

	// Key is what the trouble is about. While an alert is open, the same trouble again (same key, same daemon) is counted in it and
	// not another alert.
	Key     string     `json:"key"`
	Because string     `json:"because,omitempty"` // Key of the alert of the same daemon that this is a consequence of
	Count   int        `json:"count,omitempty"`   // how often, if more than once
	Last    *time.Time `json:"last,omitempty"`    // when last, if more than once
	Ended   *time.Time `json:"ended,omitempty"`   // the cause is gone since then
	End     string     `json:"end,omitempty"`     // and how
}

// Open tells whether the trouble lasts.
func (a *Alert) Open() bool { return a.Ended == nil }

// Effects is what one turn of the manager loop makes durable, in one transaction.
type Effects struct {
	Messages   []Message
	Base       *Base            // nil: no new base
	Launches   []*launch.Launch // new or changed
	Barriers   []Barrier        // opened or changed
	Released   []int64          // barriers that are closed now
	Alerts     []Alert          // new or changed
	Operations []Operation
	LastLaunch int64 // numbers of launches up to this one are given away, whether or not there is such a launch; 0: says nothing
}

// Empty tells whether there is nothing to make durable.
func (e *Effects) Empty() bool {
	return len(e.Messages)+len(e.Launches)+len(e.Barriers)+len(e.Released)+len(e.Alerts)+len(e.Operations) == 0 && e.Base == nil && e.LastLaunch == 0
}

// How much of what is over a manager starts with, and goes on to remember.
const (
	KeepLaunches = 2000  // that have ended
	KeepAlerts   = 200   // that have ended
	KeepHandled  = 32768 // messages, of which those with a Request or a Sender are known again
)

// State is what a manager starts from: all the effects so far, as far as they still matter.
type State struct {
	Base        Base
	Changes     []Message        // those after the base that changed the checklist, oldest first
	Launches    []*launch.Launch // all unfinished and the newest finished, oldest first
	Barriers    []Barrier        // open, oldest first
	Alerts      []Alert          // all open and the newest ended, oldest first
	Recent      []Handled        // the newest messages that have a Request or a Sender, oldest first: at most KeepHandled
	LastMessage int64
	LastLaunch  int64
	LastBarrier int64
	LastAlert   int64
}
