// Package manager is the loop that owns the state of the day: checklist, barriers and launches.
//
// One goroutine takes what has arrived as one batch, decodes it in parallel and applies it in order. Another makes what that
// changed durable, in one transaction, while the next batch is applied; only then does the loop acknowledge and launch
// (commit.go). Operators' commands and the ends of processes are events of the same loop, so nobody else changes state and there
// is no lock. What a message means is decided by package engine; what happens to be ZeroMQ, SQLite, Starlark or a process is
// behind the interfaces of edges.go.
//
// Guarantees, whoever is killed and whenever:
//   - Without a commit there is no acknowledgement: what a worker was told is on the disk.
//   - A request that comes again is answered again and done once (handled.go, again.go).
//   - A launch is recorded as starting before it is started, and after a restart the launcher knows whether it was; where that
//     cannot be known it is in doubt, and never repeated (queue.go, resume.go).
//   - A late report of a launch that was replaced is recorded and changes nothing else (origin.go).
//   - A manager whose state is another's sends nothing and launches nothing (committer.go, run.go).
package manager

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// Options are what a manager needs. All are required but those of which it is said what nil means.
type Options struct {
	Config          *config.Config
	IgnoreChecklist bool   // start with an empty checklist
	StoodBy         string // the manager for which this one has waited before it had the state, "HOST pid N"; "": none
	Requests        Requests
	Store           Store
	Rules           Rules
	NoFunction      error // what Rules.After returns (wrapped) when there is no after_ function
	Launcher        Launcher
	Feed            Feed
	Log             *slog.Logger
	Machine         string // name of this machine, for the records of what is launched from it
	Deadly          string // file that notes the request whose rule is being called; "": it is not noted
	Salvaged        string // that the database was damaged, what was dropped, and where it is; "": nothing was
	Incomplete      bool   // and the state is not all that the last commit left
	LastLaunch      int64  // the highest number of a launch of which there are files, whatever the database remembers

	// Fatal tells whether an error of the store means that this manager must end: another one has taken over, or the database is
	// damaged. nil: no error does.
	Fatal        func(error) bool
	ChecklistLog *slog.Logger // gets the checklist before it is cleared; nil: nobody wants it
	Now          func() time.Time

	// Durations returns how long the newest successful launches of a worker took, oldest first. nil: what is usual is learned anew.
	Durations func(ctx context.Context, worker string, limit int) ([]launch.Run, error)

	// Notify is told of each report that continues the day, once that is durable (specs: compat section 6). It never blocks.
	// nil: nobody wants to know.
	Notify func(worker, typ string)
}

// Manager is the loop and its state. After Run has begun, only Run's goroutine touches it; Do is the way in.
type Manager struct {
	Options

	checklist *checklist.Checklist
	file      checklistFile
	seq       int64     // the message that changed it last
	otherDay  time.Time // when another manager wrote the checklist last (anotherday.go); zero: none has
	sinceBase int       // bytes of changes since the last base
	baseSize  int       // bytes of the last base

	handled     *handled
	deadly      deadly
	barriers    []engine.Barrier // open, oldest first
	lastBarrier int64
	launches    map[int64]*launch.Launch    // all unfinished, and the newest finished
	active      map[string][]*launch.Launch // the unfinished among them, by worker, oldest first
	finished    []int64                     // ids of the finished among them, oldest first
	gone        map[string][]int64          // ids of those in whose place another was launched, by worker, oldest first
	over        map[string][]int64          // ids of the newest that have ended, in the same way
	lastLaunch  int64
	lastMessage int64
	peers       map[string]seen // who is behind the connections of this batch, see origin.go
	unknown     string          // what the database has forgotten of what there are files; "": nothing
	alerts      []engine.Alert  // newest last
	lastAlert   int64
	policies    policies

	pending   *turn            // applied, not yet with the committer; nil if there is nothing
	gathering gathering        // why it may stay pending for a moment although the committer is free
	inCommit  bool             // the committer has a turn
	toCommit  chan *turn       // to the committer, which has one turn at a time
	failing   chan error       // from the committer: why a commit fails
	trouble   error            // the last of these, until a commit succeeds
	troubled  engine.Alert     // that says so
	slow      <-chan time.Time // fires when the turn that the committer has takes long
	lost      error            // why a turn was given up: what is in memory is not what is stored
	committed chan *turn       // and back

	reading sync.Mutex                     // held by whoever uses the store for something other than a commit
	history atomic.Pointer[config.History] // how much of it is kept, for the committer
	pruning pruning                        // the committer's

	replies  map[string][]byte     // encoded replies without payload, by type
	decided  []*launch.Launch      // durable, and not recorded as starting yet, in order
	mustWait int                   // so many of them must wait, and nothing has changed since that was seen
	looked   int                   // at so many it was looked so far
	marking  int                   // being recorded as starting
	waiting  []*launch.Launch      // recorded as starting, for the starter, in order
	handed   map[int64]time.Time   // with the starter, and since when
	early    map[int64]launch.Exit // ends that came before their starts
	stopping bool                  // nothing more is taken in hand
	tickets  bool                  // the broker gives them, and so gives again what is not answered
	toStart  chan *launch.Launch
	started  chan startResult
	commands chan command
	reloads  chan change
}

// New reads the state that an earlier manager left, and the checklist file.
func New(ctx context.Context, o Options) (*Manager, error) {
	m := &Manager{
		Options:   o,
		launches:  map[int64]*launch.Launch{},
		gone:      map[string][]int64{},
		over:      map[string][]int64{},
		active:    map[string][]*launch.Launch{},
		early:     map[int64]launch.Exit{},
		handed:    map[int64]time.Time{},
		replies:   map[string][]byte{},
		toCommit:  make(chan *turn, 1), // the loop does not wait for the committer to have a step of pruning done
		committed: make(chan *turn),
		failing:   make(chan error),
		toStart:   make(chan *launch.Launch),
		started:   make(chan startResult, 64),
		commands:  make(chan command),
		reloads:   make(chan change),
		policies:  newPolicies(o.Now()),
	}
	m.file = checklistFile{path: o.Config.ChecklistFile, log: o.Log}
	m.deadly = openDeadly(o.Deadly)
	m.history.Store(&o.Config.History)
	if err := m.restore(ctx); err != nil {
		return nil, err
	}
	m.learn(ctx)
	return m, nil
}

func (m *Manager) forget() {
	for len(m.finished) > engine.KeepLaunches {
		id := m.finished[0]
		if !slices.Contains(m.gone[m.launches[id].Name()], id) { // what it reports late must be known for such
			delete(m.launches, id)
		}
		m.finished = m.finished[1:]
	}
	m.forgetAlerts()
}

func (m *Manager) lines(lines []engine.Line) {
	for _, l := range lines {
		m.Log.Log(context.Background(), l.Level, l.Text)
	}
}

// cause names an operator's request in records.
func cause(command, author string, of int64) string {
	s := command
	if of != 0 {
		s += " of " + strconv.FormatInt(of, 10)
	}
	return s + " by " + author
}
