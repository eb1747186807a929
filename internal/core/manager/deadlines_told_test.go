package manager

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

func TestAMissingWorkerThatIsLaunchedAndFailsIsNamedByItsLaunch(t *testing.T) {
	local(t)
	play(t, byHalfPastFive, func(t *testing.T, s *scene) {
		const key = "deadline awaken 2000-01-01"
		s.pass(5*time.Hour + 30*time.Minute)
		s.wantsAlert(key, "missing", "nothing was launched today")
		id := s.launch("w.awaken")
		s.wantsAlert(key, "late", fmt.Sprintf("launch %d is running since 05:30", id))
		s.exits(id, 1)
		s.wantsAlert(key, "late", fmt.Sprintf("launch %d %s at 05:30", id, launch.Crashed))
		if a := s.alert(key); a.Launch != id || a.Count > 1 || a.Offer == "" {
			t.Errorf("got %+v, want launch %d, counted once, with an offer", a, id)
		}
		s.succeeds(s.launch("w.awaken"))
		s.wantsNoAlert(key)
	})
}

func TestADeadlineThatIsGivenAfterItsTimeCountsFromTheNextDayOn(t *testing.T) {
	local(t)
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.pass(14 * time.Hour)
		c := *s.config
		c.Registry.Workers = maps.Clone(c.Registry.Workers)
		w := c.Registry.Workers["awaken"]
		w.Policy = byHalfPastFive
		c.Registry.Workers["awaken"] = w
		if err := s.Reload(context.Background(), Change{Config: &c}); err != nil {
			t.Fatal(err)
		}
		s.pass(9 * time.Hour)
		s.wantsNoAlert("deadline")
		s.pass(7 * time.Hour) // 06:00 of the next day
		s.wantsAlert("deadline awaken 2000-01-02", "missing", "nothing was launched today")
		s.wantsLog("ERROR awaken has not succeeded by 05:30: nothing was launched today")
	})
}

func TestTheLogSaysWhatFollowsAReportedFailure(t *testing.T) {
	play(t, thrice, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		for id := int64(1); id <= 3; id++ {
			s.ask(message.Message{Source: "awaken", Type: "failure", Launch: id})
			s.exits(id, 0)
			s.pass(time.Hour)
		}
		s.wantsLog("WARN launch of awaken failed: ")
		s.wantsLog("it is tried again at ")
		s.wantsLog("INFO launching w.awaken: retry 1 of 2 of launch 1")
		s.wantsLog("gave up after 3 attempts")
	})
}

func TestAWorkerWithoutARuleIsWarnedOfAfterEachLoad(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.pass(time.Millisecond)
		s.wantsLog("WARN no function after_awaken, but awaken is in the message registry")
		s.reload()
		if n := s.logged("WARN no function after_awaken"); n != 2 {
			t.Errorf("it was said %d times, want twice", n)
		}
	})
}

func (s *scene) wantsLog(text string) {
	s.t.Helper()
	if s.logged(text) == 0 {
		s.t.Errorf("no line of the log has %q in it", text)
	}
}

func (s *scene) logged(text string) (n int) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	for _, line := range s.logs.text {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func TestAMissingWorkerWhoseLaunchWaitsIsNamedByItsLaunch(t *testing.T) {
	local(t)
	one := byHalfPastFive
	one.Concurrency = 1
	play(t, one, func(t *testing.T, s *scene) {
		s.launch("w.awaken") // and runs all day
		const key = "deadline awaken 2000-01-02"
		s.pass(29*time.Hour + 30*time.Minute)
		s.wantsAlert(key, "missing", "nothing was launched today")
		id := s.launch("w.awaken", "again")
		s.wants(id, launch.Decided)
		s.wantsAlert(key, "late", fmt.Sprintf("launch %d is decided", id))
	})
}
