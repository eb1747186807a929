package manager

import (
	"fmt"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
)

// local has the day begin at midnight UTC, when bubbles do.
func local(t *testing.T) {
	was := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = was })
}

var byHalfPastFive = config.Policy{Deadline: config.Deadline{Set: true, Hour: 5, Minute: 30, Days: [7]bool{true, true, true, true, true, true, true}}}

func TestADeadlineThatIsMissed(t *testing.T) {
	local(t)
	play(t, byHalfPastFive, func(t *testing.T, s *scene) {
		const first, second = "deadline awaken 2000-01-01", "deadline awaken 2000-01-02"
		s.pass(5*time.Hour + 29*time.Minute)
		s.wantsNoAlert("deadline")
		s.pass(time.Minute)
		s.wantsAlert(first, "missing", "awaken has not succeeded by 05:30: nothing was launched today")
		s.succeeds(s.launch("w.awaken"))
		s.wantsNoAlert("deadline")
		s.restart()
		s.pass(10 * time.Hour)
		s.wantsNoAlert("deadline")

		s.pass(13 * time.Hour) // past 04:30 of the next day
		id := s.launch("w.awaken")
		s.pass(time.Hour)
		s.wantsAlert(second, "late", fmt.Sprintf("awaken has not succeeded by 05:30: launch %d is running since 04:", id))
		s.exits(id, 1)
		s.wantsAlert(second, "late", "")
		s.ask(report("awaken", nil)) // started by hand
		s.pass(time.Millisecond)
		s.wantsNoAlert("deadline")
	})
}

func TestADeadlineThatPassedWhileThereWasNoManager(t *testing.T) {
	local(t)
	play(t, byHalfPastFive, func(t *testing.T, s *scene) {
		id := s.launch("w.awaken")
		s.exits(id, 7)
		s.stop()
		time.Sleep(7 * time.Hour)
		s.world.start(false)
		s.pass(time.Millisecond)
		s.wantsAlert("deadline", "late", "launch 1 crashed at 00:00")
		if a := s.alert("deadline"); a.Because != "" || a.Offer != control.CmdRelaunch {
			t.Errorf("got %+v", a)
		}
		s.restart()
		if n := len(s.store.alerts); n != 2 {
			t.Errorf("got %d alerts, want 2", n)
		}
	})
}

func TestAWorkerThatIsNotLaunchedAnyMore(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		for range 6 {
			s.succeeds(s.launch("w.awaken"))
			s.pass(24 * time.Hour)
		}
		s.pass(47 * time.Hour)
		s.wantsNoAlert("silent")
		s.pass(2 * time.Hour)
		s.wantsAlert("silent awaken", "silent", "awaken was last launched 3 days ago; usually every 1 day")
		s.launch("w.awaken")
		s.wantsNoAlert("silent")
	})
}
