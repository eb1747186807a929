package manager

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

func TestALateReportIsKnownHoweverManyHaveEndedMeanwhile(t *testing.T) {
	for _, after := range []string{"at once", "restart", "more ends", "more ends, and it names its launch"} {
		play(t, config.Policy{}, func(t *testing.T, s *scene) {
			first := s.launch("w.awaken", "long")
			for i := range 110 {
				s.exits(s.launch("w.b", fmt.Sprint(i)), 0)
			}
			s.processes.exits <- launch.Exit{ID: first, Time: time.Now(), Status: 3}
			s.pass(time.Second)
			if r := s.do(control.CmdRelaunch, fmt.Sprintf(`{"launch":%d}`, first)); !r.OK {
				t.Fatal(r.Error)
			}
			s.pass(time.Second)
			switch after {
			case "restart":
				s.restart()
			case "more ends", "more ends, and it names its launch":
				for i := range engine.KeepLaunches + 10 {
					s.exits(s.launch("w.b", fmt.Sprint("later ", i)), 0)
				}
			}
			late := report("awaken", "late")
			if strings.HasSuffix(after, "names its launch") {
				late.Launch = first
			} else {
				s.processes.behind = map[string]int64{"127.0.0.1:4711": first}
			}
			s.give(ticket(1, 0, "127.0.0.1:4711"), late)
			s.pass(time.Second)
			m, _, _ := s.store.Message(context.Background(), 1)
			if m.Launch != first || m.Op != "" {
				t.Errorf("%s: the late report of launch %d: got launch %d, change %q, want it recorded and nothing changed", after, first, m.Launch, m.Op)
			}
		})
	}
}
