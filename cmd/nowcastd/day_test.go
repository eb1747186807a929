package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/demo"
)

const salishsea = "../../testdata/salishsea"

// newDay makes a system for the recorded day, with a worker that does nothing and says nothing.
func newDay(t *testing.T) (*system, *demo.Day) {
	t.Helper()
	dir := shortDir(t)
	bin := filepath.Join(dir, "nothing")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/bin/true", filepath.Join(bin, "standin")); err != nil {
		t.Fatal(err)
	}
	file, env, err := demo.Prepare(dir, salishsea, bin, 1)
	if err != nil {
		t.Fatal(err)
	}
	day, err := demo.LoadDay(filepath.Join(dir, "day.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := &system{t: t, dir: dir, config: file, env: env}
	cfg, err := config.Load(file, func(name string) (string, bool) {
		for _, v := range slices.Backward(env) {
			if len(v) > len(name) && v[:len(name)+1] == name+"=" {
				return v[len(name)+1:], true
			}
		}
		return "", false
	})
	if err != nil {
		t.Fatal(err)
	}
	s.port = cfg.ZMQ.WorkersPort
	return s, day
}

// TestTheRecordedDayAtFullSpeed sends the recorded messages in their order, each as soon as the one before is answered.
func TestTheRecordedDayAtFullSpeed(t *testing.T) {
	s, day := newDay(t)
	if got, want := len(day.Steps), 116; got != want {
		t.Fatalf("got a day of %d messages, want %d", got, want)
	}
	if got, want := day.Count(), 120; got != want {
		t.Fatalf("got a day of %d launches, want %d", got, want)
	}
	s.start("broker")
	s.start("manager")
	r := s.requester()
	for i, step := range day.Steps {
		if step.Message.Type == "clear checklist" {
			s.checklistIs("before it is cleared", day.Checklist)
		}
		if reply := ask(t, r, step.Message); reply.Type != step.Reply || reply.Payload != nil || reply.Source != "manager" {
			t.Errorf("message %d, %s: %s: got the reply %+v, want %s", i+1, step.Message.Source, step.Message.Type, reply, step.Reply)
		}
	}
	s.checklistIs("at the end", mapping(t, string(pyyaml.Encode(pyyaml.MapOf("log rotation", day.Steps[115].Message.Payload)))))
	var launches []launch.Launch
	s.eventually("the end of all launches", func() bool {
		launches = s.status().Launches
		return !slices.ContainsFunc(launches, func(l launch.Launch) bool { return !l.State.Final() })
	})
	sameLaunches(t, day, launches)
}

func (s *system) checklistIs(when string, want *pyyaml.Map) {
	s.t.Helper()
	got := mapping(s.t, s.must("checklist", s.config))
	if diff := cmp.Diff(string(pyyaml.Encode(want)), string(pyyaml.Encode(got))); diff != "" {
		s.t.Errorf("checklist %s (-want +got):\n%s", when, diff)
	}
	s.eventually("the checklist file "+when, func() bool {
		text, err := os.ReadFile(filepath.Join(s.dir, "logs", "nowcast_checklist.yaml"))
		if err != nil {
			return false
		}
		v, err := pyyaml.Decode(text)
		return err == nil && pyyaml.Equal(v, want)
	})
}

// sameLaunches compares what was launched with the recording, one by one in their order. The recorded yesterday is the day
// before the launch; around midnight the rule may have asked on the other side of it.
func sameLaunches(t *testing.T, day *demo.Day, launches []launch.Launch) {
	t.Helper()
	var i int
	for n, step := range day.Steps {
		for _, recorded := range step.Launches {
			if i == len(launches) {
				t.Fatalf("got %d launches, want %d", i, day.Count())
			}
			l := launches[i]
			i++
			if want := demo.Resolve(recorded, l.Decided); !cmp.Equal(l.NextWorker, want) &&
				!cmp.Equal(l.NextWorker, demo.Resolve(recorded, l.Decided.Add(-time.Minute))) {
				t.Errorf("launch %d, after message %d: got %v, want %v", i, n+1, l.NextWorker, want)
			}
			if l.Started == nil || l.Exit == nil || *l.Exit != 0 {
				t.Errorf("launch %d, %v: got %s (%s), want one that was started and ended with status 0", i, l.NextWorker, l.State, l.Note)
			}
		}
	}
	if i < len(launches) {
		t.Errorf("got %d launches more than recorded: %v ...", len(launches)-i, launches[i].NextWorker)
	}
}
