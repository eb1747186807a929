// Package control carries an operator's commands to the daemons and their answers back, through the broker's
// control port.
//
// Every command is answered. Every command has an id chosen by the client, who sends the same request again when no answer
// comes: while it is in hand it is not begun a second time, and whoever asked gets the one answer. Once it is answered the
// Server forgets it. A daemon that changes something on command keeps the answers itself, by id and durably, with
// the audit trail: the manager does so in its store. What only reads is read again.
//
// A Client (console, command line) sends to the broker's control hub, which passes the command to the Server of the
// daemon it names; the answer goes back the same way. The sockets are unix sockets in a directory that only its owner may
// enter, so whoever can speak here is the operator, and Request.Author is believed. When control is opened to
// TCP, the place to check who may do what is Server.accept, which sees every command before it is done.
package control

import (
	"encoding/json"
	"log/slog"
	"time"

	"nowcast/internal/core/launch"
)

// Commands of the manager, with the type of their arguments and of their result.
const (
	CmdSnapshot = "snapshot" // struct{}{} -> feed.Snapshot
	CmdLaunch   = "launch"   // LaunchArgs -> launch.Launch
	CmdRelaunch = "relaunch" // RelaunchArgs -> launch.Launch
	CmdKill     = "kill"     // KillArgs -> Killed
	CmdRelease  = "release"  // ReleaseArgs -> nothing: a barrier's held workers are launched now
	CmdEvaluate = "evaluate" // EvaluateArgs -> nothing: the rule is called again for a message whose rule failed
)

// Command of the log aggregator.
const CmdLogs = "logs" // LogsArgs -> feed.LogPage

// Commands of the scheduler.
const (
	CmdSchedule = "schedule" // struct{}{} -> []feed.ScheduleEntry
	CmdRunNow   = "run now"  // EntryArgs -> launch.Launch: the worker is launched now; what is due later is launched then, too
	CmdHold     = "hold"     // HoldArgs -> feed.ScheduleEntry
)

// Commands of the alerter.
const (
	CmdIncidents   = "incidents"   // struct{}{} -> []feed.Incident
	CmdAcknowledge = "acknowledge" // IncidentArgs -> feed.Incident
	CmdSnooze      = "snooze"      // SnoozeArgs -> feed.Incident
	CmdClose       = "close"       // IncidentArgs -> feed.Incident
)

// IncidentArgs names an incident.
type IncidentArgs struct {
	Incident int64  `json:"incident"`
	Note     string `json:"note,omitempty"`
}

// SnoozeArgs has nothing sent about an incident for a time; 0 ends that.
type SnoozeArgs struct {
	Incident int64         `json:"incident"`
	For      time.Duration `json:"for"`
	Note     string        `json:"note,omitempty"`
}

// Request is a command on its way to a daemon.
type Request struct {
	ID      string          `json:"id"` // chosen by the client, unique
	Command string          `json:"command"`
	Author  string          `json:"author"` // user@host of the operator
	Args    json.RawMessage `json:"args,omitempty"`

	// Expires is when the client stops waiting. A command that arrives later, because it lay in a queue while the broker or
	// the daemon was down, is refused: the operator was told that there was no answer and has done something else.
	Expires time.Time `json:"expires,omitzero"`
}

// Reply is the answer.
type Reply struct {
	OK     bool            `json:"ok"`
	Error  string          `json:"error,omitempty"` // what went wrong and what to do, for the operator
	Result json.RawMessage `json:"result,omitempty"`
	Again  bool            `json:"again,omitempty"` // nothing was done, and the same request may be sent again
}

// LaunchArgs asks for a worker to be started.
type LaunchArgs struct {
	launch.NextWorker
}

// RelaunchArgs asks for a launch to be repeated, with other arguments if Args is not nil.
type RelaunchArgs struct {
	Launch int64    `json:"launch"`
	Args   []string `json:"args"`
}

// KillArgs asks for a signal to the process group of a running launch.
type KillArgs struct {
	Launch int64  `json:"launch"`
	Signal string `json:"signal"` // "TERM", "INT" or "KILL"
}

// Killed is what was done about a launch, as it was then.
type Killed struct {
	launch.Launch
	Did string `json:"did"` // e.g. "was sent TERM": not every launch has a process that could be
}

// ReleaseArgs names an open barrier.
type ReleaseArgs struct {
	Barrier int64 `json:"barrier"`
}

// EvaluateArgs names stored messages.
type EvaluateArgs struct {
	Message int64   `json:"message"`
	Also    []int64 `json:"also,omitempty"` // later ones of the same worker
}

// LogsArgs selects log records.
type LogsArgs struct {
	Last   int       `json:"last"`             // at most so many, the newest; 0: 1000
	Since  time.Time `json:"since,omitzero"`   // not older
	Until  time.Time `json:"until,omitzero"`   // not newer
	Name   string    `json:"name,omitempty"`   // of this logger only
	Search string    `json:"search,omitempty"` // containing this, case ignored

	// Launch chooses the records of one launch; 0: of all. Records of programs that do not know their launch, as those that
	// publish with pyzmq, are recognised by name and time: they are Worker's, not older than From and, unless To is zero, not newer
	// than To. With Worker "" only the number counts.
	Launch int64     `json:"launch,omitempty"`
	Worker string    `json:"worker,omitempty"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`

	Level  *slog.Level `json:"level,omitempty"`  // of this level and above; nil: of all
	Before string      `json:"before,omitempty"` // feed.LogPage.Older of an earlier answer: only what is older than that

	// Forward asks for the oldest that are selected instead of the newest, so that a long time can be gone through in order.
	Forward bool   `json:"forward,omitempty"`
	After   string `json:"after,omitempty"` // feed.LogPage.Newer of an earlier answer: only what came after that
}

// EntryArgs names an entry of the schedule.
type EntryArgs struct {
	Entry string `json:"entry"`
}

// HoldArgs holds an entry of the schedule, so that nothing is launched for it, or lets it go on.
type HoldArgs struct {
	Entry string `json:"entry"`
	Held  bool   `json:"held"`
}
