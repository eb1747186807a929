package scheduler

import (
	"strings"
	"testing"
	"time"
)

// A scheduler that stops writes nothing more, so that for what is on disk stop is as good as a kill.

func TestWhatWasAnsweredSurvivesAKillRightAfter(t *testing.T) {
	bubble(t, "a hold, and its end", func(t *testing.T, w *world) {
		w.start(daily)
		for _, held := range []bool{true, false} {
			w.hold("sleep", held)
			w.stop()
			w.start(daily)
			if got := w.entry("sleep").Held; got != held {
				t.Errorf("after the restart: held is %v, want %v", got, held)
			}
		}
	})
	bubble(t, "a launch by an operator", func(t *testing.T, w *world) {
		w.start(daily)
		if _, err := w.runNow("sleep", "q1"); err != nil {
			t.Error(err)
		}
		w.stop()
		w.start(daily)
		w.notes("sleep", "00:00 1 by "+sue)
	})
	bubble(t, "a reload: what is new in it counts from there", func(t *testing.T, w *world) {
		w.start(daily)
		w.until("00:10:10")
		w.reload(daily, hourly)
		w.stop()
		w.until("00:40:00")
		w.start(daily, hourly)
		w.notes("sleep#2", "00:30 0: the scheduler was down; reported")
	})
}

func TestAClockThatIsSetBackWhileALaunchWaitsForTheManagerDelaysItNotByThat(t *testing.T) {
	bubble(t, "an hour", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.down = true })
		w.start(hourly, dayAt("00:30", "behind it"))
		w.until("00:30:01")
		w.offset.Store(int64(-time.Hour))
		w.manager.set(func() { w.manager.down = false })
		w.until("00:30:10")
		w.launched("00:30:05.200 scheduler sleep", "00:30:05.250 scheduler sleep behind it")
	})
}

func TestWhileTheManagerIsSilentTheScheduleIsToldWithAllThatWaits(t *testing.T) {
	bubble(t, "two at once", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.down = true })
		w.start(hourly, hourly)
		w.until("00:30:06")                                                                   // no tick has come since the first was silent
		if got := w.entry("sleep").Problem; !strings.Contains(got, "waits for the manager") { // it compares with what was told
			t.Errorf("got the problem %q", got)
		}
	})
}
