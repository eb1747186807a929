package feed

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
)

// model is a manager as far as the feed can tell: it changes its state, publishes each change and gives snapshots. It also
// remembers every state it ever had.
type model struct {
	random   *rand.Rand
	clock    time.Time
	starts   int
	epoch    string
	seq      map[string]uint64
	launches []launch.Launch
	list     *checklist.Checklist
	barriers []engine.Barrier
	alerts   []engine.Alert
	nextID   int64
	had      map[string]bool    // states as state() writes them
	way      map[string][]Event // published and not delivered yet, by epoch
	order    []string           // the keys of way
}

func newModel(random *rand.Rand) *model {
	m := &model{
		random: random, clock: time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC),
		list: checklist.New(nil), had: map[string]bool{}, way: map[string][]Event{},
	}
	m.begin()
	return m
}

// begin keeps the state and begins a new epoch, with a name that is as likely to sort before the old one as after it.
func (m *model) begin() {
	m.starts++
	m.epoch = fmt.Sprintf("%03d-%d", m.random.IntN(1000), m.starts)
	m.seq = map[string]uint64{}
	m.order = append(m.order, m.epoch)
	m.remember()
}

func (m *model) publish(stream string, body any) {
	m.seq[stream]++
	text, _ := json.Marshal(body)
	e := Event{Topic: stream, Source: SourceManager, Stream: stream, Epoch: m.epoch, Seq: m.seq[stream], Time: m.clock, Body: text}
	if stream == StreamDaemon {
		e.Last = maps.Clone(m.seq)
		delete(e.Last, StreamDaemon)
	}
	m.way[m.epoch] = append(m.way[m.epoch], e)
	m.remember()
}

func (m *model) heartbeat() {
	m.publish(StreamDaemon, Heartbeat{Name: SourceManager, PID: m.starts, Every: 2 * time.Second})
}

// step makes one random change.
func (m *model) step() {
	switch m.random.IntN(10) {
	case 0, 1, 2:
		m.changeLaunch()
	case 3, 4, 5, 6:
		m.changeChecklist()
	case 7:
		m.barriers = nil
		for range m.random.IntN(3) {
			m.nextID++
			m.barriers = append(m.barriers, engine.Barrier{ID: m.nextID, Missing: []string{"a", "b"}[:m.random.IntN(3)]})
		}
		m.publish(StreamBarrier, m.barriers)
	case 8:
		m.nextID++
		a := engine.Alert{ID: m.nextID, Time: m.clock.Add(time.Duration(m.nextID)), Kind: "rule error"}
		m.alerts = append(m.alerts, a)
		m.publish(StreamAlert, a)
	default:
		m.heartbeat()
	}
}

func (m *model) changeLaunch() {
	var open []int
	for i := range m.launches {
		if !m.launches[i].State.Final() {
			open = append(open, i)
		}
	}
	if len(open) == 0 || m.random.IntN(3) == 0 {
		m.nextID++
		m.launches = append(m.launches, launch.Launch{ID: m.nextID, State: launch.Decided, NextWorker: launch.NextWorker{Module: "w"}})
		m.publish(StreamLaunch, m.launches[len(m.launches)-1:])
		return
	}
	l := &m.launches[open[m.random.IntN(len(open))]]
	l.State = []launch.State{launch.Running, launch.Succeeded, launch.Failed}[m.random.IntN(3)]
	m.publish(StreamLaunch, []launch.Launch{*l})
}

func (m *model) changeChecklist() {
	var changes []ChecklistChange
	for range 1 + m.random.IntN(2) {
		key, sub := fmt.Sprint("key ", m.random.IntN(3)), fmt.Sprint("item ", m.random.IntN(3))
		c := checklist.Change{Op: checklist.Set, Key: key, Value: int64(m.random.IntN(100))}
		switch m.random.IntN(6) {
		case 0:
			c.Value = pyyaml.MapOf(sub, "fresh")
		case 1, 2, 3:
			c = m.list.Report(key, pyyaml.MapOf(sub, int64(m.random.IntN(100))))
		case 4:
			if m.random.IntN(4) == 0 {
				c = checklist.Change{Op: checklist.Clear}
			}
		}
		changes = append(changes, ChecklistChange{Op: string(c.Op), YAML: string(c.YAML())})
		m.list.Apply(c)
	}
	m.publish(StreamChecklist, changes)
}

func (m *model) snapshot() Snapshot {
	return Snapshot{
		Source: SourceManager, Epoch: m.epoch, Seq: maps.Clone(m.seq), Time: m.clock,
		Launches: append([]launch.Launch(nil), m.launches...), Checklist: string(pyyaml.Encode(m.list.Map())),
		Barriers: m.barriers, Alerts: append([]engine.Alert(nil), m.alerts...),
	}
}

// state writes everything down, and keeps the parts apart: a reader may have applied more of one stream than of another.
func state(launches []launch.Launch, list *pyyaml.Map, barriers []engine.Barrier, alerts []engine.Alert) []string {
	l, _ := json.Marshal(launches)
	b, _ := json.Marshal(barriers)
	a, _ := json.Marshal(alerts)
	return []string{"launches " + string(l), "checklist " + string(pyyaml.Encode(list)), "barriers " + string(b), "alerts " + string(a)}
}

func (m *model) state() []string { return state(m.launches, m.list.Map(), m.barriers, m.alerts) }

func (m *model) remember() {
	for _, s := range m.state() {
		m.had[s] = true
	}
}

func shown(m *Mirror) []string {
	var launches []launch.Launch
	for _, l := range m.Launches() {
		launches = append([]launch.Launch{*l}, launches...)
	}
	var alerts []engine.Alert
	for _, a := range m.Alerts() {
		alerts = append(alerts, a.Alert)
	}
	return state(launches, m.Checklist(), m.Barriers(), alerts)
}

// faults say what the network of a run does.
type faults struct {
	lose, repeat, restart bool
	mix                   bool // events of an old process may come after those of a new one
}

// run is a reader with its mirror, beside a model.
type run struct {
	faults
	*model
	t      *testing.T
	mirror *Mirror
	asked  bool      // a question is on its way
	answer *Snapshot // an answer is on its way
	asks   int
}

// play lets everything happen in random order and then checks that the mirror shows what the model has.
func play(t *testing.T, seed uint64, f faults, steps int) *run {
	t.Helper()
	r := &run{faults: f, model: newModel(rand.New(rand.NewPCG(seed, 1))), t: t}
	r.mirror = NewMirror(MirrorOptions{Now: func() time.Time { return r.clock }})
	for range steps {
		r.happen()
		if r.random.IntN(4) == 0 {
			r.checkTrue()
		}
	}
	r.settle()
	if diff := cmp.Diff(shown(r.mirror), r.state()); diff != "" {
		t.Fatalf("seed %d: at the end the mirror shows (-) and the manager has (+):\n%s", seed, diff)
	}
	return r
}

func (r *run) happen() {
	r.clock = r.clock.Add(time.Duration(r.random.IntN(10)) * time.Millisecond)
	switch n := r.random.IntN(100); {
	case n < 40:
		r.step()
	case n < 75:
		r.deliver()
	case n < 77 && r.restart:
		r.begin()
		if r.lose && r.random.IntN(2) == 0 {
			r.clock = r.clock.Add(time.Minute)
		}
	default:
		r.converse()
	}
}

// deliver hands some events that are on their way to the mirror.
func (r *run) deliver() {
	epoch := r.order[0]
	if r.mix {
		epoch = r.order[r.random.IntN(len(r.order))]
	}
	way := r.way[epoch]
	n := min(len(way), 1+r.random.IntN(4))
	var batch []Event
	for _, e := range way[:n] {
		if r.lose && r.random.IntN(20) == 0 {
			continue
		}
		batch = append(batch, e)
		if r.repeat && r.random.IntN(10) == 0 {
			batch = append(batch, e)
		}
	}
	r.way[epoch] = way[n:]
	if !r.mix && n == len(way) && len(r.order) > 1 {
		r.order = r.order[1:]
	}
	r.mirror.Apply(batch)
}

// converse moves the exchange of snapshot question and answer on by one.
func (r *run) converse() {
	switch {
	case r.answer != nil:
		if err := r.mirror.SetSnapshot(*r.answer); err != nil {
			r.t.Fatal(err)
		}
		r.answer, r.asked = nil, false
	case r.asked:
		s := r.snapshot()
		r.answer = &s
	case len(r.mirror.NeedSnapshot()) > 0:
		r.asked = true
		r.asks++
	}
}

// checkTrue fails if the mirror shows anything that the manager never had.
func (r *run) checkTrue() {
	if r.mirror.Counts().Snapshots == 0 {
		return
	}
	for _, s := range shown(r.mirror) {
		if !r.had[s] {
			r.t.Fatalf("the mirror shows what never was: %s", s)
		}
	}
}

// settle delivers everything, with a last heartbeat that is not lost, and lets the reader ask until it is content.
func (r *run) settle() {
	r.lose = false
	r.heartbeat()
	for _, epoch := range r.order {
		r.mirror.Apply(r.way[epoch])
	}
	for range 20 {
		if len(r.mirror.NeedSnapshot()) == 0 {
			return
		}
		r.converse()
	}
	r.t.Fatal("the mirror goes on asking for snapshots")
}

func TestWhateverTheNetworkDoesTheMirrorEndsEqualToTheManager(t *testing.T) {
	for _, f := range []faults{
		{lose: true}, {repeat: true}, {restart: true}, {restart: true, mix: true},
		{lose: true, repeat: true, restart: true}, {lose: true, repeat: true, restart: true, mix: true},
	} {
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			for seed := range uint64(25) {
				play(t, seed, f, 300)
			}
		})
	}
}

func TestWithoutLossTheMirrorAsksOncePerStartOfTheManager(t *testing.T) {
	for seed := range uint64(30) {
		r := play(t, seed, faults{repeat: true}, 300)
		if r.asks > 1 {
			t.Errorf("seed %d: got %d questions, want at most 1", seed, r.asks)
		}
		r = play(t, seed, faults{repeat: true, restart: true}, 300)
		if r.asks > 2*r.starts {
			t.Errorf("seed %d: got %d questions at %d starts, want at most two each", seed, r.asks, r.starts)
		}
	}
}

func FuzzMirror(f *testing.F) {
	f.Add(uint64(1), true, true, true, true)
	f.Fuzz(func(t *testing.T, seed uint64, lose, repeat, restart, mix bool) {
		play(t, seed, faults{lose, repeat, restart, mix}, 200)
	})
}
