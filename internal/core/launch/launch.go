// Package launch has the words for starting workers: what a rule asks for (NextWorker, Next), and what became of it
// (Launch, from decision to exit).
//
// A Launch is a record: the manager loop owns every change to it, the store keeps it, the feed carries it as JSON.
package launch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Localhost is the host of a worker that runs beside the manager (specs: compat section 2).
const Localhost = "localhost"

// NextWorker is one worker that a rule wants to be launched (specs: compat section 2).
type NextWorker struct {
	Module string   `json:"module"` // dotted module name, e.g. nowcast.workers.make_plots
	Args   []string `json:"args"`
	Host   string   `json:"host"` // Localhost, or a key of run: enabled hosts
}

// Name returns the worker's name: the last dotted part of its module.
func (n NextWorker) Name() string { return Name(n.Module) }

// Name returns the last dotted part of a module name, which is the worker's name in the message registry.
func Name(module string) string { return module[strings.LastIndexByte(module, '.')+1:] }

// String shows the worker as an operator would type it.
func (n NextWorker) String() string {
	s := strings.Join(append([]string{n.Module}, n.Args...), " ")
	if n.Host != Localhost {
		s += " on " + n.Host
	}
	return s
}

// Next is what a rule returned: workers to launch at once and, if Await is not empty, the workers whose
// reports a barrier waits for (specs: compat section 1, step 6d).
type Next struct {
	Workers []NextWorker
	Await   []string // each a worker's name, or a name with arguments that the launch must have, sorted; as often as different launches must report; empty: no barrier
}

// Await returns the element of Next.Await for a worker with all of these arguments.
func Await(module string, args []string) string {
	return strings.Join(append([]string{Name(module)}, args...), " ")
}

// Awaited returns the worker's name and the arguments in an element of Await.
func Awaited(element string) (worker string, args []string) {
	words := strings.Fields(element)
	if len(words) == 0 {
		return "", nil
	}
	return Name(words[0]), words[1:]
}

// State is where a launch stands.
type State string

// The states of a launch, in the order in which they can be reached. The last five are final.
const (
	Decided   State = "decided"   // a message or an operator asked for it, and that is recorded
	Starting  State = "starting"  // handed to the launcher
	Running   State = "running"   // its process exists
	Unknown   State = "unknown"   // it was started on another host and cannot be seen any more; nothing is launched again because of it
	Succeeded State = "succeeded" // its last report was a success
	Failed    State = "failed"    // its last report was a failure
	Crashed   State = "crashed"   // it reported a crash, could not be started, or ended with an error status and no report
	Killed    State = "killed"    // a signal ended it before it reported
	Lost      State = "lost"      // it ended with status 0 and no report, or ended while nobody watched
)

var order = []State{Decided, Starting, Running, Unknown, Succeeded, Failed, Crashed, Killed, Lost}

// Final tells whether no further change is expected.
func (s State) Final() bool { return slices.Index(order, s) >= slices.Index(order, Succeeded) }

// Bad tells whether an operator should look at it.
func (s State) Bad() bool { return s.Final() && s != Succeeded }

// Report is one message that a launch sent.
type Report struct {
	Time  time.Time `json:"time"`
	Type  string    `json:"type"`
	Guess bool      `json:"guess,omitempty"` // attributed by elimination, not by launch id

	Message int64 `json:"message,omitempty"` // its number; 0 in records of former versions
}

// Launch is the record of one start of one worker. Times are UTC.
type Launch struct {
	ID         int64      `json:"id"` // counts up from 1 in one state directory
	NextWorker            // module, args, host
	Argv       []string   `json:"argv,omitempty"`
	State      State      `json:"state"`
	Cause      string     `json:"cause"`             // what asked for it: "make_plots: success" or "relaunch of 17 by sue"
	Parent     int64      `json:"parent,omitempty"`  // the launch whose report or repetition caused it; 0 unknown or none
	Message    int64      `json:"message,omitempty"` // the stored message that caused it; 0 none
	Decided    time.Time  `json:"decided"`
	Started    *time.Time `json:"started,omitempty"`
	Ended      *time.Time `json:"ended,omitempty"`
	PID        int        `json:"pid,omitempty"`
	PIDStart   uint64     `json:"pid_start,omitempty"` // the process's start time in clock ticks since boot; with PID it names one process for good
	Exit       *int       `json:"exit,omitempty"`      // exit status
	Signal     string     `json:"signal,omitempty"`    // the signal that ended it, e.g. "killed"
	Note       string     `json:"note,omitempty"`      // why it stands as it does, for the operator
	Output     string     `json:"output,omitempty"`    // file with its stdout and stderr
	KilledBy   string     `json:"killed_by,omitempty"` // the operator who asked for a signal, or ByPolicy
	Reports    []Report   `json:"reports,omitempty"`

	Boot       string     `json:"boot,omitempty"`       // boot id of the machine that PID and PIDStart belong to
	Usage      *Usage     `json:"usage,omitempty"`      // what its process used
	Attempt    int        `json:"attempt,omitempty"`    // 2 and more: a retry by the worker's policy; 0: the first
	NotBefore  *time.Time `json:"not_before,omitempty"` // a retry waits until then
	Waits      string     `json:"waits,omitempty"`      // why a decided launch is not started yet, e.g. "2 of run_NEMO run (concurrency)"
	Machine    string     `json:"machine,omitempty"`    // name of the machine it was started from: only there its process can be seen
	Superseded int64      `json:"superseded,omitempty"` // the launch that has taken its place: what it still reports changes nothing but this record
	Refused    string     `json:"refused,omitempty"`    // type of the last report that it sent and the message registry does not have; it is none of Reports
	Unclaimed  *Report    `json:"unclaimed,omitempty"`  // a success while it ran, of a process that was not seen to be of any launch; see Claim
	OtherDay   bool       `json:"other_day,omitempty"`  // another manager had the day after it was decided: it is not started any more, and not tried again
	Usual      *Usual     `json:"usual,omitempty"`      // how long such launches took before this one started; nil: too few are known
}

// ByPolicy is in KilledBy of a launch that was ended because its policy says so; Note says why.
const ByPolicy = "policy"

// Usage is what a process and its children that were waited for used, as wait4(2) tells.
type Usage struct {
	User   time.Duration `json:"user"`
	System time.Duration `json:"system"`
	MaxRSS int64         `json:"max_rss"` // bytes
}

// Usual is how long launches of a worker usually take.
type Usual struct {
	Median time.Duration `json:"median"`
	P95    time.Duration `json:"p95"` // one in twenty takes longer
	N      int           `json:"n"`   // of so many launches
}

// Clone returns a copy that shares nothing that changes.
func (l *Launch) Clone() *Launch {
	c := *l
	c.Reports = slices.Clone(l.Reports)
	return &c
}

// clockSkew is how far the clocks of a worker's host and of the manager's may differ.
const clockSkew = 2 * time.Second

// LogSpan returns between which times the worker logs; to is zero while it has not ended.
func (l *Launch) LogSpan() (from, to time.Time) {
	if l.Ended != nil {
		to = l.Ended.Add(clockSkew)
	}
	return l.Decided.Add(-clockSkew), to
}

// LastReport returns the type of its last message, "" if it sent none.
func (l *Launch) LastReport() string {
	if len(l.Reports) == 0 {
		return ""
	}
	return l.Reports[len(l.Reports)-1].Type
}

// Attempts returns which attempt it is, from 1.
func (l *Launch) Attempts() int { return max(l.Attempt, 1) }

// Run is how long a launch with some arguments took.
type Run struct {
	Args []string
	Took time.Duration
}

// Duration returns how long it has run, or ran; 0 before it started.
func (l *Launch) Duration(now time.Time) time.Duration {
	switch {
	case l.Started == nil:
		return 0
	case l.Ended != nil:
		return l.Ended.Sub(*l.Started)
	}
	return now.Sub(*l.Started)
}

// ErrNoOutput is in the error of a launch that was not started because the directory for output is not there, or cannot be written to. It
// says nothing about the launch itself: all others fail as well, until somebody repairs that.
var ErrNoOutput = errors.New("the directory for the output of launches cannot be used")

// Started is what is known of a launch's process when it exists.
type Started struct {
	PID      int
	PIDStart uint64 // in clock ticks since boot
	Boot     string // boot id of this machine
	Time     time.Time
	Output   string // file with its stdout and stderr
}

// Exit says how a process ended.
type Exit struct {
	ID     int64
	Time   time.Time
	Status int    // exit status; -1 if a signal ended it or it is not known
	Signal string // "" unless a signal ended it
	Err    error  // it could not be started or, if Unseen, why its end is not known

	Usage *Usage   // nil: not known
	Left  []string // processes of its session that were still there when it ended, as "4711 python3"

	// Unknown says that it ran on another host, or may have, and that the connection is gone: Err says why. Whether it still
	// runs there is not known.
	Unknown bool

	// Unseen says that how it ended is not known: whoever waited for it was killed, or the machine was restarted.
	Unseen bool
}

// Claim has a launch that ended well and has said nothing be the one whose success nobody else has claimed. It is a guess.
func (l *Launch) Claim(e Exit) {
	if l.Unclaimed != nil && e.Status == 0 && !e.Unknown && !e.Unseen && e.Err == nil && !l.Reported() {
		l.Reports = append(l.Reports[:len(l.Reports):len(l.Reports)], *l.Unclaimed)
	}
	l.Unclaimed = nil
}

// Outcome returns the state of a launch whose process ended as e says, and a note for the operator. What the worker reported
// about itself outranks its exit status; without a report the status speaks. The state is final but for Unknown.
func (l *Launch) Outcome(e Exit) (State, string) {
	state, note := l.outcome(e)
	if n := len(e.Left); n > 0 {
		left := fmt.Sprintf("left %d processes behind: %s", n, strings.Join(e.Left[:min(n, 5)], ", "))
		if n == 1 {
			left = "left a process behind: " + e.Left[0]
		}
		if note != "" {
			note += "; "
		}
		note += left
	}
	return state, note
}

func (l *Launch) outcome(e Exit) (State, string) {
	report := l.finalReport()
	switch {
	case strings.HasPrefix(report, "success"):
		if e.Status != 0 {
			return Succeeded, "reported " + report + ", then " + e.String()
		}
		return Succeeded, ""
	case strings.HasPrefix(report, "failure"):
		return Failed, "reported " + report
	case strings.HasPrefix(report, "crash"):
		return Crashed, "reported " + report
	case l.KilledBy == ByPolicy && e.Unknown: // and so it is not launched again: what was ended is only the ssh here
		return Unknown, l.Note + "; " + e.String()
	case l.KilledBy == ByPolicy:
		return Killed, l.Note
	case l.KilledBy != "":
		return Killed, "killed by " + l.KilledBy + ", " + e.String()
	case e.Unknown:
		return Unknown, e.String()
	case e.Unseen:
		return Lost, e.String()
	case e.Err != nil:
		return Crashed, e.Err.Error()
	case e.Signal != "":
		return Killed, e.String() + " before it reported" + e.outOfMemory()
	case e.Status != 0:
		return Crashed, e.String() + l.unheard(" and no report")
	}
	return Lost, "exited with status 0" + l.unheard(" without a report")
}

// unheard says why nothing is known of how the work went: none, if the launch has said nothing.
func (l *Launch) unheard(none string) string {
	if l.Refused == "" {
		return none
	}
	return fmt.Sprintf("; its report %q was refused: that type is not in the message registry as the manager read it; add it, send SIGHUP to nowcastd up and relaunch", l.Refused)
}

// outOfMemory is the guess that explains a SIGKILL which no operator and no policy sent, with what speaks for or against it.
func (e Exit) outOfMemory() string {
	if e.Signal != "killed" || e.Usage == nil {
		return ""
	}
	return fmt.Sprintf("; nobody here sent it: out of memory? It used up to %d MB", e.Usage.MaxRSS/1e6)
}

// Reported tells whether the worker said how its work went.
func (l *Launch) Reported() bool { return l.finalReport() != "" }

// finalReport returns the last report that says how the work went.
func (l *Launch) finalReport() string {
	for _, r := range slices.Backward(l.Reports) {
		for _, p := range []string{"success", "failure", "crash"} {
			if strings.HasPrefix(r.Type, p) {
				return r.Type
			}
		}
	}
	return ""
}

// String says how the process ended, in words.
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != "":
		return "ended by signal " + e.Signal
	case e.Unseen:
		return "ended while nobody watched"
	}
	return fmt.Sprintf("exited with status %d", e.Status)
}
