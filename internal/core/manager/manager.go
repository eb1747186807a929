// Package manager is the loop that owns the state of the day: checklist, barriers and launches.
//
// One goroutine takes what has arrived as one batch, decodes it in parallel, applies it in order, makes the batch
// durable in one transaction, and only then acknowledges and launches. Without a commit there is no acknowledgement: what a
// worker was told is on the disk. Operators' commands and the ends of processes are events of the same loop, so nobody
// else changes state and there is no lock. What a message means is decided by package engine; what happens to be
// ZeroMQ, SQLite, Starlark or a process is behind the interfaces below.
package manager

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
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
	Refresh() (reloaded bool, err error) // cheap; an error leaves the good rules in use
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

// Options are what a manager needs. All are required.
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
}

// Manager is the loop and its state. After Run has begun, only Run's goroutine touches it; Do is the way in.
type Manager struct {
	Options

	checklist *checklist.Checklist
	file      checklistFile
	seq       int64 // last checklist change
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

	replies  map[string][]byte // encoded replies without payload, by type
	waiting  []*launch.Launch  // decided and durable, for the starter, in order
	toStart  chan *launch.Launch
	started  chan startResult
	commands chan command
	reloads  chan *config.Config
}

// New reads the state that an earlier manager left, and the checklist file.
func New(ctx context.Context, o Options) (*Manager, error) {
	m := &Manager{
		Options:  o,
		launches: map[int64]*launch.Launch{},
		active:   map[string][]*launch.Launch{},
		replies:  map[string][]byte{},
		toStart:  make(chan *launch.Launch),
		started:  make(chan startResult, 64),
		commands: make(chan command),
		reloads:  make(chan *config.Config),
	}
	m.file.path = o.Config.ChecklistFile
	if err := m.restore(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// Run works until ctx ends or the connection to the broker is closed, finishes what is in hand, and returns.
func (m *Manager) Run(ctx context.Context) error {
	starterDone := make(chan struct{})
	go func() {
		defer close(starterDone)
		m.starter()
	}()
	m.resume(ctx)
	m.Log.Debug("listening...")
	err := m.loop(ctx)
	// In this order: what is decided is started, that is recorded, and the file is current.
	last := m.turn()
	for len(m.waiting) > 0 {
		select {
		case m.toStart <- m.waiting[0]:
			m.waiting = m.waiting[1:]
		case r := <-m.started:
			m.recordStart(last, r)
		}
	}
	close(m.toStart)
	go func() {
		<-starterDone
		close(m.started)
	}()
	for r := range m.started {
		m.recordStart(last, r)
	}
	m.finish(context.WithoutCancel(ctx), last)
	m.file.flush(m.checklist, m.seq)
	return err
}

func (m *Manager) loop(ctx context.Context) error {
	requests := m.Requests.Receive()
	for {
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
		case batch, ok := <-requests:
			if !ok {
				return fmt.Errorf("connection to the message broker is closed")
			}
			m.handle(ctx, batch)
		case r := <-m.started:
			t := m.turn()
			m.recordStart(t, r)
			for range len(m.started) {
				m.recordStart(t, <-m.started)
			}
			m.finish(ctx, t)
		case e := <-m.Launcher.Exits():
			t := m.turn()
			m.recordExit(t, e)
			for range len(m.Launcher.Exits()) {
				m.recordExit(t, <-m.Launcher.Exits())
			}
			m.finish(ctx, t)
		case c := <-m.commands:
			m.execute(ctx, c)
		case c := <-m.reloads:
			m.Config = c
		case <-m.file.due():
			m.file.write(m.checklist, m.seq)
		case w := <-m.file.written:
			m.file.done(m, w)
		}
	}
}

// Reload makes the manager use another configuration for the messages that follow.
func (m *Manager) Reload(ctx context.Context, c *config.Config) {
	select {
	case m.reloads <- c:
	case <-ctx.Done():
	}
}

// turn is one turn of the loop: what it changes and what must happen after that is durable.
type turn struct {
	effects  engine.Effects
	changed  map[int64]*launch.Launch
	start    []*launch.Launch
	replies  []wire.Frames
	barriers bool
}

func (m *Manager) turn() *turn { return &turn{changed: map[int64]*launch.Launch{}} }

// finish makes a turn durable, then tells everybody, then acknowledges, then launches. It returns false if ctx ended before
// it could be made durable; nothing is acknowledged then.
func (m *Manager) finish(ctx context.Context, t *turn) bool {
	for _, id := range sortedIDs(t.changed) {
		t.effects.Launches = append(t.effects.Launches, t.changed[id])
	}
	m.addBase(t)
	if !m.commit(ctx, &t.effects) {
		return false
	}
	if len(t.effects.Changes) > 0 {
		m.file.changed(m, m.checklist, m.seq)
	}
	m.publish(t)
	if len(t.replies) > 0 {
		if err := m.Requests.Send(t.replies...); err != nil {
			m.Log.Error("replies could not be sent to the message broker", "err", err)
		}
	}
	m.waiting = append(m.waiting, t.start...)
	m.forget()
	return true
}

// commit tries until it succeeds or ctx ends: no answer is better than one that is not true.
func (m *Manager) commit(ctx context.Context, e *engine.Effects) bool {
	if e.Empty() {
		return true
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := m.Store.Commit(ctx, e)
		if err == nil {
			return true
		}
		m.Log.Log(ctx, engine.LevelCritical, "state could not be made durable; nothing is acknowledged until it can be", "err", err, "again_in", wait)
		m.Feed.Publish(feed.StreamAlert, engine.Alert{Time: m.Now().UTC(), Kind: "state store", Message: err.Error()})
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// addBase adds the whole checklist to the effects when the changes since the last base outweigh it, so that a start
// reads little and the cost is shared by the changes.
func (m *Manager) addBase(t *turn) {
	for _, c := range t.effects.Changes {
		m.sinceBase += len(c.YAML) + 64
	}
	if m.sinceBase > max(1<<20, m.baseSize) {
		m.base(t)
	}
}

func (m *Manager) base(t *turn) {
	text := m.checklist.AppendText(nil)
	t.effects.Base = &engine.Base{Seq: m.seq, YAML: text}
	m.sinceBase, m.baseSize = 0, len(text)
}

func (m *Manager) publish(t *turn) {
	if n := len(t.effects.Changes); n > 0 {
		changes := make([]feed.ChecklistChange, n)
		for i, c := range t.effects.Changes {
			changes[i] = feed.ChecklistChange{Seq: c.Seq, Time: c.Time, Author: c.Author, Op: string(c.Op), YAML: string(c.YAML)}
		}
		m.Feed.Publish(feed.StreamChecklist, changes)
	}
	if len(t.effects.Launches) > 0 {
		m.Feed.Publish(feed.StreamLaunch, t.effects.Launches)
	}
	if t.barriers {
		m.Feed.Publish(feed.StreamBarrier, append([]engine.Barrier{}, m.barriers...))
	}
	for _, a := range t.effects.Alerts {
		m.Feed.Publish(feed.StreamAlert, a)
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
	if n := len(m.alerts); n > 2*keepAlerts {
		m.alerts = slices.Clone(m.alerts[n-keepAlerts:])
	}
}

func (m *Manager) alert(t *turn, a engine.Alert) {
	m.lastAlert++
	a.ID, a.Time = m.lastAlert, m.Now().UTC()
	m.alerts = append(m.alerts, a)
	t.effects.Alerts = append(t.effects.Alerts, a)
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
