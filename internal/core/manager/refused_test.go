package manager

import (
	"testing"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

func TestALaunchWhoseReportWasRefusedSaysSo(t *testing.T) {
	const why = `its report "success plots" was refused: that type is not in the message registry as the manager read it; add it, send SIGHUP to nowcastd up and relaunch`
	for name, c := range map[string]struct {
		status int
		state  launch.State
		note   string
	}{
		"and ends with status 0": {0, launch.Lost, "exited with status 0; " + why},
		"and ends with status 1": {1, launch.Crashed, "exited with status 1; " + why},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, config.Policy{}, func(t *testing.T, s *scene) {
				s.running()
				s.says(1, byLaunch, "success plots")
				s.restart() // which does not forget it
				s.exits(1, c.status)
				s.wants(1, c.state)
				if l := s.store.launch(1); l.Note != c.note || len(l.Reports) != 0 {
					t.Errorf("got the note %q and reports %+v, want %q and none", l.Note, l.Reports, c.note)
				}
				s.wantsAlert("launch w.awaken", "worker "+string(c.state), "w.awaken: "+c.note)
			})
		})
	}
}

func TestAReportThatIsTakenCountsWhateverElseWasRefused(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byLaunch, "success")
		s.says(2, byLaunch, "crashed plots")
		s.exits(1, 0)
		s.wants(1, launch.Succeeded)
	})
}

func TestAReportByHandThatIsRefusedIsNotTheLaunchs(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.running()
		s.says(1, byHand, "success plots")
		s.exits(1, 0)
		s.wants(1, launch.Lost)
		s.wantsAlert("launch w.awaken", "worker lost", "exited with status 0 without a report")
	})
}
