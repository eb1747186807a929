package manager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// journal records, in order, what the manager did to the world.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

// memory is a store that keeps everything and can be told to fail.
type memory struct {
	journal    *journal
	mu         sync.Mutex
	fail       int   // so many commits fail
	poison     int64 // commits with this message fail
	messages   map[int64]engine.Message
	base       engine.Base
	launches   map[int64]*launch.Launch
	barriers   map[int64]engine.Barrier
	barrier    int64 // the last
	lastLaunch int64 // given away without a launch
	operations map[string]engine.Operation
	alerts     map[int64]engine.Alert
	late       int   // so many commits happen and yet report an error
	fatal      error // what commits return from now on
	held       func() bool
	lost       chan struct{}
}

func newMemory(j *journal) *memory {
	return &memory{journal: j, messages: map[int64]engine.Message{}, launches: map[int64]*launch.Launch{},
		barriers: map[int64]engine.Barrier{}, operations: map[string]engine.Operation{}, alerts: map[int64]engine.Alert{}}
}

func (s *memory) Load(context.Context) (*engine.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &engine.State{Base: s.base, LastLaunch: s.lastLaunch}
	for id := range s.messages {
		if m := s.messages[id]; id > s.base.Message && m.Op != "" {
			st.Changes = append(st.Changes, m)
		}
	}
	slices.SortFunc(st.Changes, func(a, b engine.Message) int { return int(a.ID - b.ID) })
	for id, l := range s.launches {
		st.Launches = append(st.Launches, l.Clone())
		st.LastLaunch = max(st.LastLaunch, id)
	}
	slices.SortFunc(st.Launches, func(a, b *launch.Launch) int { return int(a.ID - b.ID) })
	for _, b := range s.barriers {
		st.Barriers = append(st.Barriers, b)
	}
	st.LastBarrier = s.barrier
	for _, id := range slices.Sorted(maps.Keys(s.messages)) {
		st.LastMessage = max(st.LastMessage, id)
		if m := s.messages[id]; m.Request != "" || m.Sender != "" {
			st.Recent = append(st.Recent, engine.Handled{Message: id, Request: m.Request, Sender: m.Sender, Type: m.Type, Body: engine.Sum(m.Body), Reply: m.Reply, Launch: m.Launch})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.alerts)) {
		st.LastAlert = id
		st.Alerts = append(st.Alerts, s.alerts[id])
	}
	slices.SortFunc(st.Barriers, func(a, b engine.Barrier) int { return int(a.ID - b.ID) })
	return st, nil
}

func (s *memory) Commit(_ context.Context, e *engine.Effects) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 || s.poison != 0 && slices.ContainsFunc(e.Messages, func(m engine.Message) bool { return m.ID == s.poison }) {
		s.fail--
		s.journal.add("commit fails")
		return errors.New("disk full")
	}
	if s.fatal != nil {
		s.journal.add("commit is refused")
		return s.fatal
	}
	s.journal.add("commit %d messages %d launches", len(e.Messages), len(e.Launches))
	for _, m := range e.Messages {
		s.messages[m.ID] = m
	}
	if e.Base != nil {
		s.base = *e.Base
	}
	for _, l := range e.Launches {
		s.launches[l.ID] = l.Clone()
	}
	s.lastLaunch = max(s.lastLaunch, e.LastLaunch)
	for _, b := range e.Barriers {
		s.barriers[b.ID] = b
		s.barrier = max(s.barrier, b.ID)
	}
	for _, id := range e.Released {
		delete(s.barriers, id)
	}
	for _, o := range e.Operations {
		s.operations[o.ID] = o
	}
	for _, a := range e.Alerts {
		s.alerts[a.ID] = a
	}
	if s.late > 0 {
		s.late--
		return errors.New("the connection broke, and nobody knows what became of the commit")
	}
	return nil
}

func (s *memory) Held() bool { return s.held == nil || s.held() }

func (s *memory) Lost() <-chan struct{} { return s.lost }

func (s *memory) Prune(context.Context, time.Time, int64, int) (bool, error) { return false, nil }

func (s *memory) Message(_ context.Context, id int64) (engine.Message, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.messages[id]
	return m, ok, nil
}

func (s *memory) Operation(_ context.Context, id string) (engine.Operation, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.operations[id]
	return o, ok, nil
}

func (s *memory) launch(id int64) launch.Launch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.launches[id]; l != nil {
		return *l.Clone()
	}
	return launch.Launch{}
}

// line is the connection to the broker: the test is the broker.
type line struct {
	journal *journal
	in      chan []wire.Frames
	out     chan message.Message
}

func (l *line) Receive() <-chan []wire.Frames { return l.in }

func (l *line) Send(all ...wire.Frames) error {
	for _, f := range all {
		if n := len(f); n > 1 && n < 4 && len(f[n-1]) == 0 { // the broker has its ticket back, and nobody an answer
			l.journal.add("let go of request %d", f[n-2][len(ticket(0, 0, ""))-1])
			continue
		}
		m, err := message.Decode(f[len(f)-1], message.DefaultLimit)
		if err != nil {
			return err
		}
		to := f[0]
		if _, head := ticketOf(f); head > 0 && len(f) > head+1 {
			to = f[head]
		}
		l.journal.add("reply %s to %s", m.Type, to)
		l.out <- m
	}
	return nil
}

// processes is a launcher without processes.
type processes struct {
	left    func(*launch.Launch) []string // nil: nothing
	kill    func()                        // called with each signal; nil: nothing
	journal *journal
	exits   chan launch.Exit
	refuse  error
	gate    chan struct{} // if not nil, each Start waits for a value
	atGate  atomic.Int32  // how many Starts have come there

	recovered map[int64]launch.Started // launches found in state starting that were started
	doubt     error                    // why it cannot be told of the others
	behind    map[string]int64         // launches by their connection; 0: of a process that is no launch
}

func (p *processes) Argv(_ *config.Config, n launch.NextWorker) ([]string, error) {
	if n.Host == "nowhere" {
		return nil, errors.New("host nowhere is not in run: enabled hosts")
	}
	return append([]string{n.Module}, n.Args...), nil
}

func (p *processes) Start(l *launch.Launch) (launch.Started, error) {
	if p.gate != nil {
		p.atGate.Add(1)
		<-p.gate
	}
	p.journal.add("start %s", strings.Join(l.Argv, " "))
	if p.refuse != nil {
		return launch.Started{}, p.refuse
	}
	return launch.Started{PID: 1000 + int(l.ID), PIDStart: 7, Time: time.Now()}, nil
}

func (p *processes) Boot() string { return "boot" }

func (p *processes) OutputFile(l *launch.Launch) string { return fmt.Sprintf("/output/%d.log", l.ID) }

func (p *processes) Recover(l *launch.Launch) (launch.Started, bool, error) {
	s, ok := p.recovered[l.ID]
	if !ok {
		return launch.Started{}, false, p.doubt
	}
	return s, true, nil
}

func (p *processes) Behind(peer string, _ int, candidates []*launch.Launch) (int64, bool) {
	id, seen := p.behind[peer]
	if !slices.ContainsFunc(candidates, func(l *launch.Launch) bool { return l.ID == id }) {
		id = 0
	}
	return id, seen
}

func (p *processes) Adopt(l *launch.Launch) { p.journal.add("adopt %s", l.Module) }

func (p *processes) Kill(l *launch.Launch, signal string) (string, error) {
	p.journal.add("kill %d %s", l.PID, signal)
	if p.kill != nil {
		p.kill()
	}
	return "signal sent", nil
}

func (p *processes) Left(l *launch.Launch) []string {
	if p.left == nil {
		return nil
	}
	return p.left(l)
}

func (p *processes) Exits() <-chan launch.Exit { return p.exits }

// rulebook is a rule for each worker.
type rulebook struct {
	mu      sync.Mutex
	after   map[string]func(m message.Message, cl *pyyaml.Map) (launch.Next, error)
	refresh error
}

var errNoFunction = errors.New("no function")

func (r *rulebook) After(_ context.Context, m message.Message, cl *pyyaml.Map) (launch.Next, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.after[m.Source]
	if !ok {
		return launch.Next{}, fmt.Errorf("%w for %s", errNoFunction, m.Source)
	}
	return f(m, cl)
}

func (r *rulebook) Refresh() (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return false, r.refresh
}

func (r *rulebook) Changed(checklist.Change) {}
func (r *rulebook) Configure(*config.Config) {}
func (r *rulebook) Module() string           { return "next_workers" }
func (r *rulebook) Functions() []string      { return []string{"sleep"} }

// world is a manager with everything around it.
type world struct {
	t *testing.T
	*journal
	store     *memory
	line      *line
	processes *processes
	rules     *rulebook
	feed      *events
	logs      *lines
	config    *config.Config
	*Manager
	options func(*Options) // nil: changes nothing
	stop    func() error
	cancel  func()     // begins a stop without waiting for its end
	done    chan error // what Run returned
	slow    bool       // writing the checklist file took too long at the start to be waited for
}

type events struct {
	mu   sync.Mutex
	seq  map[string]uint64
	seen []string
}

func (e *events) Publish(topic string, body any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq[topic]++
	e.seen = append(e.seen, topic)
}

func (e *events) Position() (string, map[string]uint64) { return "epoch", nil }

// lines collects log lines as "LEVEL text".
type lines struct {
	slog.Handler
	mu   sync.Mutex
	text []string
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, r.Level.String()+" "+r.Message)
	return nil
}

func (l *lines) has(want string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.text, func(s string) bool { return strings.Contains(s, want) })
}

func newWorld(t *testing.T) *world {
	j := &journal{}
	dir := t.TempDir()
	w := &world{t: t, journal: j, store: newMemory(j), line: &line{j, make(chan []wire.Frames), make(chan message.Message, 1000)},
		rules: &rulebook{after: map[string]func(message.Message, *pyyaml.Map) (launch.Next, error){}},
		feed:  &events{seq: map[string]uint64{}}, logs: &lines{Handler: slog.DiscardHandler},
		config: &config.Config{File: "test.yaml", ChecklistFile: filepath.Join(dir, "checklist.yaml"), MessageLimit: message.DefaultLimit,
			Registry: config.Registry{Workers: map[string]config.Worker{}}}}
	for _, name := range []string{"sleep", "awaken", "a", "b"} {
		w.config.Registry.Workers[name] = config.Worker{Name: name, ChecklistKey: name + " key",
			Types: map[string]string{"success": "did well", "failure": "did not", "crash": "crashed", "need": "needs", "clear checklist": "clear"}}
	}
	w.rule("sleep", launch.Next{Workers: []launch.NextWorker{{Module: "w.awaken", Args: []string{"early"}, Host: launch.Localhost}}})
	w.rule("awaken", launch.Next{})
	return w
}

func (w *world) rule(worker string, next launch.Next) {
	w.rules.mu.Lock()
	defer w.rules.mu.Unlock()
	w.rules.after[worker] = func(message.Message, *pyyaml.Map) (launch.Next, error) { return next, nil }
}

// start runs a manager on what is there.
func (w *world) start(ignoreChecklist bool) {
	w.t.Helper()
	if w.processes == nil {
		w.processes = &processes{journal: w.journal}
	}
	w.processes.exits = make(chan launch.Exit, 100)
	o := Options{Config: w.config, IgnoreChecklist: ignoreChecklist, Requests: w.line, Store: w.store, Rules: w.rules,
		NoFunction: errNoFunction, Launcher: w.processes, Feed: w.feed, Log: slog.New(w.logs), ChecklistLog: slog.New(w.logs), Now: time.Now, Machine: "here"}
	if w.options != nil {
		w.options(&o)
	}
	m, err := New(context.Background(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Manager, w.slow = m, m.file.behind
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	w.done, w.cancel = done, cancel
	go func() { done <- m.Run(ctx) }()
	stopped := false
	w.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return must(w, "the end of Run", done)
	}
	w.t.Cleanup(func() { w.stop() })
}

// ask sends one request and returns its reply.
func (w *world) ask(m message.Message) message.Message {
	w.t.Helper()
	return w.askRaw([]byte("client"), nil, m.Encode())
}

func (w *world) askRaw(frames ...[]byte) message.Message {
	w.t.Helper()
	w.hand(frames)
	return w.reply()
}

// patience is longer than anything takes, also on a busy machine.
const patience = 60 * time.Second

// hand hands requests to the manager as one batch.
func (w *world) hand(requests ...wire.Frames) {
	w.t.Helper()
	select {
	case w.line.in <- requests:
	case <-time.After(patience):
		w.t.Fatalf("the manager does not read; so far: %q", w.all())
	}
}

// reply waits for the next reply.
func (w *world) reply() message.Message {
	w.t.Helper()
	return must(w, "a reply", w.line.out)
}

// must waits for what must come.
func must[T any](w *world, what string, from <-chan T) T {
	w.t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		stacks := make([]byte, 1<<20)
		w.t.Fatalf("%s did not come; so far: %q\n%s", what, w.all(), stacks[:runtime.Stack(stacks, true)])
		panic("not reached")
	}
}

func (w *world) eventually(what string, cond func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s did not happen; journal %q", what, w.all())
		}
		time.Sleep(time.Millisecond)
	}
}

func (w *world) launchIs(id int64, s launch.State) func() bool {
	return func() bool { return w.store.launch(id).State == s }
}

// fileBecomes waits for the checklist file, which is behind the acknowledgement where writing takes long.
func (w *world) fileBecomes(want *pyyaml.Map) {
	w.t.Helper()
	w.eventually("the checklist file "+pyyaml.Repr(want), func() bool { return pyyaml.Equal(w.checklistFile(), want) })
}

func (w *world) checklistFile() pyyaml.Value {
	w.t.Helper()
	text, err := os.ReadFile(w.config.ChecklistFile)
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := pyyaml.Decode(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) do(command string, args string) control.Reply {
	w.t.Helper()
	return w.Do(context.Background(), control.Request{ID: fmt.Sprint(command, args, time.Now().UnixNano()), Command: command, Author: "sue@host", Args: []byte(args)})
}
