package scheduler

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
)

var (
	daily  = config.Scheduled{Every: "day", At: "05:15"}
	hourly = config.Scheduled{Every: "hour", At: ":30"}
)

func TestWhatIsDueIsLaunchedInTimeAndInTheOrderOfTheFile(t *testing.T) {
	bubble(t, "a day", func(t *testing.T, w *world) {
		w.start(config.Scheduled{Module: "nowcast.workers.download", Every: "day", At: "05:15", Args: []string{"00", "--debug"}},
			config.Scheduled{Module: "sleep", Cron: "15 5 * * *"}, config.Scheduled{Module: "sleep", Every: "hour", At: "30:05"})
		w.next("download", "2000-01-01 05:15:00")
		w.until("05:30:10")
		w.launched(
			"00:30:05.000 scheduler sleep schedule/sleep/2000-01-01T00:30:05Z", "01:30:05.000", "02:30:05.000", "03:30:05.000", "04:30:05.000",
			"05:15:00.000 scheduler nowcast.workers.download 00 --debug schedule/download/2000-01-01T05:15:00Z",
			"05:15:00.000 scheduler sleep schedule/sleep/2000-01-01T05:15:00Z", "05:30:05.000")
		w.next("download", "2000-01-02 05:15:00")
		w.notes("download", "05:15 6")
		w.logged("level=INFO", "download is launched as launch 6")
		for range 20 {
			w.pass(time.Hour)
		}
		if got := w.entry("sleep#2").Runs; len(got) != keepRuns || got[0].Due.Hour() != 16 {
			t.Errorf("got the runs %v, want the last %d", got, keepRuns)
		}
	})
}

func TestAManagerThatIsDownIsWaitedFor(t *testing.T) {
	bubble(t, "down, and started again", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.down = true })
		w.start(hourly, daily)
		w.until("02:00:00")
		w.launched()
		if got := w.entry("sleep").Problem; !strings.Contains(got, "due at 2000-01-01 00:30:00 UTC, waits for the manager: launch: no answer") {
			t.Errorf("got the problem %q", got)
		}
		w.logged("level=WARN", "sleep is launched late, as soon as the manager answers: it was due at 2000-01-01 00:30:00 UTC")
		w.manager.set(func() { w.manager.down = false })
		w.pass(time.Minute)
		w.launched("02:00:0")
		w.notes("sleep", "00:30 1: the manager did not answer until 2000-01-01 02:00:02 UTC; 1 due time beside this one left out")
		if got := w.entry("sleep").Problem; got != "" {
			t.Errorf("got the problem %q after the launch", got)
		}
		w.next("sleep", "2000-01-01 02:30:00")
		if got := strings.Count(w.text(), "level=WARN"); got != 2 {
			t.Errorf("got %d warnings, want one when it waits and one when it is launched\n%s", got, w.text())
		}
	})
	bubble(t, "its answer is lost", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.deaf = true })
		w.start(hourly)
		w.until("00:31:00")
		w.manager.set(func() { w.manager.deaf = false })
		w.pass(time.Minute)
		w.launched("00:30:00.000")
	})
	bubble(t, "a refusal is an alert, and the next time is another", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.refuses = "launch: sleep is not in message registry: workers" })
		w.start(hourly)
		w.until("00:31:00")
		w.notes("sleep", "00:30 0: the manager refused it: launch: sleep is not in message registry: workers")
		w.logged("level=ERROR", "sleep was due at 2000-01-01 00:30:00 UTC and is not launched")
		if _, got := w.tellings(); len(got) != 1 || got[0].Offer != control.CmdRunNow || string(got[0].Args) != `{"entry":"sleep"}` || got[0].Worker != "sleep" {
			t.Errorf("got the alerts %+v", got)
		}
		w.manager.set(func() { w.manager.refuses = "" })
		w.until("01:31:00")
		w.launched("01:30:00.000")
		if _, got := w.tellings(); len(got) != 1 || got[0].Ended == nil || got[0].End != "it was launched when it was due next, as launch 1" {
			t.Errorf("got %+v, want the end of the alert", got)
		}
	})
}

func TestASchedulerThatIsKilledWhileItAsksLaunchesOnce(t *testing.T) {
	for name, entry := range map[string]config.Scheduled{"missed: report": daily, "missed: skip": {Every: "day", At: "05:15", Missed: "skip"}, "missed: run": {Every: "day", At: "05:15", Missed: "run"}} {
		for what, launched := range map[string]bool{"the manager has launched": true, "the manager has heard nothing": false} {
			bubble(t, name+", "+what, func(t *testing.T, w *world) {
				w.manager.set(func() { w.manager.deaf, w.manager.down = launched, !launched })
				w.start(entry)
				w.until("05:15:01")
				w.stop()
				w.manager.set(func() { w.manager.deaf, w.manager.down = false, false })
				w.until("05:20:00")
				w.start(entry)
				w.pass(time.Minute)
				when := "05:20:00.000"
				if launched {
					when = "05:15:00.000"
				}
				w.launched(when + " scheduler sleep schedule/sleep/2000-01-01T05:15:00Z")
				w.notes("sleep", "05:15 1: asked again after a restart of the scheduler")
				w.next("sleep", "2000-01-02 05:15:00")
			})
		}
	}
}

func TestWhatPassedWhileTheSchedulerWasDown(t *testing.T) {
	for _, tc := range []struct {
		missed   string
		launches []string
		note     string
		log      string
		alerts   int
	}{
		{"report", nil, "03:30 0: the scheduler was down; 2 due times before this one left out; reported", "level=WARN", 1},
		{"skip", nil, "03:30 0: the scheduler was down; 2 due times before this one left out", "level=INFO", 0},
		{"run", []string{"04:00:00.000 scheduler sleep schedule/sleep/2000-01-01T03:30:00Z"}, "03:30 1: the scheduler was down; 2 due times before this one left out", "level=WARN", 0},
	} {
		bubble(t, tc.missed, func(t *testing.T, w *world) {
			entry := hourly
			entry.Missed = tc.missed
			w.start(entry)
			w.until("00:45:00")
			w.stop()
			w.until("04:00:00")
			w.start(entry)
			w.launched(append([]string{"00:30:00.000"}, tc.launches...)...)
			w.notes("sleep", "00:30 1", strings.Replace(tc.note, "03:30 1:", "03:30 2:", 1))
			w.logged(tc.log, "3 due times of sleep passed while the scheduler was down, the newest at 2000-01-01 03:30:00 UTC")
			if _, got := w.tellings(); len(got) != tc.alerts {
				t.Errorf("got the alerts %+v, want %d", got, tc.alerts)
			}
			w.until("04:31:00")
			if got := w.manager.launches(); !strings.HasPrefix(got[len(got)-1], "04:30:00.000") {
				t.Errorf("got %s as the last launch, want one at 04:30", got[len(got)-1])
			}
		})
	}
	bubble(t, "nothing at the first start, and nothing for another schedule under the same name", func(t *testing.T, w *world) {
		run := daily
		run.Missed = "run"
		w.start(run)
		w.stop()
		w.until("06:00:00")
		run.At = "05:45"
		w.start(run)
		w.launched()
		w.notes("sleep")
	})
	bubble(t, "an entry without at counts on from its last due time", func(t *testing.T, w *world) {
		w.start(config.Scheduled{Every: "day"})
		for range 3 {
			w.pass(17 * time.Hour)
			w.stop()
			w.start(config.Scheduled{Every: "day"})
		}
		w.launched("00:00:00.000", "00:00:00.000")
	})
}

func TestAClockThatIsSet(t *testing.T) {
	bubble(t, "forward past a due time, which is launched late", func(t *testing.T, w *world) {
		w.start(daily)
		w.until("04:50:00")
		w.offset.Store(int64(time.Hour))
		w.pass(time.Minute)
		w.launched("04:50:") // that is how long it takes to notice
		w.notes("sleep", "05:15 1: the clock was set forward, or this host was asleep")
		w.pass(23 * time.Hour)
		w.launched("04:50:")
		w.pass(time.Hour)
		w.launched("04:50:", "04:15:00")
	})
	bubble(t, "back past a due time, which is not launched again", func(t *testing.T, w *world) {
		w.start(daily)
		w.until("05:30:00")
		w.offset.Store(int64(-time.Hour))
		w.pass(2 * time.Hour)
		w.launched("05:15:00.000")
		w.pass(23 * time.Hour)
		w.launched("05:15:00.000", "06:15:00")
	})
	bubble(t, "back by years, after it was wrong", func(t *testing.T, w *world) {
		w.offset.Store(int64(5 * 365 * day))
		w.start(hourly)
		w.until("00:45:00")
		w.offset.Store(int64(0))
		w.pass(time.Hour)
		w.launched("00:30:00.000 scheduler sleep schedule/sleep/2004-12-30T00:30:00Z", "01:30:00.000 scheduler sleep schedule/sleep/2000-01-01T01:30:00Z")
		w.logged("level=WARN", "the clock was set back by hours: sleep is due again from now on")
	})
	bubble(t, "forward past many due times, of which the newest is launched", func(t *testing.T, w *world) {
		w.start(hourly)
		w.offset.Store(int64(10 * time.Hour))
		w.pass(time.Minute)
		w.notes("sleep", "09:30 1: the clock was set forward, or this host was asleep; 9 due times beside this one left out")
	})
}

func TestAStateFileThatCannotBeUsed(t *testing.T) {
	for name, text := range map[string]string{"cut off": `{"entries":{"sle`, "empty": "", "of another kind": `[1]`} {
		bubble(t, name, func(t *testing.T, w *world) {
			if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w.start(daily)
			w.logged("level=ERROR", "schedule.json cannot be used", "it is now", "schedule.json.damaged-20000101T000000Z")
			if got, err := os.ReadFile(w.file + ".damaged-20000101T000000Z"); err != nil || string(got) != text {
				t.Errorf("put aside: got %q, %v", got, err)
			}
			w.hold("sleep", false)
			w.until("05:16:00")
			w.launched("05:15:00.000")
		})
	}
	bubble(t, "cannot be written: what is due is launched all the same", func(t *testing.T, w *world) {
		w.start(daily)
		if err := os.RemoveAll(filepath.Dir(w.file)); err != nil {
			t.Fatal(err)
		}
		w.until("05:16:00")
		w.launched("05:15:00.000")
		w.logged("level=ERROR", "the state of the schedule cannot be written")
	})
	bubble(t, "of a scheduler that runs", func(t *testing.T, w *world) {
		w.start(daily)
		if _, err := New(w.Options); err == nil || !strings.Contains(err.Error(), "another scheduler works with "+w.file+": stop it first") {
			t.Errorf("a second one: got %v", err)
		}
	})
}

func TestTheScheduleIsToldAgainForThoseWhoComeLate(t *testing.T) {
	bubble(t, "with the alerts of a day", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.refuses = "no" })
		w.start(daily)
		w.until("06:00:00")
		before, _ := w.tellings()
		w.pass(time.Minute)
		if after, _ := w.tellings(); after < before+2 {
			t.Errorf("in a minute: told %d times, want twice", after-before)
		}
		w.stop()
		w.start(daily)
		if _, got := w.tellings(); len(got) != 1 || !got[0].Open() {
			t.Errorf("after a restart: got the alerts %+v, want one", got)
		}
		w.manager.set(func() { w.manager.down = true })
		w.pass(24 * time.Hour)
		if _, got := w.tellings(); len(got) != 1 || got[0].End != "a day has passed" {
			t.Errorf("after a day: got %+v, want the end of it", got)
		}
	})
}

func TestEntriesWithMistakesDisturbNoOther(t *testing.T) {
	bubble(t, "and say why", func(t *testing.T, w *world) {
		w.start(config.Scheduled{Module: "bad", Every: "dy", At: "05:15", Where: config.Error{File: "n.yaml", Line: 3, Key: "item 1: bad"}}, daily)
		w.logged("level=ERROR", `n.yaml:3: item 1: bad: every: is \"dy\", which is no unit`)
		if e := w.entry("bad"); e.Problem == "" || !e.Next.IsZero() {
			t.Errorf("got %+v, want a problem and no due time", e)
		}
		w.until("05:16:00")
		w.launched("05:15:00.000 scheduler sleep")
		synctest.Wait()
	})
}
