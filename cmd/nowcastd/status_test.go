package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// printed is what print writes, at noon.
func printed(print func(p *program, now time.Time)) string {
	var out bytes.Buffer
	print(&program{Stdout: &out}, noonish)
	return out.String()
}

var noonish = time.Date(2031, 5, 17, 12, 0, 0, 0, time.Local)

func minutesAgo(n int) time.Time { return noonish.Add(-time.Duration(n) * time.Minute) }

func TestStatusSaysWhatIsOpenAndWhoHasIt(t *testing.T) {
	ended := minutesAgo(5)
	s := &standing{Incidents: []feed.Incident{
		{ID: 3, Source: "manager", Alert: engine.Alert{Time: minutesAgo(60), Kind: "worker crashed", Message: "make_plots: exited\nTraceback \x1b[2J", Count: 3},
			Consequences: []engine.Alert{{Kind: "barrier", Message: "waits for make_plots"}},
			Sent:         []feed.Sent{{To: "slack OPS", What: "begun"}, {To: "mail ops", What: "begun", Note: "refused"}}},
		{ID: 4, Alert: engine.Alert{Time: minutesAgo(50), Kind: "late", Message: "run_NEMO"}, Acknowledged: &feed.Mark{Author: "sue@salish", Time: minutesAgo(40), Note: "slow today"},
			Snoozed: &feed.Mark{Author: "sue@salish", Until: noonish.Add(time.Hour)}},
		{ID: 5, Alert: engine.Alert{Time: minutesAgo(9), Kind: "disk low", Message: "/results", Ended: &ended, End: "it has room again"}},
		{ID: 6, Alert: engine.Alert{Time: minutesAgo(9000), Kind: "old", Ended: func() *time.Time { t := minutesAgo(3000); return &t }()}},
	}}
	want := `
incident 3 05-17 11:00:00 worker crashed, 3 times: make_plots: exited; Traceback �[2J
  nobody has acknowledged it
  follows: barrier: waits for make_plots
  begun has not arrived at mail ops: refused

incident 4 05-17 11:10:00 late: run_NEMO
  acknowledged by sue@salish 05-17 11:20:00 slow today
  snoozed until 05-17 13:00:00 by sue@salish

incident 5, ended 05-17 11:55:00 it has room again: 05-17 11:51:00 disk low: /results
`
	if diff := cmp.Diff(want, printed(func(p *program, now time.Time) { p.printAlerts(s, now) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := s.unacknowledged(); got != 1 {
		t.Errorf("%d are not acknowledged, want 1", got)
	}
}

func TestStatusWithoutAnAlerterShowsTheDaemonsAlerts(t *testing.T) {
	s := &standing{NoAlerter: "no alerter is connected"}
	s.Alerts = []engine.Alert{{ID: 1, Time: minutesAgo(2), Kind: "rule error", Message: "after_x"}}
	s.Daemons = []feed.Heartbeat{
		{Name: "scheduler", Alerts: []engine.Alert{{Time: minutesAgo(1), Kind: notReloaded, Message: "scheduler: nowcast.yaml:3: no\nit stays"}}},
		{Name: "log_aggregator", Stopped: true, Alerts: []engine.Alert{{Time: minutesAgo(1), Kind: notReloaded}}},
	}
	got := printed(func(p *program, now time.Time) { p.printAlerts(s, now) })
	if want := "\nalert 05-17 11:58:00 rule error: after_x\n\nalert 05-17 11:59:00 not reloaded: scheduler: nowcast.yaml:3: no; it stays\n\nnobody outside is told of alerts: no alerter is connected\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := s.unacknowledged(); got != 1 {
		t.Errorf("%d are not acknowledged, want 1", got)
	}
}

func TestStatusSaysWhatKeepsALaunchFromStarting(t *testing.T) {
	later := noonish.Add(time.Hour)
	s := &standing{Snapshot: feed.Snapshot{
		Launches: []launch.Launch{
			{ID: 1, State: launch.Decided, Waits: "2 of run_NEMO run (concurrency)"},
			{ID: 2, State: launch.Decided, NotBefore: &later, Cause: "retry 2 of 3 of launch 9"},
			{ID: 3, State: launch.Running, Waits: "no more", Note: "adopted"},
		},
		Barriers: []engine.Barrier{{ID: 7, Opened: minutesAgo(3), Cause: "a: success", Missing: []string{"b", "c x"}, Held: make([]engine.Requested, 2)}},
	}}
	got := printed(func(p *program, now time.Time) { p.printStatus(&s.Snapshot, now) })
	for _, want := range []string{"waits: 2 of run_NEMO run (concurrency)", "starts at 05-17 13:00:00", "adopted",
		"barrier 7, open since 05-17 11:57:00 because of a: success, waits for b, c x; held: 2"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

func TestStatusWithoutAManagerSaysWhoIsHeardAndWhoWaits(t *testing.T) {
	got := printed(func(p *program, now time.Time) {
		p.printDaemons([]feed.Heartbeat{
			{Name: "manager standby", PID: 5, Host: "nemo2", Started: minutesAgo(10), Standby: "nemo1 pid 4711"},
			{Name: "message_broker", PID: 4, Host: "nemo2", Started: minutesAgo(20), Waiting: &feed.Waiting{Requests: 12, Since: minutesAgo(2)}},
			{Name: "scheduler", PID: 6, Host: "nemo2", Stopped: true},
		}, now)
	})
	want := `manager standby: stands by for nemo1 pid 4711, pid 5 on nemo2
message_broker: runs since 05-17 11:40:00, pid 4 on nemo2
12 requests of workers wait for a manager since 05-17 11:58:00 (2m0s)
scheduler: has stopped, pid 6 on nemo2
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A script asks every few minutes whether somebody must look.
func TestStatusTellsAScriptWhatNobodyHasAcknowledged(t *testing.T) {
	s := newSystem(t, operateWorkers, operateRules)
	s.up()
	check := func(want int) func() bool {
		return func() bool { _, code := s.run("status", "--check", s.config); return code == want }
	}
	s.eventually("nothing to look at", check(0))
	s.must("launch", s.config, "sleep", "--sleep-time", "soon") // it refuses that, and says nothing
	s.reachesState(1, launch.Crashed)
	s.eventually("a crash that nobody has acknowledged", check(exitFailed))
	s.eventually("the incident", func() bool { return strings.Contains(s.must("status", s.config), "nobody has acknowledged it") })
	var all []feed.Incident
	if err := json.Unmarshal([]byte(s.must("alerts", "--json", s.config)), &all); err != nil || len(all) == 0 {
		t.Fatalf("the incidents are %v (%v)", all, err)
	}
	for _, in := range all {
		s.must("alerts", "ack", "--note", "on it", s.config, fmt.Sprint(in.ID))
	}
	s.eventually("everything acknowledged", check(0))
	if got := s.must("status", s.config); !strings.Contains(got, "  acknowledged by ") || !strings.Contains(got, "on it") {
		t.Errorf("the status does not say who has acknowledged it:\n%s", got)
	}
	var status struct {
		Launches  []launch.Launch
		Incidents []feed.Incident
	}
	if err := json.Unmarshal([]byte(s.must("status", "--json", s.config)), &status); err != nil || len(status.Launches) != 1 || len(status.Incidents) == 0 {
		t.Errorf("the status as JSON is %+v (%v)", status, err)
	}
}

func TestStatusSaysWhoIsThereWhenTheManagerIsNot(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	s.try(t, example{args: words("status CONFIG"), code: exitNobody, stdout: "message_broker: runs since ", stderr: "no answer from manager"})
}

func TestWithAStandbyStatusSaysWhoHasTheState(t *testing.T) {
	why := fmt.Errorf("snapshot: %w from manager: no manager is connected: start it", control.ErrNoAnswer)
	cfg := &config.Config{StateDir: t.TempDir()}
	standby := feed.Heartbeat{Name: "manager", Standby: "nemo1 pid 4711"}
	err := served(t.Context(), cfg, []feed.Heartbeat{{Name: "scheduler"}, standby}, why)
	if want := "no answer from manager: nemo1 pid 4711 has the state and serves from there: ask it on that machine"; err.Error() != want || !errors.Is(err, control.ErrNoAnswer) {
		t.Errorf("got %q, want %q, and the same exit code", err, want)
	}
	standby.Stopped = true
	if err := served(t.Context(), cfg, []feed.Heartbeat{standby}, why); err != why {
		t.Errorf("without one it is %q", err)
	}
}

func TestStatusSaysWhichLaunchTookThePlaceOfAnother(t *testing.T) {
	s := &feed.Snapshot{Launches: []launch.Launch{{ID: 1, State: launch.Crashed, Note: "exited with status 3 and no report", Superseded: 2}}}
	got := printed(func(p *program, now time.Time) { p.printStatus(s, now) })
	if want := "launch 2 is in its place; exited with status 3 and no report"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %q", got, want)
	}
}

func TestStatusShowsWhatTheDaemonsSayIfThereIsNoAlerter(t *testing.T) {
	s := newAny(t)
	broker := s.start("broker")
	s.start("manager")
	s.write("nowcast.yaml", s.read("nowcast.yaml")+"barrier time limit: nonsense\n")
	hangup(broker)
	s.eventually("the broker's alert", func() bool {
		out, code := s.run("status", "--check", s.config)
		return code == exitFailed && strings.Contains(out, "not reloaded: message_broker: ") && strings.Contains(out, "barrier time limit") &&
			strings.Contains(out, "nobody outside is told of alerts: ")
	})
}

func TestStatusDoesNotBlameTheManagerForABrokerThatHangs(t *testing.T) {
	s := newAny(t)
	broker := s.start("broker")
	s.start("manager")
	s.must("status", s.config)
	broker.Process.Signal(syscall.SIGSTOP)
	defer broker.Process.Signal(syscall.SIGCONT)
	out, code := s.run("status", s.config)
	if want := "no answer from manager: nothing came through the message broker for 2.5s: it hangs; kill -9 it"; code != exitNobody || !strings.Contains(out, want) {
		t.Errorf("got exit code %d and\n%s\nwant %q", code, out, want)
	}
}

func TestStatusDoesNotAskForAnUpThatRuns(t *testing.T) {
	why := fmt.Errorf("snapshot: %w from manager: no manager is connected: start it with nowcastd up", control.ErrNoAnswer)
	up := feed.Heartbeat{Name: "supervisor"}
	if err := blame([]feed.Heartbeat{up}, why); !strings.Contains(err.Error(), "nowcastd up starts it again") || strings.Contains(err.Error(), "start it with") || !errors.Is(err, control.ErrNoAnswer) {
		t.Errorf("got %q", err)
	}
	if err := blame([]feed.Heartbeat{{Name: "scheduler"}}, why); err != why {
		t.Errorf("without an up got %q", err)
	}
}
