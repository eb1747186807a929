package manager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

func TestATimeoutEndsALaunch(t *testing.T) {
	play(t, config.Policy{Timeout: 2 * time.Hour}, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.pass(2*time.Hour - time.Minute)
		s.restart() // it counts from the start of the launch
		s.pass(time.Minute - 2*time.Second)
		if n := s.count("kill 1001 TERM"); n != 0 {
			t.Fatalf("got a signal too early")
		}
		s.pass(2 * time.Second)
		if term, kill := s.count("kill 1001 TERM"), s.count("kill 1001 KILL"); term != 1 || kill != 0 {
			t.Fatalf("got %d TERM, %d KILL", term, kill)
		}
		s.pass(10 * time.Second)
		if term, kill := s.count("kill 1001 TERM"), s.count("kill 1001 KILL"); term != 1 || kill != 1 {
			t.Fatalf("10 s later: got %d TERM, %d KILL", term, kill)
		}
		s.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Signal: "killed"}
		s.pass(time.Millisecond)
		s.wants(1, launch.Killed)
		s.wantsAlert("launch w.awaken", "worker killed", "timed out after 2 h (policy)")
	})
}

func TestALateLaunchIsAnAlertUntilItEnds(t *testing.T) {
	play(t, config.Policy{Expected: 20 * time.Minute}, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.pass(19 * time.Minute)
		s.wantsNoAlert("late")
		s.pass(time.Minute)
		s.wantsAlert("late launch 1", "late", "w.awaken runs for 20 min, expected 20 min")
		s.restart()
		s.pass(time.Hour)
		s.wantsAlert("late launch 1", "late", "")
		if a := s.alert("late"); a.Count != 0 {
			t.Errorf("it was raised %d times", a.Count)
		}
		s.succeeds(1)
		s.wantsNoAlert("late")
	})
}

func TestWhatIsUsualIsLearned(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		for range 6 {
			id := s.launch("w.awaken", "forecast", "2031-05-17")
			s.pass(12 * time.Minute)
			s.succeeds(id)
		}
		id := s.launch("w.awaken", "forecast", "2031-05-18")
		usual := s.store.launch(id).Usual
		if usual == nil || usual.N != 6 || usual.Median.Round(time.Minute) != 12*time.Minute {
			t.Fatalf("got usual %+v", usual)
		}
		s.pass(19 * time.Minute)
		s.wantsAlert("late launch 7", "late", "w.awaken forecast 2031-05-18 runs for 18 min, usually 12 min (95 %: 12 min)")
		s.succeeds(id)
		id = s.launch("w.awaken", "forecast", "2031-05-19")
		s.pass(time.Minute)
		s.succeeds(id)
		if note := s.store.launch(id).Note; note != "unusually short: 60 s, usually 12 min" && note != "unusually short: 1 min, usually 12 min" {
			t.Errorf("got note %q", note)
		}
		if other := s.store.launch(s.launch("w.awaken", "nowcast")); other.Usual != nil {
			t.Errorf("other arguments have the same usual duration: %+v", other.Usual)
		}
	})
}

func TestWhatIsUsualIsKnownAfterARestart(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		for range 5 {
			id := s.launch("w.awaken")
			s.pass(12 * time.Minute)
			s.succeeds(id)
		}
		s.restart()
		if u := s.store.launch(s.launch("w.awaken")).Usual; u == nil || u.N != 5 {
			t.Errorf("got %+v", u)
		}
	})
}

func TestTheHistoryIsAskedForWorkersThatAreSeldomLaunched(t *testing.T) {
	w := newWorld(t)
	ended := time.Now()
	for id := range int64(engine.KeepLaunches) {
		began := ended.Add(-time.Minute)
		w.store.launches[id+1] = &launch.Launch{ID: id + 1, NextWorker: launch.NextWorker{Module: "w.sleep"}, State: launch.Succeeded, Started: &began, Ended: &ended}
	}
	w.start(false)
	w.stop()
	o := w.Manager.Options
	var asked []string
	o.Durations = func(_ context.Context, worker string, _ int) ([]launch.Run, error) {
		asked = append(asked, worker)
		return slices.Repeat([]launch.Run{{Args: []string{"x"}, Took: time.Hour}}, 5), nil
	}
	m, err := New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if u := m.policies.learned.usual(launch.NextWorker{Module: "w.awaken", Args: []string{"x"}}); u == nil || u.Median != time.Hour {
		t.Errorf("got %+v", u)
	}
	if u := m.policies.learned.usual(launch.NextWorker{Module: "w.sleep"}); u == nil || u.Median != time.Minute {
		t.Errorf("got %+v", u)
	}
	if got := strings.Join(asked, " "); got != "a awaken b" {
		t.Errorf("asked for %s", got)
	}
}

func TestAKindThatDoesNotComeAnyMoreIsForgotten(t *testing.T) {
	ls := learned{}
	for i := range 3 * mostKinds {
		ls.add(launch.NextWorker{Module: "m.w", Args: []string{fmt.Sprintf("--n=%dx", i)}}, time.Second, time.Unix(int64(i), 0))
	}
	if _, newest := ls[fmt.Sprintf("w --n=%dx", 3*mostKinds-1)]; len(ls) > mostKinds || !newest {
		t.Errorf("got %d kinds, the newest among them: %v; want at most %d", len(ls), newest, mostKinds)
	}
}
