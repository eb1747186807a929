package scheduler

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
)

// dayAt is an entry that is due every day.
func dayAt(clock string, args ...string) config.Scheduled {
	return config.Scheduled{Every: "day", At: clock, Args: args}
}

// held returns the arguments of the entries that are held, with their times.
func (w *world) held() (all []string) {
	w.t.Helper()
	w.entry("sleep") // there is one, and what is published is true
	for _, e := range w.events {
		if e.Held {
			all = append(all, strings.Join(append(e.Worker.Args, e.When), " "))
		}
	}
	return all
}

func TestAHoldStaysWithWhatIsHeld(t *testing.T) {
	before := []config.Scheduled{dayAt("01:00", "first"), dayAt("02:00", "SECOND"), dayAt("03:00", "third")}
	nameless := []config.Scheduled{dayAt("01:00"), dayAt("02:00"), dayAt("03:00")}
	bad := dayAt("02:00", "SECOND")
	bad.Every = "dy"
	for _, tc := range []struct {
		name          string
		before, after []config.Scheduled // sleep#2 is held
		held          string             // afterwards, "" if the hold has ended
	}{
		{"the entry before it is deleted", before, before[1:], "SECOND every day at 02:00"},
		{"the entry after it is deleted", before, before[:2], "SECOND every day at 02:00"},
		{"an entry is put before it", before, slices.Insert(slices.Clone(before), 0, dayAt("00:30", "new")), "SECOND every day at 02:00"},
		{"all are turned round", before, []config.Scheduled{before[2], before[1], before[0]}, "SECOND every day at 02:00"},
		{"its time is changed", before, []config.Scheduled{before[0], dayAt("02:30", "SECOND"), before[2]}, "SECOND every day at 02:30"},
		{"its time is changed, and its place", before, []config.Scheduled{dayAt("02:30", "SECOND"), before[0]}, "SECOND every day at 02:30"},
		{"a mistake is made in it, and its place changed", before, []config.Scheduled{bad, before[2]}, "SECOND every dy at 02:00"},
		{"it is deleted", before, []config.Scheduled{before[0], before[2]}, ""},
		{"another takes its place, at the same time", before, []config.Scheduled{before[0], dayAt("02:00", "other"), before[2]}, ""},
		{"the same worker at several times, the one before it deleted", nameless, nameless[1:], "every day at 02:00"},
		{"the same worker at several times, it is deleted", nameless, []config.Scheduled{nameless[0], nameless[2]}, ""},
		{"the same worker at several times, its time is changed or it is another", nameless, []config.Scheduled{nameless[0], dayAt("02:30"), nameless[2]}, ""},
		{"the same worker is added at another time while it is deleted", before, []config.Scheduled{dayAt("04:00", "SECOND"), dayAt("05:00", "SECOND")}, ""},
		{"of the same worker at two times one is left, at a third", []config.Scheduled{before[0], before[1], dayAt("03:00", "SECOND")}, []config.Scheduled{before[0], dayAt("04:00", "SECOND")}, ""},
		{"equal entries keep their order", []config.Scheduled{before[0], before[0], before[2]}, []config.Scheduled{before[2], before[0], before[0]}, "first every day at 01:00"},
		{"of equal entries one is deleted, nobody knows which", []config.Scheduled{before[0], before[0]}, []config.Scheduled{before[0]}, ""},
	} {
		for how, change := range map[string]func(w *world){
			"by a reload":  func(w *world) { w.reload(tc.after...) },
			"by a restart": func(w *world) { w.stop(); w.start(tc.after...) },
		} {
			bubble(t, tc.name+", "+how, func(t *testing.T, w *world) {
				w.start(tc.before...)
				w.hold("sleep#2", true)
				held := w.held()[0]
				change(w)
				synctest.Wait()
				if got := strings.Join(w.held(), ", "); got != tc.held {
					t.Errorf("held is %q, want %q", got, tc.held)
				}
				_, alerts := w.tellings()
				if tc.held != "" {
					if len(alerts) != 0 || strings.Contains(w.text(), "level=WARN") {
						t.Errorf("got the alerts %+v and the log\n%s\nwant no complaint", alerts, w.text())
					}
					return
				}
				args, when, _ := strings.Cut(held, "every")
				text := "the hold by " + sue + " of sleep#2 (" + strings.TrimSpace("sleep "+args) + ", every" + when + " UTC) has ended"
				w.logged("level=WARN", text)
				if len(alerts) != 1 || alerts[0].Kind != "hold ended" || !strings.HasPrefix(alerts[0].Message, text) || alerts[0].Offer != "" || alerts[0].Worker != "sleep" {
					t.Errorf("got the alerts %+v, want one that says\n%s", alerts, text)
				}
			})
		}
	}
	bubble(t, "and nothing but what is held is kept from being launched", func(t *testing.T, w *world) {
		w.start(before...)
		w.hold("sleep#2", true)
		w.reload(before[1:]...)
		w.logged("level=INFO", "schedule: sleep#2 is now called sleep: sleep SECOND, every day at 02:00")
		w.until("03:30:00")
		w.launched("03:00:00.000 scheduler sleep third")
		w.notes("sleep", "02:00 0: held by "+sue)
	})
}

func TestADueTimeIsAskedForByItsEntryWhateverThatIsCalled(t *testing.T) {
	first, second := dayAt("01:00", "first"), dayAt("01:00", "second")
	bubble(t, "the name of one that was launched is another's now", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.down = true })
		w.start(first, second)
		w.until("01:00:01") // both wait
		w.reload(second)    // the first is with the asker, the second becomes sleep
		w.manager.set(func() { w.manager.down = false })
		w.until("01:01:00")
		w.launched("01:00:05.200 scheduler sleep first", "01:00:05.200 scheduler sleep second")
		w.notes("sleep", "01:00 2")
	})
	bubble(t, "one that has the name of one that was launched, after a restart", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.deaf = true })
		w.start(first, second)
		w.until("01:00:01") // the first is launched, the second not asked for yet
		w.stop()
		w.manager.set(func() { w.manager.deaf = false })
		w.start(second)
		w.until("01:01:00")
		w.launched("01:00:00.000 scheduler sleep first", "01:00:01.000 scheduler sleep second")
		w.notes("sleep", "01:00 2: asked again after a restart of the scheduler")
	})
	bubble(t, "an answer that comes when the schedule has changed", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.down = true })
		w.start(first)
		w.until("01:00:01")
		w.reload(dayAt("02:00", "first"))
		w.manager.set(func() { w.manager.down, w.manager.stale = false, true })
		w.until("01:01:00")
		w.notes("sleep") // it was of the schedule before
		w.logged("level=INFO", "sleep, due at 2000-01-01T01:00:00Z, was asked for before its entry changed: launch 1")
	})
	bubble(t, "one that may have been launched under another name is not launched again", func(t *testing.T, w *world) {
		for _, restart := range []bool{false, true} {
			before := len(w.manager.launches())
			w.manager.set(func() { w.manager.deaf = true })
			w.start(first, second)
			w.pass(24*time.Hour - time.Duration(time.Now().UnixNano())%(24*time.Hour) + time.Hour + time.Second)
			if restart {
				w.stop()
				w.start(second, first)
			} else {
				w.reload(second, first)
			}
			w.manager.set(func() { w.manager.deaf = false })
			w.pass(time.Minute)
			if got := w.manager.launches()[before:]; len(got) != 2 {
				t.Errorf("restart %v: got the launches\n%s\nwant one of each", restart, strings.Join(got, "\n"))
			}
			w.stop()
		}
	})
	bubble(t, "equal entries are launched each, and once", func(t *testing.T, w *world) {
		w.manager.set(func() { w.manager.deaf = true })
		w.start(first, first)
		w.until("01:00:01")
		w.stop()
		w.manager.set(func() { w.manager.deaf = false })
		w.start(first, first)
		w.until("01:01:00")
		w.launched("01:00:00.000 scheduler sleep first", "01:00:01.000 scheduler sleep first")
	})
	bubble(t, "one whose schedule changes at that moment, to the same time", func(t *testing.T, w *world) {
		w.start(first)
		w.until("00:59:59.980") // it is with the asker
		w.reload(config.Scheduled{Cron: "0 1 * * *", Args: first.Args})
		w.until("01:01:00")
		w.launched("01:00:00.000 scheduler sleep first")
	})
	bubble(t, "one that has a mistake when the scheduler is started", func(t *testing.T, w *world) {
		bad := first
		bad.Every = "dy"
		w.manager.set(func() { w.manager.down = true })
		w.start(first)
		w.until("01:00:01")
		w.stop()
		w.start(bad)
		w.manager.set(func() { w.manager.down = false })
		w.pass(time.Minute)
		w.launched("01:00:0")
	})
}

func TestAnAlertOffersToRunWhatItIsAboutWhateverThatIsCalled(t *testing.T) {
	bubble(t, "renamed, then gone", func(t *testing.T, w *world) {
		first, second := dayAt("01:00", "first"), dayAt("02:00", "second")
		w.start(first, second)
		w.until("01:30:00")
		w.stop()
		w.until("02:30:00")
		w.start(second, first)
		w.entry("sleep")
		_, alerts := w.tellings()
		if len(alerts) != 1 || string(alerts[0].Args) != `{"entry":"sleep"}` || !strings.Contains(alerts[0].Message, "sleep second") {
			t.Fatalf("got the alerts %+v, want one about second", alerts)
		}
		w.reload(first, second)
		if _, alerts = w.tellings(); len(alerts) != 1 || string(alerts[0].Args) != `{"entry":"sleep#2"}` {
			t.Errorf("renamed: got the alerts %+v, want the offer to run sleep#2", alerts)
		}
		w.reload(first)
		if _, alerts = w.tellings(); len(alerts) != 1 || alerts[0].Offer != "" || alerts[0].Args != nil {
			t.Errorf("gone: got the alerts %+v, want no offer", alerts)
		}
	})
}
