package manager

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

var thrice = config.Policy{Retries: config.Retries{Most: 2, Wait: time.Minute, LongestWait: time.Hour}}

func TestALaunchThatEndedBadlyIsTriedAgain(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		first := s.launch("w.awaken", "x")
		s.exits(first, 3)
		retry := s.store.launch(2)
		if retry.State != launch.Decided || retry.Attempt != 2 || retry.Parent != first || retry.Cause != "retry 1 of 2 of launch 1" || retry.NextWorker.String() != "w.awaken x" {
			t.Fatalf("got %+v", retry)
		}
		if retry.Waits == "" || s.store.launch(first).Superseded != 2 {
			t.Errorf("got waits %q, superseded by %d", retry.Waits, s.store.launch(first).Superseded)
		}
		s.wantsAlert("launch w.awaken x", "worker crashed", "exited with status 3 and no report; it is tried again at "+retry.NotBefore.Local().Format("15:04:05")+" (1 of 2)")
		s.pass(59 * time.Second)
		s.wants(2, launch.Decided)
		s.pass(time.Second)
		s.wants(2, launch.Running)
		if waits := s.store.launch(2).Waits; waits != "" {
			t.Errorf("it runs and still waits %q", waits)
		}
		s.exits(2, 4)
		s.pass(119 * time.Second)
		s.wants(3, launch.Decided)
		s.pass(time.Second)
		s.wants(3, launch.Running)
		s.succeeds(3)
		if a := s.alert("launch w.awaken x"); a.Open() || a.Count != 2 || a.End != "launch 3 succeeded" {
			t.Errorf("got alert %+v, want one for all, ended", a)
		}
	})
}

func TestAfterTheLastRetryItGivesUp(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		for id := int64(1); id <= 3; id++ {
			s.ask(message.Message{Source: "awaken", Type: "failure", Launch: id})
			s.exits(id, 0)
			s.pass(time.Hour)
		}
		if last := s.lastID(); last != 3 {
			t.Errorf("got %d launches, want 3", last)
		}
		s.wantsAlert("launch w.awaken", "worker failed", "gave up after 3 attempts")
		again := s.launch("w.awaken")
		s.succeeds(again)
		s.wantsNoAlert("launch w.awaken")
	})
}

func TestAnEarlierLaunchDoesNotMakeALaterOneGood(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.exits(s.launch("w.awaken"), 1)
		s.succeeds(1)
		s.wantsAlert("launch w.awaken", "worker crashed", "")
		s.succeeds(s.launch("w.awaken"))
		s.wantsNoAlert("launch")
	})
}

func TestARelaunchWithOtherArgumentsMakesGoodWhatItReplaced(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken", "x"), 1)
		s.do(control.CmdKill, `{"launch": 2, "signal": "TERM"}`)
		s.do(control.CmdRelaunch, `{"launch": 2, "args": ["x"]}`)
		s.pass(time.Millisecond)
		s.succeeds(3)
		s.wantsNoAlert("launch")
	})
}

func TestWhatAnOperatorEndedIsNotTriedAgain(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.do(control.CmdKill, `{"launch": 1, "signal": "TERM"}`)
		s.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Signal: "terminated"}
		s.pass(time.Hour)
		s.wants(1, launch.Killed)
		if last := s.lastID(); last != 1 {
			t.Errorf("got %d launches, want 1", last)
		}
		s.wantsNoAlert("launch")
	})
}

func TestARetryIsCalledOffByAnOperator(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken"), 3)
		if r := s.do(control.CmdKill, `{"launch": 2, "signal": "TERM"}`); r.Error != "" {
			t.Fatal(r.Error)
		}
		s.pass(time.Hour)
		s.wants(2, launch.Killed)
		if note := s.store.launch(2).Note; note != "killed by sue@host, called off before it was started" {
			t.Errorf("got note %q", note)
		}
		if n := s.count("start w.awaken"); n != 1 {
			t.Errorf("got %d starts, want 1", n)
		}
		s.wantsAlert("launch w.awaken", "worker crashed", "exited with status 3 and no report; it is tried again at")
		if a := s.alert("launch"); !strings.HasSuffix(a.Message, "; retry called off by sue@host") || a.Count > 1 || a.Launch != 1 {
			t.Errorf("got %+v, want the cause, and who called the retry off", a)
		}
	})
}

func TestARelaunchHasTheRetryStartAtOnce(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken"), 1)
		if r := s.do(control.CmdRelaunch, `{"launch": 1}`); r.Error != "" {
			t.Fatal(r.Error)
		}
		s.pass(time.Millisecond)
		s.wants(2, launch.Running)
		if l := s.store.launch(2); s.lastID() != 2 || l.Cause != "retry 1 of 2 of launch 1, at once by sue@host" {
			t.Errorf("got %d launches, cause %q", s.lastID(), l.Cause)
		}
		s.do(control.CmdRelaunch, `{"launch": 1, "args": ["other"]}`)
		if l := s.store.launch(3); l.NextWorker.String() != "w.awaken other" {
			t.Errorf("with other arguments it is another launch: got %+v", l)
		}
	})
}

func TestARetrySurvivesARestart(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken"), 1)
		s.pass(20 * time.Second)
		s.restart()
		s.wants(2, launch.Decided)
		s.pass(39 * time.Second)
		s.wants(2, launch.Decided)
		s.pass(time.Second)
		s.wants(2, launch.Running)
		if last, n := s.lastID(), s.count("start w.awaken"); last != 2 || n != 2 {
			t.Errorf("got %d launches, %d starts, want 2", last, n)
		}
	})
}

func TestWhatCouldNotBeLaunchedAtAllIsNotTriedAgain(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.rule("sleep", launch.Next{Workers: []launch.NextWorker{{Module: "w.awaken", Host: "nowhere"}}})
		s.ask(report("sleep", nil))
		s.pass(time.Hour)
		if last := s.lastID(); last != 1 {
			t.Errorf("got %d launches, want 1", last)
		}
		s.wantsAlert("launch w.awaken on nowhere", "worker crashed", "enabled hosts")
	})
}

func TestWhatFollowsFromAnAlertSaysSo(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.rule("awaken", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
		s.launch("w.awaken")
		s.ask(message.Message{Source: "awaken", Type: "failure", Launch: 1})
		s.exits(1, 0)
		s.exits(2, 1)
		if a := s.alert("launch w.b"); a.Because != "launch w.awaken" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestALaterLaunchWithAnotherDateMakesGood(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken", "forecast", "--run-date", "2031-05-17"), 1)
		s.exits(s.launch("w.awaken", "nowcast", "--run-date", "2031-05-17"), 1)
		s.exits(s.launch("w.awaken", "forecast", "--run-date", "2031-05-18"), 1)
		s.restart()
		s.succeeds(s.launch("w.awaken", "forecast", "--run-date", "2031-05-19"))
		s.wantsNoAlert("launch w.awaken forecast --run-date 2031-05-17")
		s.wantsNoAlert("launch w.awaken forecast --run-date 2031-05-18")
		s.wantsAlert("launch w.awaken nowcast", "worker crashed", "")
	})
}

func TestWhatMayStillRunIsNotMadeGoodByAnotherDay(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.launch("w.awaken", "17")
		s.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Unknown: true, Err: errors.New("the connection broke")}
		s.pass(time.Millisecond)
		s.succeeds(s.launch("w.awaken", "18"))
		s.wantsAlert("launch w.awaken 17", "launch in doubt", "")
	})
}

func TestWhatAnOperatorEndsIsNoFailureOfItsOwn(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.exits(s.launch("w.awaken"), 3)
		again := s.launch("w.awaken")
		s.do(control.CmdKill, `{"launch": 2, "signal": "TERM"}`)
		s.processes.exits <- launch.Exit{ID: again, Time: time.Now(), Status: -1, Signal: "terminated"}
		s.pass(time.Millisecond)
		s.wants(again, launch.Killed)
		s.wantsAlert("launch w.awaken", "worker crashed", "exited with status 3 and no report; launch 2 was ended by sue@host")
		if a := s.alert("launch"); a.Count > 1 || a.Launch != 1 {
			t.Errorf("got %+v, want the alert about launch 1, counted once", a)
		}
	})
}

func TestKillSaysWhatItDid(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		did := func(id int64) string {
			var k control.Killed
			r := s.do(control.CmdKill, fmt.Sprintf(`{"launch": %d, "signal": "TERM"}`, id))
			if err := json.Unmarshal(r.Result, &k); err != nil || k.ID != id {
				t.Errorf("got %s: %v", r.Result, err)
			}
			return k.Did
		}
		if got, want := did(s.launch("w.awaken", "1")), "was sent TERM"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		s.exits(s.launch("w.awaken", "2"), 1)
		if got, want := did(3), "was called off before it was started"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		s.launch("w.awaken", "4")
		s.processes.exits <- launch.Exit{ID: 4, Time: time.Now(), Status: -1, Unknown: true, Err: errors.New("the connection broke")}
		s.pass(time.Millisecond)
		if got, want := did(4), "was given up; it may still run on "; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		s.wants(4, launch.Lost)
	})
}
