package manager

import (
	"fmt"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

const (
	byLaunch = "127.0.0.1:4711" // the connection of launch 1
	byHand   = "127.0.0.1:4712" // of a process of this host that is no launch
)

// running has launch 1 of awaken run, a Python worker that names no launch.
func (s *scene) running() {
	s.t.Helper()
	s.launch("w.awaken")
	s.wants(1, launch.Running)
	s.processes.behind = map[string]int64{byLaunch: 1, byHand: 0}
}

// says has awaken report over a connection.
func (s *scene) says(n uint64, peer, typ string) {
	s.t.Helper()
	s.give(ticket(n, 0, peer), message.Message{Source: "awaken", Type: typ})
	s.pass(time.Millisecond)
}

func TestAWorkerRunByHandIsNotTheLaunchThatRuns(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byHand, "success")
		if got := s.store.launch(1).Reports; len(got) != 0 {
			t.Fatalf("got %+v on the record of the launch, want nothing", got)
		}
		s.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Signal: "killed"}
		s.pass(time.Millisecond)
		s.wants(1, launch.Killed)
		s.wantsAlert("launch w.awaken", "worker killed", "killed")
	})
}

func TestAFailureByHandNeitherFailsNorRepeatsTheLaunchThatRuns(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byHand, "failure")
		s.wants(1, launch.Running)
		s.wantsAlert("report awaken", "worker failed", "awaken: reported failure; no launch of this manager sent it")
		s.says(2, byLaunch, "success")
		s.exits(1, 0)
		s.pass(time.Hour)
		s.wants(1, launch.Succeeded)
		s.wantsNoAlert("report awaken")
		if last := s.lastID(); last != 1 {
			t.Errorf("got %d launches, want that nothing is tried again", last)
		}
	})
}

func TestALaunchOnAnotherHostMaySpeakThroughATunnel(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.store.mu.Lock()
		s.store.launches[1].Host = "cluster"
		s.store.mu.Unlock()
		s.restart()
		s.says(1, byHand, "success")
		if got := s.store.launch(1).Reports; len(got) != 1 || !got[0].Guess {
			t.Errorf("got %+v, want the report, as a guess", got)
		}
	})
}

func TestTheLastReportOfALocalWorkerCounts(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byLaunch, "success")
		s.says(2, byLaunch, "crash")
		if got := s.store.launch(1).Reports; len(got) != 2 || got[1].Guess {
			t.Errorf("got %+v, want two reports that are no guess", got)
		}
		s.exits(1, 1)
		s.wants(1, launch.Crashed)
		s.wantsAlert("launch w.awaken", "worker crashed", "reported crash")
		s.wantsNoAlert("report awaken")
	})
}

func TestASuccessByHandMakesGoodWhatFailed(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byLaunch, "crash")
		s.exits(1, 1)
		s.says(2, byHand, "failure")
		s.wantsAlert("launch w.awaken", "worker crashed", "reported crash")
		s.wantsAlert("report awaken", "worker failed", "reported failure")
		s.says(3, byHand, "success")
		for _, key := range []string{"launch w.awaken", "report awaken"} {
			s.wantsNoAlert(key)
			if a := s.alert(key); a.End != "awaken reported success, by a process that is no launch of ours" {
				t.Errorf("%s: it ended because %q", key, a.End)
			}
		}
	})
}

func TestOneConnectionIsLookedAtOnceInABatch(t *testing.T) {
	w := twoRunning(t)
	w.processes.behind = map[string]int64{byLaunch: 2}
	all := w.active["awaken"]
	r := &request{msg: message.Message{Source: "awaken"}}
	r.ticket.Peer = byLaunch
	w.stop()
	clear(w.peers)
	for range 3 {
		if id, ok := w.behind(r, all); !ok || id != 2 {
			t.Fatalf("got %d, %v, want launch 2", id, ok)
		}
	}
	if len(w.peers) != 1 {
		t.Errorf("got %d looks, want 1", len(w.peers))
	}
}

func TestALaunchThatEndsWellWithoutAWordHasTheSuccessThatNobodyElseSent(t *testing.T) {
	for status, want := range map[int]launch.State{0: launch.Succeeded, 3: launch.Crashed} {
		play(t, thrice, func(t *testing.T, s *scene) {
			s.running()
			s.says(1, byHand, "success") // from a container, or whatever leaves the session and the environment
			s.wants(1, launch.Running)
			s.restart()
			s.exits(1, status)
			s.wants(1, want)
			reports := s.store.launch(1).Reports
			if want == launch.Succeeded && (len(reports) != 1 || !reports[0].Guess) {
				t.Errorf("got %+v, want the report as a guess", reports)
			}
			s.pass(time.Hour)
			if last := s.lastID(); (last == 1) != (want == launch.Succeeded) {
				t.Errorf("exit status %d: got %d launches", status, last)
			}
		})
	}
}

// A launch that is forgotten, with a database that was lost, speaks for itself only.
func TestAForgottenLaunchMakesGoodOnlyWhatSuchHaveReported(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.options = func(o *Options) { o.LastLaunch = 12 }
		s.restart()
		s.launch("w.awaken")
		tell := func(typ string, id int64) { s.ask(message.Message{Source: "awaken", Type: typ, Launch: id}) }
		tell("failure", 13)
		s.exits(13, 2)
		s.wantsAlert("launch w.awaken", "worker failed", "")
		tell("failure", 7)
		s.wantsAlert("report awaken", "worker failed", "launch 7 sent it, of which this manager knows nothing any more")
		tell("success", 7)
		s.wantsNoAlert("report awaken")
		s.wantsAlert("launch w.awaken", "worker failed", "")
	})
}

func TestWhatAnEndedLaunchLeftBehindReportsForIt(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.exits(1, 0)
		s.wantsAlert("launch w.awaken", "worker lost", "without a report")
		s.says(1, byLaunch, "failure")
		s.wantsNoAlert("report awaken")
		s.wantsAlert("launch w.awaken", "worker failed", "reported failure after launch 1 had ended")
		s.says(2, byLaunch, "success")
		s.wantsNoAlert("launch w.awaken")
		for n := range int64(2) {
			if m, _, _ := s.store.Message(t.Context(), n+1); m.Launch != 1 {
				t.Errorf("message %d: got launch %d, want 1", n+1, m.Launch)
			}
		}
	})
}

func TestAConnectionIsLookedAtAnewInEachBatch(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.launch("w.awaken", "another")
		s.says(1, byLaunch, "failure")
		s.processes.behind = map[string]int64{byLaunch: 2} // the port is another's by now
		s.says(2, byLaunch, "success")
		if got := s.store.launch(2).Reports; len(got) != 1 || got[0].Guess {
			t.Errorf("got %+v on the record of launch 2, want its success", got)
		}
		if got := s.store.launch(1).Reports; len(got) != 1 || got[0].Type != "failure" {
			t.Errorf("got %+v on the record of launch 1, want what it said itself", got)
		}
	})
}

func TestOnlyTheReportThatCameAgainIsNoGuessAnyMore(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		success := message.Message{Source: "awaken", Type: "success"}
		s.give(ticket(1, 0, byLaunch), success)
		s.give(ticket(2, 0, "192.0.2.1:4711"), message.Message{Source: "awaken", Type: "crash"})
		s.give(ticket(1, again|orphan, ""), success)
		s.pass(time.Millisecond)
		if got := s.store.launch(1).Reports; len(got) != 2 || got[0].Guess || !got[1].Guess {
			t.Errorf("got %+v, want the crash to be a guess still", got)
		}
	})
}

func TestASuccessThatNamesAForgottenLaunchIsNotTheWordOfTheOneThatRuns(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken"), 3)
		for i := range engine.KeepLaunches + 10 {
			s.exits(s.launch("w.b", fmt.Sprint(i)), 0)
		}
		id := s.launch("w.awaken", "next")
		s.give(ticket(1, 0, "192.0.2.1:4711"), message.Message{Source: "awaken", Type: "success", Launch: 1})
		s.pass(time.Millisecond)
		s.exits(id, 0)
		if got := s.store.launch(id); got.State != launch.Lost || len(got.Reports) != 0 {
			t.Errorf("launch %d: got %v with %+v, want it lost without a report", id, got.State, got.Reports)
		}
	})
}
