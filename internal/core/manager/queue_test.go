package manager

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

func TestConcurrencyAndSlots(t *testing.T) {
	play(t, config.Policy{Concurrency: 2}, func(t *testing.T, s *scene) {
		for _, arg := range []string{"1", "2", "3", "4"} {
			s.launch("w.awaken", arg)
		}
		other := s.launch("w.a")
		for id, want := range []launch.State{1: launch.Running, 2: launch.Running, 3: launch.Decided, 4: launch.Decided, 5: launch.Running} {
			if id > 0 {
				s.wants(int64(id), want)
			}
		}
		if waits := s.store.launch(3).Waits; waits != "2 of awaken run (concurrency)" {
			t.Errorf("got waits %q", waits)
		}
		s.succeeds(2)
		s.wants(3, launch.Running)
		s.wants(4, launch.Decided)
		s.restart()
		s.wants(4, launch.Decided)
		s.config.Slots = 2
		s.reload()
		s.succeeds(1) // a place for awaken, but 3 and a run on this host
		s.wants(4, launch.Decided)
		if waits := s.store.launch(4).Waits; waits != "2 run on localhost (slots)" {
			t.Errorf("got waits %q", waits)
		}
		s.succeeds(other)
		s.wants(4, launch.Running)
		starts := slices.DeleteFunc(s.all(), func(e string) bool { return !strings.HasPrefix(e, "start w.awaken") })
		if got := strings.Join(starts, ", "); got != "start w.awaken 1, start w.awaken 2, start w.awaken 3, start w.awaken 4" {
			t.Errorf("got %s", got)
		}
	})
}

// Whatever is launched and ends in whatever order, with managers that come and go: no limit is passed, nothing waits without a
// reason, and of one worker the first decided is the first started.
func TestTheQueueKeepsItsLimitsAndLosesNothing(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			play(t, config.Policy{Concurrency: 2}, func(t *testing.T, s *scene) {
				random := rand.New(rand.NewPCG(seed, 0))
				s.config.Slots = 3
				s.reload()
				for range 60 {
					running := s.ids(launch.Running)
					switch n := random.IntN(10); {
					case n == 0:
						s.restart()
					case n < 5 && len(running) > 0:
						s.succeeds(running[random.IntN(len(running))])
					default:
						s.launch("w." + []string{"awaken", "a", "b"}[random.IntN(3)])
					}
					s.wantsQueueInOrder()
				}
				for len(s.ids(launch.Running)) > 0 {
					s.succeeds(s.ids(launch.Running)[0])
					s.wantsQueueInOrder()
				}
				if left := len(s.ids(launch.Decided)) + len(s.ids(launch.Starting)); left > 0 {
					t.Errorf("%d launches were never started", left)
				}
			})
		})
	}
}

func (s *scene) ids(state launch.State) (ids []int64) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.store.launches)) {
		if s.store.launches[id].State == state {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *scene) wantsQueueInOrder() {
	s.t.Helper()
	running := s.ids(launch.Running)
	workers := map[string]int{}
	newest := map[string]int64{}
	for _, id := range running {
		l := s.store.launch(id)
		workers[l.Name()]++
		newest[l.Name()] = id
	}
	if len(running) > 3 || workers["awaken"] > 2 {
		s.t.Fatalf("too many run: %v", workers)
	}
	for _, id := range s.ids(launch.Decided) {
		l := s.store.launch(id)
		if l.Waits == "" || len(running) < 3 && !(l.Name() == "awaken" && workers["awaken"] == 2) {
			s.t.Errorf("launch %d of %s waits %q while %v run", id, l.Name(), l.Waits, workers)
		}
		if id < newest[l.Name()] {
			s.t.Errorf("launch %d of %s waits, and launch %d has been started", id, l.Name(), newest[l.Name()])
		}
	}
}
