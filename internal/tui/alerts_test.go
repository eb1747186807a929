package tui

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
)

// late is an alert of the manager that offers nothing.
func (s *scene) late(id int64, worker string) feed.Event {
	return s.event(feed.StreamAlert, engine.Alert{ID: id, Time: s.now, Kind: "late", Key: "late " + worker, Worker: worker, Message: worker + " is late"})
}

// alerter hands the console a heartbeat of the alerter.
func (s *scene) alerter(d time.Duration, h feed.Heartbeat) {
	h.Name, h.Host, h.PID, h.Started, h.Every = link.Alerter, "salish", 104, dawn.Add(-time.Hour), 2*time.Second
	s.frame(d, feed.Event{
		Source: link.Alerter, Stream: feed.StreamDaemon, Epoch: "a", Time: s.now, Body: s.body(h),
		Last: map[string]uint64{feed.StreamIncident: s.seq[feed.StreamIncident]},
	})
}

// incidents hands it the alerter's incidents, and a heartbeat.
func (s *scene) incidents(d time.Duration, all ...feed.Incident) {
	s.seq[feed.StreamIncident]++
	s.frame(d, feed.Event{
		Source: link.Alerter, Stream: feed.StreamIncident, Epoch: "a", Seq: s.seq[feed.StreamIncident], Time: s.now, Body: s.body(all),
	})
	s.alerter(0, feed.Heartbeat{})
}

// troubles are a night's incidents at 05:41: one that nobody has in hand, with what follows from it, and others.
func troubles() []feed.Incident {
	rule := morning().Alerts[0]
	crash := engine.Alert{
		Time: *at(-250), Kind: "worker crashed", Key: "launch make_plots nemo", Worker: "make_plots", Launch: 5, Count: 3, Last: at(-60),
		Message: "make_plots nemo forecast publish: exited with status 1 and no report; gave up after 3 attempts", Offer: control.CmdRelaunch, Args: json.RawMessage(`{"launch":5}`),
	}
	stuck := engine.Alert{
		Time: *at(-240), Kind: "barrier", Key: "barrier 1", Because: crash.Key, Message: "barrier waits for make_ssh_files since 04:51:07 and will not open by itself",
		Offer: control.CmdRelease, Args: json.RawMessage(`{"barrier":1}`),
	}
	missing := engine.Alert{Time: *at(-200), Kind: "missing", Key: "deadline make_ww3 2031-05-17", Because: crash.Key, Worker: "make_ww3", Message: "make_ww3 was to have succeeded by 05:30, and was not launched"}
	late := engine.Alert{
		Time: *at(-900), Kind: "late", Key: "late 4", Worker: "run_NEMO", Launch: 4, Message: "run_NEMO runs for 30 min, usually 12 (95 %: 15)",
		Offer: control.CmdKill, Args: json.RawMessage(`{"launch":4,"signal":"TERM"}`),
	}
	disk := engine.Alert{Time: *at(-20000), Kind: "disk low", Key: "disk /results", Message: "/results has 1.2 GB left of 4 TB"}
	down := engine.Alert{Time: *at(-7000), Kind: "daemon down", Key: "down scheduler", Message: "scheduler was not heard for 12 s", Ended: at(-6900), End: "it is heard again"}
	sent := []feed.Sent{
		{To: "slack SLACK_ALERTS", Time: *at(-249), What: "begun"},
		{To: "mail ops@example.org", Time: *at(-20), What: "begun", Note: "smtp.example.org:25: connection refused; tried 7 times, next at 05:42:10"},
	}
	return []feed.Incident{
		{ID: 11, Source: link.Manager, Alert: rule},
		{ID: 12, Source: link.Manager, Alert: crash, Consequences: []engine.Alert{stuck, missing}, Sent: sent},
		{ID: 9, Source: link.Manager, Alert: late, Acknowledged: &feed.Mark{Author: "sue@salish", Time: *at(-600), Note: "the cluster is slow tonight"}},
		{ID: 3, Source: link.Alerter, Alert: disk, Snoozed: &feed.Mark{Author: "bob@salish", Time: *at(-19000), Until: *at(8333)}},
		{ID: 7, Source: link.Alerter, Alert: down},
	}
}

// beginAlerts is begin with an alerter.
func (s *scene) beginAlerts() {
	s.begin()
	s.incidents(0, troubles()...)
}

func TestAlertKeysAskFirstAndThenDoExactlyWhatTheySaid(t *testing.T) {
	for _, tc := range []struct {
		name   string
		keys   []string
		asked  string
		answer string
		want   call
	}{
		{"r does what the rule error offers", []string{"5", "r"}, "Have the rule look at that message again", "y", call{"manager", "evaluate", `{"message":17}`}},
		{"g does too", []string{"5", "g"}, "Have the rule look at that message again", "y", call{"manager", "evaluate", `{"message":17}`}},
		{"g of another page", []string{"g"}, "Have the rule look at that message again", "y", call{"manager", "evaluate", `{"message":17}`}},
		{"r relaunches", []string{"5", "down", "r"}, "Launch make_plots nemo forecast publish --run-date 2031-05-17 on localhost again?", "y", call{"manager", "relaunch", `{"launch":5,"args":null}`}},
		{"in the details too", []string{"5", "down", "enter", "r"}, "Launch make_plots nemo forecast", "y", call{"manager", "relaunch", `{"launch":5,"args":null}`}},
		{"of a consequence", []string{"5", "down", "space", "down", "r"}, "Release the barrier without waiting for grib_to_netcdf, make_ssh_files?", "y", call{"manager", "release", `{"barrier":1}`}},
		{"r ends what is late", []string{"5", "down", "down", "r"}, "Send TERM to launch 4 run_NEMO", "y", call{"manager", "kill", `{"launch":4,"signal":"TERM"}`}},
		{"a acknowledges", []string{"5", "down", "a"}, "Acknowledge incident 12, worker crashed of make_plots ─", "enter", call{"alerter", "acknowledge", `{"incident":12}`}},
		{"c closes", []string{"5", "down", "c", "o", "k"}, "Close incident 12", "enter", call{"alerter", "close", `{"incident":12,"note":"ok"}`}},
		{"with a note", []string{"5", "down", "a", "o", "n", " ", "i", "t"}, "Acknowledge incident 12", "enter", call{"alerter", "acknowledge", `{"incident":12,"note":"on it"}`}},
		{"z snoozes for an hour", []string{"5", "z"}, "Snooze incident 11, rule error of make_plots?", "1", call{"alerter", "snooze", `{"incident":11,"for":3600000000000}`}},
		{"for four", []string{"5", "enter", "z"}, "Snooze incident 11", "4", call{"alerter", "snooze", `{"incident":11,"for":14400000000000}`}},
		{"until 08:00", []string{"5", "z"}, "8 until 08:00", "8", call{"alerter", "snooze", `{"incident":11,"for":8333000000000}`}},
		{"z ends a snooze", []string{"5", "down", "down", "down", "z"}, "0 end it now", "0", call{"alerter", "snooze", `{"incident":3,"for":0}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, 160, 40)
			s.beginAlerts()
			s.press(tc.keys...)
			s.sees(tc.asked)
			s.press("esc")
			s.sees("nothing was done")
			if len(s.peer.calls) > 0 {
				t.Fatalf("after esc it sent %v", s.peer.calls)
			}
			s = newScene(t, 160, 40)
			s.beginAlerts()
			s.press(tc.keys...)
			s.press(tc.answer)
			if diff := cmp.Diff([]call{tc.want}, s.peer.calls); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyThatCanDoNothingToAnAlertSaysWhy(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string
	}{
		{"acknowledging what has ended", []string{"end", "a"}, "it has ended"},
		{"an offer that is not there", []string{"end", "r"}, "this alert offers nothing"},
		{"the log of a disk", []string{"end", "up", "l"}, "it is about no launch and no worker"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, 160, 40)
			s.beginAlerts()
			s.press("5")
			s.press(tc.keys...)
			s.sees(tc.want)
			if len(s.peer.calls) > 0 {
				t.Errorf("it sent %v", s.peer.calls)
			}
		})
	}
}

// What nobody has in hand stands first, then what somebody has, then what has ended; consequences are folded under their cause.
func TestIncidentsStandInTheOrderInWhichTheyConcernTheOperator(t *testing.T) {
	s := newScene(t, 160, 40)
	s.beginAlerts()
	s.press("5")
	s.inOrder("2 open, 2 in hand, 1 ended", "rule error", "▸ worker crashed", "in hand", "late", "snoozed", "disk low", "✓ ended", "daemon down")
	s.seesNot("make_ww3")
	s.press("down", "space")
	s.inOrder("▾ worker crashed", "follows", "barrier", "follows", "missing", "make_ww3", "late")
	s.press("space")
	s.seesNot("make_ww3")
}

func TestTheHeaderCountsWhatNobodyHasInHand(t *testing.T) {
	s := newScene(t, 80, 24)
	s.beginAlerts()
	for _, p := range []string{"1", "2", "3", "4", "5"} {
		s.press(p)
		s.sees("5 Alerts !2")
	}
	all := troubles()
	all[0].Acknowledged = &feed.Mark{Author: "sue@salish", Time: s.now}
	s.incidents(time.Second, all...)
	s.sees("5 Alerts !1")
	all[1].Ended = at(1)
	s.incidents(time.Second, all...)
	s.seesNot("5 Alerts !")
	s.press("3")
	s.seesNot("rule error")
}

func TestASnoozeEndsByItself(t *testing.T) {
	s := newScene(t, 160, 30)
	s.beginAlerts()
	s.press("5")
	s.sees("○ snoozed")
	s.alerter(8400*time.Second, feed.Heartbeat{})
	s.seesNot("snoozed")
	s.sees("5 Alerts !3")
}

// Without an alerter nothing is silent: the daemons' own alerts are shown, and that nobody is told.
func TestWithoutAnAlerterTheDaemonsOwnAlertsAreShown(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.frame(time.Second, s.late(2, "run_NEMO"))
	s.sees("run_NEMO is late", "a all 2", "5 Alerts !2")
	s.press("a")
	s.beat(5 * time.Second)
	s.sees("no alerter is heard, nobody outside is told", "run_NEMO is late", "rule error")
	s.press("a")
	s.sees("no alerter has taken it up")
	s.press("z")
	s.sees("no alerter has taken it up")
	if len(s.peer.calls) > 0 {
		t.Errorf("it sent %v", s.peer.calls)
	}
	ended := engine.Alert{ID: 2, Time: s.now.Add(-6 * time.Second), Kind: "late", Key: "late run_NEMO", Worker: "run_NEMO", Message: "run_NEMO is late", Ended: &s.now, End: "it ended"}
	s.frame(0, s.event(feed.StreamAlert, ended))
	s.sees("1 open, 0 in hand, 1 ended")
}

// What the alerter has folded under the incident of another daemon is not shown a second time, and its offer goes to who can do it.
func TestAConsequenceOfAnotherDaemonIsFoldedToo(t *testing.T) {
	s := newScene(t, 160, 30)
	s.begin()
	down := engine.Alert{Time: *at(-20), Kind: "daemon down", Key: "daemon scheduler", Message: "scheduler is silent"}
	rule := morning().Alerts[0] // the manager's
	s.incidents(0, feed.Incident{ID: 1, Source: link.Alerter, Alert: down, Consequences: []engine.Alert{rule}})
	s.alerter(10*time.Second, feed.Heartbeat{})
	s.press("5")
	s.sees("1 open, 0 in hand")
	s.press("space", "down", "r", "y")
	if diff := cmp.Diff([]call{{"manager", "evaluate", `{"message":17}`}}, s.peer.calls); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// An alerter that dies must not hide what comes after it.
func TestWhatTheAlerterHasNotTakenUpIsShownAllTheSame(t *testing.T) {
	s := newScene(t, 160, 30)
	s.beginAlerts()
	s.press("5")
	s.frame(time.Second, s.late(2, "wwatch3"))
	s.seesNot("wwatch3") // the alerter will have it in a moment
	s.alerter(7*time.Second, feed.Heartbeat{})
	s.sees("wwatch3 is late", "the alerter has not taken it up")

	s.alerter(time.Second, feed.Heartbeat{Stopped: true})
	s.frame(time.Second, s.late(3, "ping_erddap"))
	s.sees("alerter has stopped, nobody outside is told", "ping_erddap is late")
	end := troubles()[0].Alert
	end.Ended, end.End = &s.now, "the rule was called again"
	s.frame(time.Second, s.event(feed.StreamAlert, end))
	s.inOrder("3 open, 2 in hand, 2 ended", "✓ ended", "rule error")
}

func TestAnAlertAboutALaunchIsInHandOnceItIsRepeated(t *testing.T) {
	s := newScene(t, 160, 40)
	s.beginAlerts()
	s.sees("1 failed", "✗ crashed   make_plots", "5 Alerts !2")
	s.frame(time.Second, s.event(feed.StreamLaunch, []launch.Launch{{
		ID: 8, NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Host: "localhost"}, State: launch.Running, Decided: s.now, Parent: 5, Cause: "relaunch of 5 by sue",
	}}))
	s.sees("0 failed", "5 Alerts !1")
	s.press("a", "down")
	s.inOrder("open", "rule error", "in hand", "worker crashed")
	s.sees("relaunched as 8, which is running")
}

func TestTheHeaderHasTheLastTimeOfARepeatedAlertAndHowOften(t *testing.T) {
	s := openMorning(t, 160, 30)
	quiet := morning()
	quiet.Alerts = nil
	s.incidents(0, troubles()[1])
	s.snapshot(quiet)
	s.press("2")
	s.sees("! 05:40:07 worker crashed, 3 times: make_plots")
}

func TestWhereGHasNothingToDoItSaysWhy(t *testing.T) {
	none := openMorning(t, 160, 30)
	quiet := morning()
	quiet.Alerts = nil
	none.snapshot(quiet)
	none.press("g")
	none.sees("there is no alert that nobody has in hand")

	row := openMorning(t, 160, 30)
	row.incidents(0, troubles()[1])
	row.snapshot(quiet)
	row.press("g")
	row.sees("the alert is about a launch in this list: r relaunches it, a shows the alert")
}

func TestAlertsLeadToTheirLogAndBack(t *testing.T) {
	s := newScene(t, 160, 40)
	s.beginAlerts()
	s.press("2", "a", "down", "l")
	s.sees("log of launch 5 make_plots")
	s.press("esc")
	s.sees("2 open, 2 in hand")
	s.press("esc")
	s.sees("checklist, 5 entries")
}

// The details keep up with the incident, and say what has not arrived.
func TestTheDetailsOfAnIncidentHaveEverything(t *testing.T) {
	s := newScene(t, 160, 50)
	s.beginAlerts()
	s.press("5", "down", "enter")
	s.sees("gave up after 3 attempts", "3 times, last 05:40:07", "r relaunch 5", "nobody has acknowledged it", "✓ begun to slack SLACK_ALERTS",
		"✗ begun has not arrived at mail ops@example.org so far: smtp.example.org:25: connection refused", "missing: make_ww3 was to have succeeded by 05:30")
	all := troubles()
	all[1].Acknowledged = &feed.Mark{Author: "sue@salish", Time: s.now, Note: "on it"}
	s.incidents(time.Second, all...)
	s.sees("acknowledged by sue@salish at 05:41:07: on it")
}

// manyTroubles is a bad night: thirty incidents, some of them with what followed.
func (s *scene) manyTroubles() {
	s.begin()
	var all []feed.Incident
	for i := range 30 {
		a := engine.Alert{
			Time: *at(-40 * i * i), Kind: []string{"late", "worker crashed", "ssh trouble", "disk low"}[i%4], Worker: fmt.Sprintf("make_forecast_%02d", i),
			Message: fmt.Sprintf("make_forecast_%02d: %s", i, strings.Repeat("the reason is long ", i%7)), Key: fmt.Sprint("k", i), Count: i,
		}
		in := feed.Incident{ID: int64(i + 1), Source: link.Manager, Alert: a}
		if i%5 == 4 {
			in.Consequences = []engine.Alert{a, a}
		}
		if i%3 == 2 {
			in.Acknowledged = &feed.Mark{Author: "sue@salish", Time: s.now}
		}
		if i > 22 {
			in.Ended = at(-i)
		}
		all = append(all, in)
	}
	s.incidents(0, all...)
}
