package manager

import (
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
)

func TestWhatWasNeverLaunchedSaysHowToLaunchIt(t *testing.T) {
	local(t)
	play(t, byHalfPastFive, func(t *testing.T, s *scene) {
		schedule := func(entries ...config.Scheduled) {
			c := *s.config
			c.Schedule = entries
			if err := s.Reload(t.Context(), Change{Config: &c}); err != nil {
				t.Fatal(err)
			}
		}
		first := config.Scheduled{ID: "awaken", Module: "w.awaken"}
		schedule(config.Scheduled{ID: "sleep", Module: "w.sleep"}, first, config.Scheduled{ID: "awaken#2", Module: "w.awaken"}, config.Scheduled{ID: "item 4"})
		s.pass(6 * time.Hour)
		s.wantsAlert("deadline awaken 2000-01-01", "missing", "look why (nowcastd history CONFIG), or launch it: nowcastd schedule run CONFIG awaken or awaken#2")
		schedule(first)
		s.pass(24 * time.Hour)
		s.wantsAlert("deadline awaken 2000-01-02", "missing", "or launch it: nowcastd schedule run CONFIG awaken")
		schedule()
		s.pass(24 * time.Hour)
		s.wantsAlert("deadline awaken 2000-01-03", "missing", "or launch it: nowcastd launch CONFIG MODULE ARGS")
		s.succeeds(s.launch("w.awaken"))
		s.pass(24 * time.Hour)
		s.wantsAlert("deadline awaken 2000-01-04", "missing", "or launch it: nowcastd launch CONFIG w.awaken ARGS")
	})
}

func TestWhatIsNotLaunchedAnyMoreSaysWhatToDo(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		for range 6 {
			s.succeeds(s.launch("w.awaken"))
			s.pass(24 * time.Hour)
		}
		s.pass(49 * time.Hour)
		s.wantsAlert("silent awaken", "silent", "look why (nowcastd history CONFIG), or launch it: nowcastd launch CONFIG w.awaken ARGS; if it is not to be launched any more, close this (nowcastd alerts close)")
	})
}

func TestWhatTakesTooLongOffersToEndIt(t *testing.T) {
	play(t, config.Policy{Expected: time.Hour}, func(t *testing.T, s *scene) {
		id := s.launch("w.awaken")
		s.pass(3 * time.Hour)
		s.wantsAlert("late launch 1", "late", "look: nowcastd logs --launch 1 CONFIG; if it hangs, end it: nowcastd kill CONFIG 1")
		a := s.alert("late launch 1")
		if a.Offer != control.CmdKill {
			t.Fatalf("got the offer %q, want that it is ended", a.Offer)
		}
		if r := s.do(a.Offer, string(a.Args)); !r.OK {
			t.Error(r.Error)
		}
		if s.count("kill 1001 TERM") != 1 {
			t.Errorf("got %q, want that the launch got a signal", s.all())
		}
		s.exits(id, 1)
		s.wantsNoAlert("late launch 1")
	})
}

func TestADeadlineThatARunningLaunchMissesSaysWhereToLook(t *testing.T) {
	local(t)
	play(t, byHalfPastFive, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.pass(6 * time.Hour)
		s.wantsAlert("deadline", "late", "launch 1 is running since 00:00; look: nowcastd logs --launch 1 CONFIG")
	})
}

func TestAFailureByHandSaysWhatToDo(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byHand, "failure")
		s.wantsAlert("report awaken", "worker failed", "no launch of this manager sent it. Run it again, or close this (nowcastd alerts close)")
	})
}
