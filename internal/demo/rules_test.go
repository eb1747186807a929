package demo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/starlark"
)

const testdata = "../../testdata/salishsea"

// now is a moment at which local time and UTC are on different days, wherever the test runs.
var now = time.Date(2031, 5, 17, 0, 5, 0, 0, time.Local)

func loadConfig(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{"NOWCAST_LOGS": dir, "NOWCAST_BIN": dir}
	cfg, err := config.Load(filepath.Join(testdata, "nowcast.yaml"), func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func openRules(t *testing.T, cfg *config.Config) *starlark.Rules {
	t.Helper()
	r, err := starlark.Open(starlark.Options{
		File:     filepath.Join(testdata, "next_workers.star"),
		Config:   cfg.Values,
		Registry: &cfg.Registry,
		Logger:   slog.New(slog.DiscardHandler),
		Now:      func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// manager is what the real one does with a message, without processes: steps 1 to 6e of the compatibility specification.
type manager struct {
	t         *testing.T
	cfg       *config.Config
	rules     *starlark.Rules
	checklist *checklist.Checklist
	barriers  []engine.Barrier
	last      int64
	before    []byte // the checklist as clear_checklist found it
}

func newManager(t *testing.T, cfg *config.Config) *manager {
	return &manager{t: t, cfg: cfg, rules: openRules(t, cfg), checklist: checklist.New(nil)}
}

func (m *manager) receive(msg message.Message) (reply string, launched []launch.NextWorker) {
	m.t.Helper()
	d := engine.Decide(&m.cfg.Registry, msg, m.checklist)
	if d.Dump {
		m.before = pyyaml.Encode(m.checklist.Map())
	}
	if d.Change != nil {
		m.checklist.Apply(*d.Change)
	}
	if !d.Continue {
		return d.Reply.Type, nil
	}
	next, err := m.rules.After(context.Background(), msg, m.checklist.Map())
	if err != nil {
		m.t.Fatalf("%s: %s: %v", msg.Source, msg.Type, err)
	}
	m.last++
	var requested []engine.Requested
	report := engine.Report{Worker: msg.Source, Type: msg.Type, Message: m.last, Time: now}
	requested, m.barriers, _ = engine.Follow(m.barriers, report, next, m.last)
	for _, r := range requested {
		launched = append(launched, r.NextWorker)
	}
	return d.Reply.Type, launched
}

func TestTheRulesReproduceTheRecordedDay(t *testing.T) {
	p := load(t)
	m := newManager(t, loadConfig(t))
	for i, s := range p.Day.Steps {
		reply, launched := m.receive(s.Message)
		if reply != s.Reply {
			t.Errorf("step %d: got the reply %q, want %q", i+1, reply, s.Reply)
		}
		var want []launch.NextWorker
		for _, n := range s.Launches {
			want = append(want, Resolve(n, now))
		}
		if diff := cmp.Diff(want, launched); diff != "" {
			t.Errorf("step %d, %s: %s: launches (-want +got):\n%s", i+1, s.Message.Source, s.Message.Type, diff)
		}
	}
	if diff := cmp.Diff(string(pyyaml.Encode(p.Day.Checklist)), string(m.before)); diff != "" {
		t.Errorf("checklist at the end of the day (-want +got):\n%s", diff)
	}
	if len(m.barriers) > 0 {
		t.Errorf("barriers still open: %+v", m.barriers)
	}
}

// TestTheSameIsLaunchedWhenSideBySideWorkersFinishInAnotherOrder plays days in which each worker takes up to a quarter
// more or less time than recorded.
func TestTheSameIsLaunchedWhenSideBySideWorkersFinishInAnotherOrder(t *testing.T) {
	p := load(t)
	cfg := loadConfig(t)
	orders := map[string]bool{}
	for seed := range uint64(100) {
		happened, order := playDisturbed(newManager(t, cfg), p, rand.New(rand.NewPCG(seed, 1)))
		orders[order] = true
		if differences := Compare(p.Day, happened, now); len(differences) > 0 {
			t.Fatalf("seed %d: %v", seed, differences)
		}
	}
	if len(orders) < 50 {
		t.Errorf("got %d different orders, want the disturbance to make at least 50", len(orders))
	}
}

// pending is a message that is on its way.
type pending struct {
	at   time.Duration
	step int
}

// playDisturbed runs a day in which a launch reports after its recorded running time, made longer or shorter. The
// checklist is cleared last, as it was in the recording: it waits for the others.
func playDisturbed(m *manager, p *Plan, r *rand.Rand) (happened []launch.Launch, order string) {
	claimed := map[string]int{}
	due := []pending{{0, 0}}
	at := schedule(p.Day)
	for len(due) > 0 {
		i := earliest(p, due)
		d := due[i]
		due = slices.Delete(due, i, i+1)
		order += string(rune('A' + d.step))
		_, launched := m.receive(p.Day.Steps[d.step].Message)
		for _, n := range launched {
			happened = append(happened, launch.Launch{NextWorker: n})
			key := Key(n.Module, n.Args)
			scripts := p.Match(n.Module, n.Args)
			if claimed[key] >= len(scripts) {
				m.t.Fatalf("%v is launched once more than recorded", n)
			}
			s := scripts[claimed[key]]
			claimed[key]++
			for _, report := range s.Reports {
				took := report.At - at[s.Step]
				due = append(due, pending{d.at + took*3/4 + time.Duration(r.Int64N(int64(took/2))), report.Step})
			}
		}
	}
	return happened, order
}

func earliest(p *Plan, due []pending) int {
	best := 0
	for i, d := range due {
		clears := func(d pending) bool { return p.Day.Steps[d.step].Message.Source == "clear_checklist" }
		switch a, b := clears(d), clears(due[best]); {
		case a == b && a && d.step < due[best].step, a == b && !a && d.at < due[best].at, !a && b:
			best = i
		}
	}
	return best
}

func TestNothingFollowsAFailure(t *testing.T) {
	cfg := loadConfig(t)
	r := openRules(t, cfg)
	for name, w := range cfg.Registry.Workers {
		for typ := range w.Types {
			if typ == message.TypeNeed || typ == message.TypeClear || typ[:2] == "su" {
				continue
			}
			next, err := r.After(context.Background(), message.Message{Source: name, Type: typ}, pyyaml.NewMap(0))
			if err != nil || len(next.Workers) > 0 || len(next.Await) > 0 {
				t.Errorf("after %s: %s: got %v %v, want nothing", name, typ, next, err)
			}
		}
	}
}

func TestCheckFindsNothingWrongWithTheDay(t *testing.T) {
	cfg := loadConfig(t)
	for _, f := range rules.Check(context.Background(), cfg, openRules(t, cfg)) {
		t.Errorf("got %v", f)
	}
}

func TestTheGraphHasEveryRecordedArrow(t *testing.T) {
	p := load(t)
	cfg := loadConfig(t)
	edges, blind := rules.Graph(context.Background(), cfg, openRules(t, cfg))
	if len(blind) > 0 {
		t.Errorf("rules that could not be looked into: %v", blind)
	}
	arrows := map[string]bool{}
	for _, e := range edges {
		arrows[e.From+": "+e.Type+" -> "+e.To.Name()] = true
	}
	for i, s := range p.Day.Steps {
		for _, n := range s.Launches {
			if arrow := s.Message.Source + ": " + s.Message.Type + " -> " + n.Name(); !arrows[arrow] {
				t.Errorf("step %d: %s is not in the graph", i+1, arrow)
			}
		}
	}
}

func TestTheInputFilesAreSentOnceWhenTheLastOfThemIsMade(t *testing.T) {
	p := load(t)
	cfg := loadConfig(t)
	makers := []int{29, 34, 44, 46, 47} // the steps in which weather, water level and ocean files are ready
	for range 20 {
		m := newManager(t, cfg)
		for _, s := range p.Day.Steps[:28] {
			m.receive(s.Message)
		}
		m.receive(p.Day.Steps[39].Message)
		rand.Shuffle(len(makers), func(i, j int) { makers[i], makers[j] = makers[j], makers[i] })
		for i, step := range makers {
			_, launched := m.receive(p.Day.Steps[step-1].Message)
			uploads := 0
			for _, n := range launched {
				if n.Name() == "upload_forcing" {
					uploads++
				}
			}
			if last := i == len(makers)-1; last && uploads != 8 || !last && uploads != 0 {
				t.Fatalf("order %v: %d uploads after step %d", makers, uploads, step)
			}
		}
	}
}
