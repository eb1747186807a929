// Package manager is the loop that owns the state of the day: checklist, barriers and launches.
//
// One goroutine takes what has arrived as one batch, decodes it in parallel and applies it in order. Another makes what that
// changed durable, in one transaction, while the next batch is applied; only then does the loop acknowledge and launch
// (commit.go). Without a commit there is no acknowledgement: what a worker was told is on the disk. Operators' commands and the ends of processes are events of the same loop, so nobody
// else changes state and there is no lock. What a message means is decided by package engine; what happens to be
// ZeroMQ, SQLite, Starlark or a process is behind the interfaces below.
package manager

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// Requests is the connection to the broker. Each request has an envelope, an empty frame and one frame of message.
type Requests interface {
	Receive() <-chan []wire.Frames // batches in order of arrival; closed when the connection is
	Send(...wire.Frames) error
}

// Store makes effects durable. One goroutine at a time uses it.
type Store interface {
	Load(context.Context) (*engine.State, error)
	Commit(context.Context, *engine.Effects) error // all of it or, with an error, nothing
	Message(ctx context.Context, id int64) (engine.Message, bool, error)
	Operation(ctx context.Context, id string) (engine.Operation, bool, error)
}

// Rules say what comes after a worker. An error of After that is not NoFunction concerns that message only.
type Rules interface {
	After(ctx context.Context, m message.Message, checklist *pyyaml.Map) (launch.Next, error)
	Changed(checklist.Change)            // a change of the checklist that After is given; returns at once
	Refresh() (reloaded bool, err error) // cheap; an error leaves the good rules in use
	Configure(*config.Config)            // the configuration for the calls that follow
	Module() string
}

// Launcher makes processes. Start returns when the process exists. It is safe for concurrent use.
type Launcher interface {
	Argv(*config.Config, launch.NextWorker) ([]string, error)
	Start(l *launch.Launch) (launch.Started, error)
	Adopt(l *launch.Launch) // watch a process that an earlier manager started
	Kill(l *launch.Launch, signal string) (note string, err error)
	Exits() <-chan launch.Exit
}

// Feed tells the world. Publish never blocks.
type Feed interface {
	Publish(topic string, body any)
	Position() (epoch string, seq map[string]uint64)
}

// Options are what a manager needs. All are required but those of which it is said what nil means.
type Options struct {
	Config          *config.Config
	IgnoreChecklist bool // start with an empty checklist
	Requests        Requests
	Store           Store
	Rules           Rules
	NoFunction      error // what Rules.After returns (wrapped) when there is no after_ function
	Launcher        Launcher
	Feed            Feed
	Log             *slog.Logger
	ChecklistLog    *slog.Logger // gets the checklist before it is cleared; nil: nobody wants it
	Now             func() time.Time

	// Notify is told of each report that continues the day, once that is durable (specs: compat section 6). It never blocks.
	// nil: nobody wants to know.
	Notify func(worker, typ string)
}

// Manager is the loop and its state. After Run has begun, only Run's goroutine touches it; Do is the way in.
type Manager struct {
	Options

	checklist *checklist.Checklist
	file      checklistFile
	seq       int64 // the message that changed it last
	sinceBase int   // bytes of changes since the last base
	baseSize  int   // bytes of the last base

	barriers    []engine.Barrier // open, oldest first
	lastBarrier int64
	launches    map[int64]*launch.Launch    // all unfinished, and the newest finished
	active      map[string][]*launch.Launch // the unfinished among them, by worker, oldest first
	finished    []int64                     // ids of the finished among them, oldest first
	lastLaunch  int64
	lastMessage int64
	alerts      []engine.Alert // newest last
	lastAlert   int64

	pending   *turn        // applied, not yet with the committer; nil if there is nothing
	gathering gathering    // why it may stay pending for a moment although the committer is free
	inCommit  bool         // the committer has a turn
	toCommit  chan *turn   // to the committer, which has one turn at a time
	failing   chan error   // from the committer: why a commit fails
	trouble   error        // the last of these, until a commit succeeds
	troubled  engine.Alert // that says so
	lost      bool         // a turn was given up: what is in memory is not what is stored
	committed chan *turn   // and back

	replies  map[string][]byte // encoded replies without payload, by type
	waiting  []*launch.Launch  // decided and durable, for the starter, in order
	starting int               // with the starter
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
		active:    map[string][]*launch.Launch{},
		replies:   map[string][]byte{},
		toCommit:  make(chan *turn),
		committed: make(chan *turn),
		failing:   make(chan error),
		toStart:   make(chan *launch.Launch),
		started:   make(chan startResult, 64),
		commands:  make(chan command),
		reloads:   make(chan change),
	}
	m.file.path = o.Config.ChecklistFile
	if err := m.restore(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// Run works until ctx ends or the connection to the broker is closed, finishes what is in hand, and returns.
func (m *Manager) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	helpers.Go(m.starter)
	helpers.Go(func() { m.committer(ctx) })
	m.resume()
	m.Log.Debug("listening...")
	err := m.loop(ctx)
	// In this order: what was received is durable and answered, what was decided is started, that is recorded, the file
	// is current.
	m.lastRequests(ctx)
	m.finish()
	m.startWaiting()
	m.finish()
	close(m.toStart)
	close(m.toCommit)
	helpers.Wait()
	if !m.lost {
		m.file.flush(m, m.checklist, m.seq)
	}
	return err
}

// How long requests are still taken when the manager is to stop: until so long none has come, and no longer than lastCall. The
// broker has handed them over, and a worker whose request is dropped would wait for ever.
const (
	quiet    = 100 * time.Millisecond
	lastCall = 2 * time.Second
)

func (m *Manager) lastRequests(ctx context.Context) {
	end := time.After(lastCall)
	for {
		select {
		case batch, ok := <-m.Requests.Receive():
			if !ok {
				return
			}
			m.handle(context.WithoutCancel(ctx), batch)
		case t := <-m.committed:
			m.complete(t)
		case <-time.After(quiet):
			return
		case <-end:
			return
		}
	}
}

// startWaiting hands over all that is to be started and takes the results.
func (m *Manager) startWaiting() {
	t := m.turn()
	for results := len(m.waiting) + m.starting; results > 0; {
		var toStart chan<- *launch.Launch
		var first *launch.Launch
		if len(m.waiting) > 0 {
			toStart, first = m.toStart, m.waiting[0]
		}
		select {
		case toStart <- first:
			m.waiting = m.waiting[1:]
		case r := <-m.started:
			m.recordStart(t, r)
			results--
		}
	}
	m.submit(t)
}

func (m *Manager) loop(ctx context.Context) error {
	for {
		requests := m.Requests.Receive()
		if m.pending.size() > maxPending {
			requests = nil // the disk does not keep up: let them wait where they are
		}
		var toStart chan<- *launch.Launch
		var first *launch.Launch
		if len(m.waiting) > 0 {
			toStart, first = m.toStart, m.waiting[0]
		}
		select {
		case <-ctx.Done():
			return nil
		case toStart <- first:
			m.waiting = m.waiting[1:]
			m.starting++
		case batch, ok := <-requests:
			if !ok {
				return fmt.Errorf("connection to the message broker is closed")
			}
			m.handle(ctx, batch)
		case <-m.gathering.over:
			m.commitNow()
			m.gathering = gathering{}
		case t := <-m.committed:
			m.complete(t)
		case r := <-m.started:
			t := m.turn()
			m.recordStart(t, r)
			m.submit(t)
		case e := <-m.Launcher.Exits():
			t := m.turn()
			m.recordExit(t, e)
			m.submit(t)
		case c := <-m.commands:
			m.drain() // what an operator sees and changes is durable
			m.execute(ctx, c)
		case err := <-m.failing:
			m.storeTrouble(err)
		case c := <-m.reloads:
			m.reload(c)
		case <-m.file.due():
			m.file.write(m.checklist, m.seq)
		case w := <-m.file.written:
			m.file.done(m, w)
		}
	}
}

// How much the manager remembers of what is over.
const (
	keepFinished = 2000
	keepAlerts   = 200
)

func (m *Manager) forget() {
	for len(m.finished) > keepFinished {
		delete(m.launches, m.finished[0])
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
