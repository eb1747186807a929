package alerter

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
)

func TestAnAlertIsToldOnceWhenItBeginsAndOnceWhenItEnds(t *testing.T) {
	bubble(t, "of the manager", func(t *testing.T, w *world) {
		w.start()
		a := trouble(1)
		w.managers(a, false)
		w.pass(time.Second)
		w.wants() // what explains it may come yet
		w.pass(time.Minute)
		w.wants("begun worker crashed: run_NEMO 1ns crashed")
		a.Count = 3
		w.managers(a, false)
		w.pass(time.Hour)
		w.wants()
		w.managers(over(a, "launch 18 succeeded"), false)
		w.pass(time.Minute)
		w.wants("ended over: worker crashed: run_NEMO 1ns crashed")
		if open := w.open(); len(open) > 0 {
			t.Errorf("open are %q", open)
		}
	})
	bubble(t, "of another daemon, by heartbeats alone", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			w.others["scheduler"] = []engine.Alert{{Key: "missed", Kind: "schedule missed", Message: "sleep", Time: time.Now()}}
		})
		w.pass(time.Minute)
		w.wants("begun schedule missed: sleep")
		w.set(func() { w.others["scheduler"] = nil })
		w.pass(time.Minute)
		w.wants("ended over: schedule missed: sleep")
	})
	bubble(t, "that is short", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Second)
		w.managers(over(trouble(1), "it is well"), false)
		w.pass(time.Minute)
		w.wants("begun was and is over: worker crashed: run_NEMO 1ns crashed")
	})
	bubble(t, "whose event is lost", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), true)
		w.pass(time.Minute)
		w.wants("begun worker crashed: run_NEMO 1ns crashed")
	})
	bubble(t, "that comes and goes while the alerter is down", func(t *testing.T, w *world) {
		w.start()
		w.stop()
		w.managers(trouble(1), true)
		w.managers(trouble(2), true)
		w.pass(time.Minute)
		w.managers(over(trouble(2), "it is well"), true)
		w.pass(time.Minute)
		w.start()
		w.pass(time.Minute)
		w.wants("begun was and is over: worker crashed: run_NEMO 2ns crashed", "begun worker crashed: run_NEMO 1ns crashed")
		w.stop()
		w.start()
		w.pass(time.Minute)
		w.wants() // once
	})
	bubble(t, "but not what was over before the first alerter", func(t *testing.T, w *world) {
		w.managers(over(trouble(1), "long ago"), true)
		w.pass(time.Minute)
		w.start()
		w.pass(time.Minute)
		w.wants()
	})
	bubble(t, "by a manager that is started again", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.wants("begun")
		w.set(func() { w.epoch, w.seq = "2", map[string]uint64{} })
		w.pass(time.Minute)
		w.wants()
		w.managers(over(trouble(1), "it is well"), false)
		w.pass(time.Minute)
		w.wants("ended")
	})
	bubble(t, "and an alerter that cannot ask the manager takes nothing for over", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.wants("begun")
		w.stop()
		w.set(func() { w.away = true })
		w.start()
		w.pass(time.Hour)
		w.wants()
		if open := w.open(); len(open) != 1 {
			t.Errorf("open are %q", open)
		}
	})
}

func TestWhatFlapsIsToldOnceInFiveMinutes(t *testing.T) {
	bubble(t, "an alert that comes and goes", func(t *testing.T, w *world) {
		w.start()
		for id := range int64(30) { // 10 minutes
			a := trouble(1)
			a.ID = id + 1
			w.managers(a, false)
			w.pass(10 * time.Second)
			w.managers(over(a, "it is well"), false)
			w.pass(10 * time.Second)
		}
		got := w.got()
		if len(got) < 2 || len(got) > 6 {
			t.Errorf("got %d messages in 10 minutes: %q", len(got), got)
		}
		w.pass(time.Minute)
		if n := strings.Count(w.file(), `"key":"launch 1ns"`); n != 1 {
			t.Errorf("got %d incidents, want one\n%s", n, w.file())
		}
	})
}

func TestConsequencesAreFolded(t *testing.T) {
	bubble(t, "under what they name", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		b := engine.Alert{ID: 2, Key: "barrier 1", Kind: "barrier waits", Message: "for run_NEMO", Because: trouble(1).Key}
		w.managers(b, false)
		w.pass(time.Minute)
		w.wants("begun worker crashed")
		if open := w.open(); len(open) != 1 {
			t.Errorf("open are %q, want one", open)
		}
		w.managers(over(trouble(1), "launch 18 succeeded"), false)
		w.pass(time.Minute) // the barrier waits on: it stands for itself now
		w.wants("ended over: worker crashed", "begun barrier waits")
	})
	bubble(t, "that came first", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			w.others[sourceBroker] = []engine.Alert{{Key: "requests", Kind: kindNoManager, Message: "12 requests wait for a manager", Time: time.Now()}}
			w.silent["manager"] = true
		})
		w.pass(time.Minute)
		w.wants("begun daemon down: manager has not been heard of since")
		if open := w.open(); len(open) != 1 || !strings.HasPrefix(open[0], "daemon down: manager") {
			t.Errorf("open are %q, want the manager", open)
		}
		w.set(func() { delete(w.others, sourceBroker); delete(w.silent, "manager") })
		w.pass(time.Minute)
		w.wants("ended over: daemon down: manager")
	})
}

func TestADaemonThatIsNotThere(t *testing.T) {
	bubble(t, "is told", func(t *testing.T, w *world) {
		w.start()
		w.set(func() { w.silent["scheduler"] = true })
		w.pass(5 * time.Second)
		if open := w.open(); len(open) > 0 {
			t.Errorf("too early: %q", open)
		}
		w.pass(time.Minute)
		w.wants("begun daemon down: scheduler has not been heard of since Sat 1 Jan 00:00:02 UTC (process 7 on salish)")
		w.stop()
		w.start() // a new alerter has never heard of it
		w.pass(time.Hour)
		w.wants()
		w.set(func() { delete(w.silent, "scheduler") })
		w.pass(time.Minute)
		w.wants("ended over: daemon down: scheduler")
	})
	bubble(t, "is the broker, if nothing comes any more", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			for _, name := range append(watched, Name) {
				w.silent[name] = true
			}
		})
		w.pass(time.Minute)
		w.wants("begun daemon down: message_broker is not there")
	})
}

func TestOperatorsSilenceIncidents(t *testing.T) {
	mark := func(w *world, command func() (any, error)) feed.Incident {
		w.t.Helper()
		i, err := command()
		if err != nil {
			w.t.Fatal(err)
		}
		return i.(feed.Incident)
	}
	ask := control.Request{Author: "sue@salish"}
	bubble(t, "acknowledged: only the end is told", func(t *testing.T, w *world) {
		w.o.Config.Remind = time.Hour
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.wants("begun")
		i := mark(w, func() (any, error) {
			return w.Acknowledge(t.Context(), ask, control.IncidentArgs{Incident: 1, Note: "called them"})
		})
		if i.Acknowledged == nil || i.Acknowledged.Author != "sue@salish" || i.Acknowledged.Note != "called them" {
			t.Errorf("got %+v", i.Acknowledged)
		}
		if !strings.Contains(w.file(), `"note":"called them"`) {
			t.Errorf("it is answered but not in the file\n%s", w.file())
		}
		w.pass(3 * time.Hour)
		w.stop()
		w.start()
		w.pass(3 * time.Hour)
		w.wants()
		w.managers(over(trouble(1), "launch 18 succeeded"), false)
		w.pass(time.Minute)
		w.wants("ended")
	})
	bubble(t, "snoozed: nothing, and then again", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.wants("begun")
		mark(w, func() (any, error) {
			return w.Snooze(t.Context(), ask, control.SnoozeArgs{Incident: 1, For: time.Hour})
		})
		w.pass(59 * time.Minute)
		w.wants()
		w.pass(2 * time.Minute)
		w.wants("reminder still open: worker crashed")
		mark(w, func() (any, error) {
			return w.Snooze(t.Context(), ask, control.SnoozeArgs{Incident: 1, For: time.Hour})
		})
		w.managers(over(trouble(1), "launch 18 succeeded"), false)
		w.pass(30 * time.Minute)
		w.wants()
		w.pass(time.Hour)
		w.wants("ended")
	})
	bubble(t, "reminded: each hour until somebody acknowledges it", func(t *testing.T, w *world) {
		w.o.Config.Remind = time.Hour
		w.start()
		w.managers(trouble(1), false)
		w.pass(2*time.Hour + time.Minute)
		w.wants("begun", "reminder", "reminder")
	})
	bubble(t, "what is not there, or over, says so", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		if _, err := w.Acknowledge(t.Context(), ask, control.IncidentArgs{Incident: 7}); err == nil || err.Error() != "there is no incident 7: open are 1" {
			t.Errorf("got %v", err)
		}
		w.managers(over(trouble(1), "launch 18 succeeded"), false)
		w.pass(time.Minute)
		if _, err := w.Snooze(t.Context(), ask, control.SnoozeArgs{Incident: 1, For: time.Hour}); err == nil || !strings.Contains(err.Error(), "incident 1 has ended at") {
			t.Errorf("got %v", err)
		}
		if _, err := w.Snooze(t.Context(), ask, control.SnoozeArgs{Incident: 1, For: -1}); err == nil {
			t.Error("snoozed for less than nothing")
		}
	})
	bubble(t, "on a full disk it is said that it may be forgotten", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.set(func() { w.full = true })
		if _, err := w.Acknowledge(t.Context(), ask, control.IncidentArgs{Incident: 1}); err == nil || !strings.Contains(err.Error(), "forgotten if the alerter is restarted") {
			t.Errorf("got %v", err)
		}
	})
}

func TestADestinationThatFails(t *testing.T) {
	no := errors.New("the answer was 500 Internal Server Error")
	bubble(t, "is tried again until it takes the message", func(t *testing.T, w *world) {
		w.start()
		w.set(func() { w.refuse = func(string, notify.Alarm) (notify.Attempt, error) { return notify.Attempt{}, no } })
		w.managers(trouble(1), false)
		w.pass(time.Hour)
		w.wants()
		if w.attempts < 12 || w.attempts > 22 {
			t.Errorf("got %d attempts in an hour, want the waits to grow to 5 minutes", w.attempts)
		}
		if open := w.open(); len(open) != 2 || open[1] != "alert not sent: webhook HOOK does not take alerts: "+no.Error() {
			t.Errorf("open are %q, want that of the destination, too", open)
		}
		w.stop()
		w.start() // what waits is in the file
		w.set(func() { w.refuse = nil })
		w.pass(10 * time.Minute)
		w.wants("begun worker crashed", "begun was and is over: alert not sent")
	})
	bubble(t, "is left alone as long as it wants", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			w.refuse = func(string, notify.Alarm) (notify.Attempt, error) {
				return notify.Attempt{RetryAfter: 20 * time.Minute}, no
			}
		})
		w.managers(trouble(1), false)
		w.pass(19 * time.Minute)
		if w.attempts != 1 {
			t.Errorf("got %d attempts, want 1", w.attempts)
		}
		w.set(func() { w.refuse = nil })
		w.pass(2 * time.Minute)
		w.wants("begun worker crashed")
	})
	bubble(t, "delays no other", func(t *testing.T, w *world) {
		w.o.Config.Destinations = append(w.o.Config.Destinations, config.Destination{Kind: config.ToSlack, URL: "SLACK"})
		w.start()
		hanging := make(chan struct{})
		w.set(func() {
			w.refuse = func(to string, _ notify.Alarm) (notify.Attempt, error) {
				if to == "webhook HOOK" {
					<-hanging
				}
				return notify.Attempt{}, nil
			}
		})
		w.managers(trouble(1), false)
		w.managers(trouble(2), false)
		w.pass(time.Minute)
		w.wants("begun", "begun")
		close(hanging)
		w.pass(time.Minute)
		w.wants("begun", "begun")
	})
	bubble(t, "with one message holds up no other, and takes it in a few words", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			w.refuse = func(_ string, a notify.Alarm) (notify.Attempt, error) {
				if strings.Contains(a.Text, "run_NEMO 1ns") {
					return notify.Attempt{Final: true}, no
				}
				return notify.Attempt{}, nil
			}
		})
		w.managers(trouble(1), false)
		w.managers(trouble(2), false)
		w.pass(15 * time.Second)
		w.wants("begun worker crashed: run_NEMO 2ns", "begun begun: incident 1, worker crashed (the message could not be sent)")
		if sent := w.incidents[0].Sent; len(sent) != 1 || !sent[0].Short || sent[0].Note != "" {
			t.Errorf("the incident does not say how it was sent: %+v", sent)
		}
		w.pass(2 * time.Hour)
		w.wants()
	})
	bubble(t, "with one message for good gives it up after an hour, and says so", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			w.refuse = func(_ string, a notify.Alarm) (notify.Attempt, error) {
				if b := a.Body.(Sending); strings.Contains(b.Subject, "1ns") || strings.Contains(b.Subject, "incident 1,") {
					return notify.Attempt{Final: true}, no
				}
				return notify.Attempt{}, nil
			}
		})
		w.managers(trouble(1), false)
		for id := range int64(5) {
			w.pass(10 * time.Minute)
			w.managers(trouble(id+2), false)
			w.pass(10 * time.Second)
			if got := strings.Join(w.got(), "\n"); !strings.Contains(got, "begun worker crashed: run_NEMO "+fmt.Sprint(id+2)) || strings.Contains(got, "alert not sent") != (id == 0) {
				t.Errorf("got %q", got)
			}
		}
		w.pass(30 * time.Minute)
		w.wants()
		if !strings.Contains(w.log.String(), "level=ERROR") || !strings.HasPrefix(w.incidents[0].Sent[0].Note, "given up: ") {
			t.Errorf("nothing is said: %+v\n%s", w.incidents[0].Sent, w.log.String())
		}
		if w.attempts > 25 {
			t.Errorf("got %d attempts", w.attempts)
		}
	})
	bubble(t, "with one message for some other reason lets others go first", func(t *testing.T, w *world) {
		w.start()
		w.set(func() {
			w.refuse = func(_ string, a notify.Alarm) (notify.Attempt, error) {
				if strings.Contains(a.Text, "run_NEMO 1ns") {
					return notify.Attempt{}, no
				}
				return notify.Attempt{}, nil
			}
		})
		w.managers(trouble(1), false)
		w.managers(trouble(2), false)
		w.pass(15 * time.Minute)
		if got := strings.Join(w.got(), "\n"); !strings.Contains(got, "begun worker crashed: run_NEMO 2ns") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestAThousandAlertsAtOnceAreSummedUp(t *testing.T) {
	bubble(t, "at the hourly limit", func(t *testing.T, w *world) {
		w.start()
		for id := range int64(1000) {
			w.managers(trouble(id+1), false)
		}
		w.pass(time.Minute)
		got := w.got()
		total := 0
		for _, m := range got {
			n := 1
			fmt.Sscanf(m, "sum and %d more alerts", &n)
			total += n
		}
		if total != 1000 || len(got) > 30 {
			t.Errorf("got %d messages about %d, want few about 1000: %q", len(got), total, got)
		}
		if open := w.open(); len(open) != 1000 {
			t.Errorf("%d are open, want 1000", len(open))
		}
		for id := range int64(12) { // up to the limit they go out, then they wait
			w.managers(over(trouble(id+1), "it is well"), false)
			w.pass(10 * time.Second)
			w.managers(trouble(id+2000), false)
		}
		if got = append(got, w.got()...); len(got) != 30 {
			t.Errorf("got %d messages in the first hour, want 30: %q", len(got), got)
		}
	})
}

func TestAFullDiskKeepsNoAlarmFromBeingSent(t *testing.T) {
	bubble(t, "and is one itself", func(t *testing.T, w *world) {
		w.start()
		w.set(func() { w.full = true })
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		got := strings.Join(w.got(), "\n")
		if !strings.Contains(got, "begun worker crashed") || !strings.Contains(got, "begun alerter state: "+w.o.File[:20]) {
			t.Errorf("got %s", got)
		}
		w.set(func() { w.full = false })
		w.pass(time.Minute)
		w.wants("ended over: alerter state")
		if !strings.Contains(w.file(), "run_NEMO 1ns") {
			t.Error("the file is not written any more")
		}
	})
}

func TestADamagedFileIsPutAsideAndWhatIsOpenIsToldWithTheSameKeys(t *testing.T) {
	bubble(t, "cut", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		first := w.sent[0].Key
		w.got()
		w.stop()
		if err := os.WriteFile(w.o.File, []byte(w.file()[:100]), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(time.Minute)
		keys := map[string]bool{}
		for _, a := range w.sent {
			keys[a.Key] = true
		}
		if got := strings.Join(w.got(), "\n"); !keys[first] || !strings.Contains(got, "begun was and is over: alerter state: "+w.o.File[:20]) {
			t.Errorf("got %s, want the same key again, and that the file was damaged; a new one is written, so that is over", got)
		}
	})
}

func TestTheDailyMessage(t *testing.T) {
	bubble(t, "comes once a day, also over restarts", func(t *testing.T, w *world) {
		w.o.Config.AllWell = &config.ClockTime{Hour: 8}
		w.every, w.o.Tick = 10*time.Second, 10*time.Second
		w.start()
		w.pass(9 * time.Hour)
		w.wants("all well all well: 0 launches in 24 h, 0 failed; 0 alerts")
		for range 3 {
			w.stop()
			w.start()
			w.pass(time.Hour)
		}
		w.wants()
		w.managers(trouble(1), false)
		w.pass(24 * time.Hour)
		w.wants("begun worker crashed", "all well not all well, 1 alerts are open: 0 launches in 24 h, 0 failed; 1 alerts")
		w.set(func() { w.away, w.epoch = true, "2" })
		w.pass(24 * time.Hour)
		w.wants("all well not all well, 1 alerts are open: the manager does not answer")
	})
}

func TestThePing(t *testing.T) {
	bubble(t, "says whether all is well", func(t *testing.T, w *world) {
		w.o.Config.Ping = "https://hc.example/uuid"
		w.start()
		w.pass(3*time.Minute + 10*time.Second)
		if got := strings.Join(w.pings, " "); got != "https://hc.example/uuid https://hc.example/uuid https://hc.example/uuid https://hc.example/uuid" {
			t.Errorf("got %s, want one a minute", got)
		}
		w.set(func() { w.pings, w.silent["manager"] = nil, true })
		w.pass(time.Minute)
		if got := strings.Join(w.pings, " "); got != "https://hc.example/uuid/fail" {
			t.Errorf("without a manager: got %s", got)
		}
	})
	for _, kind := range []string{kindNoManager, kindNoAnswer} {
		bubble(t, "says so while the broker has "+kind, func(t *testing.T, w *world) {
			w.o.Config.Ping = "https://hc.example/uuid"
			w.start()
			w.set(func() {
				w.others[sourceBroker] = []engine.Alert{{Key: kind, Kind: kind, Message: "3 requests wait", Time: time.Now()}}
			})
			w.pass(time.Minute)
			w.set(func() { w.pings = nil })
			w.pass(time.Minute)
			if got := strings.Join(w.pings, " "); got != "https://hc.example/uuid/fail" {
				t.Errorf("got %s", got)
			}
			w.set(func() { w.pings, w.others = nil, map[string][]engine.Alert{} })
			w.pass(time.Minute)
			if got := strings.Join(w.pings, " "); got != "https://hc.example/uuid" {
				t.Errorf("afterwards: got %s", got)
			}
		})
	}
}

func TestAReloadTakesOverDestinations(t *testing.T) {
	bubble(t, "and what is open goes there", func(t *testing.T, w *world) {
		w.o.Config.Destinations = nil
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.wants()
		c := w.o.Config
		c.Destinations = []config.Destination{{Kind: config.ToSlack, URL: "SLACK", Kinds: []string{"late"}}, {Kind: config.ToWebhook, URL: "OTHER"}}
		if err := w.Reload(t.Context(), c, nil, w.o.Needs); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		if len(w.to) != 1 || w.to[0] != "webhook OTHER" {
			t.Errorf("sent to %q, want the one that wants all kinds", w.to)
		}
	})
}
