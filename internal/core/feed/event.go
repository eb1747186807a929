// Package feed is how daemons tell the world what is true: a stream of events on a PUB socket, and the mirror that
// readers build from it.
//
// Every event carries its source (a daemon), its stream (the first part of the topic), the source's epoch (a new one
// at every start of the daemon) and a sequence number that counts up by one within source, stream and epoch. A reader subscribes
// first, asks the source for a snapshot over control, drops what is older than the snapshot and applies what is newer.
// A gap or a new epoch means that something was missed, and leads to a new snapshot. Publishing never blocks: a
// slow reader loses events, notices, and asks again.
//
// On the way: Publisher (in every daemon and worker) sends to the broker's feed hub, which publishes; Subscribe takes
// batches of events from there; Mirror makes of them what the console draws and `nowcastd status` prints. Publishers
// connect DEALER to DEALER and not PUB to XSUB: a PUB drops what it sends before the subscription has come
// back to it, which is all that a worker living 5 ms has to say; a DEALER keeps it until the hub has it, and
// Close waits for that. Losing something is allowed in three places, all bounded: a publisher that the hub does
// not serve, a subscriber that does not read, a hub that dies. The sequence numbers show all three.
package feed

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// Streams; a topic is a stream or begins with it and a dot.
const (
	StreamLaunch    = "launch"    // Body: []launch.Launch, the new state of each
	StreamChecklist = "checklist" // Body: []ChecklistChange, in order
	StreamBarrier   = "barrier"   // Body: []engine.Barrier, all that are open
	StreamLog       = "log"       // topic log.<name>.<LEVEL>; Body: []LogRecord
	StreamDaemon    = "daemon"    // Body: Heartbeat
	StreamAlert     = "alert"     // Body: engine.Alert
	StreamSchedule  = "schedule"  // Body: []ScheduleEntry, all there are
	StreamIncident  = "incident"  // Body: []Incident, all that are open and the newest that ended
)

// Event is one message of the feed. On the wire it is two frames: the topic, and this as JSON.
type Event struct {
	Topic  string          `json:"-"`
	Source string          `json:"source"` // daemon name
	Stream string          `json:"stream"`
	Epoch  string          `json:"epoch"`
	Seq    uint64          `json:"seq"` // 1 is the first of an epoch
	Time   time.Time       `json:"time"`
	Body   json.RawMessage `json:"body"`

	// Last has, on events of the daemon stream, the sequence number of the last event in every other stream of this source
	// and epoch. A lost event shows as a gap as soon as another one follows; this shows that the last one was lost.
	Last map[string]uint64 `json:"last,omitempty"`
}

// Decode reads the body into a value of the type that the stream names.
func (e *Event) Decode(v any) error {
	if err := json.Unmarshal(e.Body, v); err != nil {
		return fmt.Errorf("feed event %d of %s %s: %w", e.Seq, e.Source, e.Topic, err)
	}
	return nil
}

// ChecklistChange is one change of the checklist. Applied in order to the snapshot, changes give the checklist.
type ChecklistChange struct {
	Seq    int64     `json:"seq"`            // counts checklist changes in one state directory
	Time   time.Time `json:"time"`           // UTC
	Author string    `json:"author"`         // worker or operator
	Op     string    `json:"op"`             // "update": merge the mapping YAML into the mapping at the key; "set": replace the value; "clear"
	YAML   string    `json:"yaml,omitempty"` // {key: value} as PyYAML writes it
}

// LogRecord is one line of somebody's log.
type LogRecord struct {
	Time    time.Time  `json:"time"`
	Level   slog.Level `json:"level"`
	Name    string     `json:"name"` // logger name: daemon or worker
	Message string     `json:"message"`
	Host    string     `json:"host,omitempty"`
	PID     int        `json:"pid,omitempty"`
	Launch  int64      `json:"launch,omitempty"` // 0 if the process is not a launch

	// Published is set where the log aggregator gets the record on a port of zmq: ports: logging, or where none of the
	// process's handlers would publish it. Where it is not, and logging is distributed, the log aggregator writes the record to its
	// files from here: the process found no port, or the record's level has no name and PUBHandler does not publish it. With
	// local logging it is never set, and there are no such files. Of what the log aggregator sends, it is set where it sends on a
	// record of others, and never in its own.
	Published bool `json:"published,omitempty"`
}

// LogPage is a part of the log: the records that were asked for, oldest first. If Older is not "" there is more before
// them: it is to be passed as LogsArgs.Before. A page may be short, even empty, with more before it, when looking took long.
type LogPage struct {
	Records []LogRecord `json:"records"`
	Older   string      `json:"older,omitempty"`
	Newer   string      `json:"newer,omitempty"`  // the same for LogsArgs.Forward and After: there is more behind them
	Reached time.Time   `json:"reached,omitzero"` // with Older: how far back was looked; zero: to the first record
}

// ScheduleEntry is an entry of scheduled workers as the scheduler has it.
type ScheduleEntry struct {
	ID       string            `json:"id"`     // worker name, and #2, #3, ... for later entries of the same worker
	Worker   launch.NextWorker `json:"worker"` // what is launched
	When     string            `json:"when"`   // in words, e.g. "every day at 05:15"
	Timezone string            `json:"timezone"`
	Missed   string            `json:"missed"`            // run, skip or report
	Next     time.Time         `json:"next,omitzero"`     // when it is due next; zero if it is not
	Held     bool              `json:"held,omitempty"`    // an operator keeps it from being launched
	Problem  string            `json:"problem,omitempty"` // why nothing is launched for it
	Runs     []ScheduleRun     `json:"runs,omitempty"`    // the last ten, oldest first
}

// ScheduleRun is what became of one due time.
type ScheduleRun struct {
	Due    time.Time `json:"due"`
	Time   time.Time `json:"time"`             // when the manager answered, or it was decided to leave it out
	Launch int64     `json:"launch,omitempty"` // 0: nothing was launched
	Author string    `json:"author,omitempty"` // operator who asked for it; "" it was due
	Note   string    `json:"note,omitempty"`   // why nothing was launched, or why late
}

// Topic is where the record is published. A reader filters by name, or by name and level.
func (r *LogRecord) Topic() string { return StreamLog + "." + r.Name + "." + LevelName(r.Level) }

// Heartbeat says that a daemon is alive. Silence for three times Every means that it is not, or cannot be reached.
type Heartbeat struct {
	Name    string        `json:"name"`
	Host    string        `json:"host"`
	PID     int           `json:"pid"`
	Started time.Time     `json:"started"`
	Every   time.Duration `json:"every"`
	Stopped bool          `json:"stopped,omitempty"` // the last one before a clean exit

	Alerts  []engine.Alert `json:"alerts,omitempty"`  // all that are open of this daemon, and those that ended within a minute; of the manager's only those of its process, since its state is in its snapshot
	Waiting *Waiting       `json:"waiting,omitempty"` // of the message broker: requests that have no answer yet
	Standby string         `json:"standby,omitempty"` // of a manager that waits for another one to end: which
}

// Waiting is how many requests of workers the message broker has that are not answered, and since when the oldest is there.
type Waiting struct {
	Requests int       `json:"requests"`
	Since    time.Time `json:"since"`
	Managers int       `json:"managers"` // managers that are connected
}

// Incident is a trouble as an operator deals with it: an alert, with what followed from it folded under it. The alerter owns it.
type Incident struct {
	ID     int64  `json:"id"`     // counts up from 1 in one state directory
	Source string `json:"source"` // the daemon whose alert it is
	engine.Alert

	Consequences []engine.Alert `json:"consequences,omitempty"`
	Acknowledged *Mark          `json:"acknowledged,omitempty"`
	Snoozed      *Mark          `json:"snoozed,omitempty"` // nothing is sent until Until
	Closed       *Mark          `json:"closed,omitempty"`  // an operator has ended it, whatever its daemon says
	Sent         []Sent         `json:"sent,omitempty"`
}

// Mark is what an operator has done about an incident.
type Mark struct {
	Author string    `json:"author"`
	Time   time.Time `json:"time"`
	Until  time.Time `json:"until,omitzero"`
	Note   string    `json:"note,omitempty"`
}

// Sent is what became of telling one place outside about an incident.
type Sent struct {
	To   string    `json:"to"` // e.g. "slack SLACK_ALERTS", "mail ops@example.org"
	Time time.Time `json:"time"`
	What string    `json:"what"`           // "begun", "ended", "reminder"
	Note string    `json:"note,omitempty"` // why it has not arrived so far; "" it has

	Short bool `json:"short,omitempty"` // it arrived in a few words only: as it was, the other side refused it
}

// Snapshot is the state of the manager's streams (launch, checklist, barrier, alert) at one instant.
type Snapshot struct {
	Source    string            `json:"source"`
	Epoch     string            `json:"epoch"`
	Seq       map[string]uint64 `json:"seq"` // per stream, the last event that is contained
	Time      time.Time         `json:"time"`
	Launches  []launch.Launch   `json:"launches"`  // all unfinished, and the newest finished
	Checklist string            `json:"checklist"` // as PyYAML writes it
	Barriers  []engine.Barrier  `json:"barriers"`
	Alerts    []engine.Alert    `json:"alerts"` // newest last
}
