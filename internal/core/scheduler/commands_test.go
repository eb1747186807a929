package scheduler

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
)

const sue = "sue@salish"

func (w *world) hold(id string, held bool) {
	w.t.Helper()
	if err := w.holds(id, held); err != nil {
		w.t.Error(err)
	}
}

func (w *world) holds(id string, held bool) error {
	_, err := w.Hold(w.t.Context(), control.Request{Author: sue}, control.HoldArgs{Entry: id, Held: held})
	return err
}

func TestAHeldEntryIsNotLaunched(t *testing.T) {
	bubble(t, "until it is resumed, also after a restart", func(t *testing.T, w *world) {
		w.start(hourly, daily)
		w.hold("sleep", true)
		if e := w.entry("sleep"); !e.Held {
			t.Errorf("got %+v, want it held", e)
		}
		w.until("00:45:00")
		w.stop()
		w.until("02:00:00")
		w.start(hourly, daily)
		w.until("02:45:00")
		w.launched()
		w.notes("sleep", "00:30 0: held by "+sue, "01:30 0: held by "+sue, "02:30 0: held by "+sue)
		w.hold("sleep", false)
		w.hold("sleep", false)
		w.until("03:45:00")
		w.launched("03:30:00.000")
		w.logged("level=INFO", sue+" asked for hold sleep")
		if n := strings.Count(w.text(), "asked for resume sleep"); n != 1 {
			t.Errorf("the end of the hold was logged %d times, want once", n)
		}
	})
}

func (w *world) runNow(id, request string) (int64, error) {
	l, err := w.RunNow(w.t.Context(), control.Request{ID: request, Author: sue}, control.EntryArgs{Entry: id})
	if err != nil {
		return 0, err
	}
	return l.(launch.Launch).ID, nil
}

func TestRunNow(t *testing.T) {
	bubble(t, "launches in the operator's name, once for a request", func(t *testing.T, w *world) {
		w.start(daily)
		w.hold("sleep", true)
		w.until("04:00:00")
		for range 2 {
			if id, err := w.runNow("sleep", "q1"); id != 1 || err != nil {
				t.Errorf("got launch %d, %v", id, err)
			}
		}
		w.launched("04:00:00.000 " + sue + " sleep schedule/sleep/run/q1")
		w.notes("sleep", "04:00 1 by "+sue)
		w.next("sleep", "2000-01-01 05:15:00")
		w.logged("level=INFO", sue+" asked for sleep now: launch 1")
	})
	bubble(t, "settles the report of what was missed", func(t *testing.T, w *world) {
		w.start(daily)
		w.stop()
		w.until("06:00:00")
		w.start(daily)
		if _, got := w.tellings(); len(got) != 1 {
			t.Fatalf("got the alerts %+v, want one", got)
		}
		if _, err := w.runNow("sleep", "q1"); err != nil {
			t.Error(err)
		}
		if _, got := w.tellings(); len(got) != 1 || got[0].Ended == nil || got[0].End != sue+" had it launched, as launch 1" {
			t.Errorf("got %+v, want the end of the alert", got)
		}
		w.stop()
		w.start(daily)
		if _, got := w.tellings(); len(got) != 0 {
			t.Errorf("after a restart: got %+v", got)
		}
	})
	bubble(t, "cannot be done", func(t *testing.T, w *world) {
		w.start(daily)
		if _, err := w.runNow("slep", "q1"); err == nil || err.Error() != `the schedule has no entry "slep": it has sleep` {
			t.Errorf("an unknown entry: got %v", err)
		}
		w.manager.set(func() { w.manager.refuses = "launch: not today" })
		if _, err := w.runNow("sleep", "q2"); err == nil || err.Error() != "launch: not today" {
			t.Errorf("a refusal: got %v", err)
		}
		w.manager.set(func() { w.manager.refuses, w.manager.down = "", true })
		if _, err := w.runNow("sleep", "q3"); err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("without a manager: got %v", err)
		}
		w.manager.set(func() { w.manager.down = false })
		w.notes("sleep")
		w.launched()
		w.stop()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.Schedule(ctx, control.Request{}, struct{}{}); err == nil || !strings.Contains(err.Error(), "stopping") {
			t.Errorf("a scheduler that stops: got %v", err)
		}
	})
}

func (w *world) reload(schedule ...config.Scheduled) {
	w.t.Helper()
	if err := w.Reload(w.t.Context(), named(schedule)); err != nil {
		w.t.Error(err)
	}
}

func TestReload(t *testing.T) {
	bubble(t, "adds, changes, removes, and keeps the rest", func(t *testing.T, w *world) {
		kept := config.Scheduled{Module: "kept", Every: "hour"} // counted from the start
		w.start(kept, daily, config.Scheduled{Module: "gone", Every: "day", At: "06:00"})
		w.hold("sleep", true)
		w.until("00:20:00")
		changed := daily
		changed.At = "05:45"
		w.reload(config.Scheduled{Module: "new", Every: "day", At: "00:30"}, changed, kept)
		w.next("new", "2000-01-01 00:30:00")
		w.next("kept", "2000-01-01 01:00:00")
		w.next("sleep", "2000-01-01 05:45:00")
		if !w.entry("sleep").Held {
			t.Error("sleep is not held any more")
		}
		w.hold("sleep", false)
		for _, text := range []string{"schedule: new is new: new, every day at 00:30", "schedule: sleep has changed: sleep, every day at 05:45", "schedule: gone is gone: gone, every day at 06:00"} {
			w.logged("level=INFO", text)
		}
		if strings.Contains(w.text(), "kept") {
			t.Errorf("got the log\n%s\nwant nothing about what is kept", w.text())
		}
		w.until("06:10:00")
		w.launched("00:30:00.000 scheduler new", "01:00:00.000 scheduler kept", "02:", "03:", "04:", "05:00:00.000 scheduler kept", "05:45:00.000 scheduler sleep", "06:00:00.000 scheduler kept")
	})
	bubble(t, "leaves what the manager is asked for alone", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.down = true })
		w.start(hourly, config.Scheduled{Module: "other", Every: "hour", At: ":30"}, config.Scheduled{Module: "gone", Every: "hour", At: ":30"})
		w.until("00:31:00")
		for range 3 {
			w.reload(hourly, config.Scheduled{Module: "other", Every: "hour", At: ":30"})
		}
		w.manager.set(func() { w.manager.down = false })
		w.pass(time.Minute)
		w.launched("00:31:", "00:31:")
		w.next("other", "2000-01-01 01:30:00")
	})
	bubble(t, "at the moment when something is due by the old configuration", func(t *testing.T, w *world) {
		w.start(daily)
		w.until("04:50:10")
		w.offset.Store(int64(time.Hour)) // nobody has noticed yet
		w.reload()
		synctest.Wait()
		w.launched("04:50:10.000 scheduler sleep")
	})
	bubble(t, "a mistake, and its correction in time", func(t *testing.T, w *world) {
		bad := daily
		bad.Every = "dy"
		w.start(daily)
		w.reload(bad)
		w.next("sleep", "0001-01-01 00:00:00")
		w.until("05:00:00")
		w.reload(daily)
		w.next("sleep", "2000-01-01 05:15:00")
		w.until("05:16:00")
		w.launched("05:15:00.000")
	})
	bubble(t, "a mistake, and its correction too late", func(t *testing.T, w *world) {
		bad := daily
		bad.Every = "dy"
		w.start(daily)
		w.reload(bad)
		w.until("06:00:00")
		w.reload(daily)
		w.launched()
		w.notes("sleep", "05:15 0: its entry could not be used; reported")
	})
}
