package manager

import (
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
)

func TestABarrierThatWaitsTooLong(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.rule("a", launch.Next{Await: []string{"b"}})
		s.rule("b", launch.Next{})
		s.ask(report("a", nil))
		s.pass(24*time.Hour - time.Second)
		s.wantsNoAlert("barrier")
		s.pass(2 * time.Second)
		s.wantsAlert("barrier 1", "barrier waits", "waits for b and holds nothing: it is open for longer than 1 day")
		if a := s.alert("barrier"); a.Offer != control.CmdRelease || string(a.Args) != `{"barrier":1}` {
			t.Errorf("got %+v", a)
		}
		s.ask(report("b", nil))
		s.pass(time.Millisecond)
		s.wantsNoAlert("barrier")
	})
}

func TestABarrierWhoseMemberIsLost(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.rule("a", launch.Next{Await: []string{"b", "b"}, Workers: []launch.NextWorker{{Module: "w.b", Args: []string{"1"}, Host: launch.Localhost}, {Module: "w.b", Args: []string{"2"}, Host: launch.Localhost}}})
		s.rule("b", launch.Next{})
		s.ask(report("a", nil))
		s.pass(time.Millisecond)
		s.succeeds(1)
		s.wantsNoAlert("barrier")
		s.exits(2, 0)
		s.wants(2, launch.Lost)
		s.wantsAlert("barrier 1", "barrier waits", "launch 2 of b ended without a report, so it will not open by itself")
		if a := s.alert("barrier"); a.Because != "launch w.b 2" {
			t.Errorf("got because %q", a.Because)
		}
		s.do(control.CmdRelaunch, `{"launch": 2}`)
		s.pass(time.Millisecond)
		s.succeeds(3)
		s.wantsNoAlert("")
	})
}

func TestABarrierDoesNotGiveUpAMemberThatIsTriedAgain(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.rule("a", launch.Next{Await: []string{"awaken now"}, Workers: []launch.NextWorker{{Module: "w.awaken", Args: []string{"now"}, Host: launch.Localhost}}})
		s.ask(report("a", nil))
		s.pass(time.Millisecond)
		s.exits(1, 1)
		s.wantsNoAlert("barrier")
		s.pass(time.Minute)
		s.succeeds(2)
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		if len(s.store.barriers) > 0 {
			t.Errorf("the barrier is still open: %+v", s.store.barriers)
		}
	})
}
