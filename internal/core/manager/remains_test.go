package manager

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// timedOut has launch 1 time out, obey SIGTERM, and leave something behind that does not.
func timedOut(s *scene) (stays *atomic.Bool) {
	stays = &atomic.Bool{}
	stays.Store(true)
	s.processes.left = func(l *launch.Launch) []string {
		if l.ID == 1 && stays.Load() {
			return []string{"4711 mpirun"}
		}
		return nil
	}
	s.launch("w.awaken")
	s.pass(time.Hour)
	s.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Signal: "terminated", Left: []string{"4711 mpirun"}}
	s.pass(time.Millisecond)
	s.wants(1, launch.Killed)
	return stays
}

var retried = config.Policy{Timeout: time.Hour, Retries: config.Retries{Most: 1, Wait: time.Second, LongestWait: time.Second}}

func TestARetryWaitsUntilWhatTimedOutHasLeftNothing(t *testing.T) {
	for name, restart := range map[string]bool{"one manager": false, "another manager": true} {
		t.Run(name, func(t *testing.T) {
			play(t, retried, func(t *testing.T, s *scene) {
				stays := timedOut(s)
				s.pass(5 * time.Second)
				if restart {
					s.restart()
				}
				s.wants(2, launch.Decided)
				if w := s.store.launch(2).Waits; !strings.Contains(w, "what launch 1 has left behind") {
					t.Errorf("it waits %q, want why", w)
				}
				if n := s.count("kill 1001 KILL"); n != 0 {
					t.Errorf("got a KILL before it had its time")
				}
				s.pass(10 * time.Second)
				if n := s.count("kill 1001 KILL"); n != 1 {
					t.Errorf("got %d KILL, want 1", n)
				}
				s.pass(20 * time.Second)
				s.wantsAlert("left by launch 1", "late", "4711 mpirun")
				stays.Store(false)
				s.pass(2 * time.Second)
				s.wants(2, launch.Running)
				s.wantsNoAlert("left by launch 1")
			})
		})
	}
}

func TestAnOperatorEndsWhatIsLeftBehind(t *testing.T) {
	play(t, config.Policy{Timeout: time.Hour}, func(t *testing.T, s *scene) {
		stays := timedOut(s)
		if r := s.do(control.CmdKill, `{"launch":1,"signal":"INT"}`); !r.OK || !strings.Contains(string(r.Result), "what it has left behind was sent INT: 4711 mpirun") {
			t.Errorf("got %+v", r)
		}
		if s.count("kill 1001 INT") != 1 {
			t.Error("no signal was sent")
		}
		stays.Store(false)
		if r := s.do(control.CmdKill, `{"launch":1,"signal":"TERM"}`); !strings.Contains(r.Error, "is over") {
			t.Errorf("got %+v, want that there is nothing", r)
		}
	})
}

func TestAReportThatMayBeOfALaunchThatWasReplacedIsAGuess(t *testing.T) {
	play(t, config.Policy{Retries: config.Retries{Most: 1, Wait: time.Minute, LongestWait: time.Minute}}, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.exits(1, 1)
		s.ask(message.Message{Source: "awaken", Type: "success"}) // the retry has no process so far
		if l := s.store.launch(2); len(l.Reports) != 0 {
			t.Errorf("got %+v: what has not been started has said nothing", l.Reports)
		}
		if l := s.store.launch(1); len(l.Reports) != 1 || !l.Reports[0].Guess {
			t.Errorf("got %+v, want a guess", l.Reports)
		}
		s.pass(2 * time.Minute)
		s.wants(2, launch.Running)
		s.ask(message.Message{Source: "awaken", Type: "success"})
		s.pass(time.Millisecond)
		if l := s.store.launch(2); len(l.Reports) != 1 || !l.Reports[0].Guess {
			t.Errorf("got %+v, want a guess: launch 1 may live on where nobody sees it", l.Reports)
		}
	})
}
