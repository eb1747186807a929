package manager

import (
	"context"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// twoRunning starts launches 1 and 2 of awaken.
func twoRunning(t *testing.T) *world {
	w := newWorld(t)
	w.start(false)
	w.ask(report("sleep", nil))
	w.ask(report("sleep", nil))
	w.eventually("two starts", func() bool { return w.launchIs(1, launch.Running)() && w.launchIs(2, launch.Running)() })
	return w
}

func TestTheProcessBehindTheConnectionSent(t *testing.T) {
	w := twoRunning(t)
	w.processes.behind = map[string]int64{"127.0.0.1:4711": 2}
	w.give(ticket(1, 0, "127.0.0.1:4711"), report("awaken", nil))
	if got := w.store.launch(2).Reports; len(got) != 1 || got[0].Guess {
		t.Errorf("got %+v, want one report that is no guess", got)
	}
	w.give(ticket(2, 0, "127.0.0.1:4712"), report("awaken", nil))
	if got := w.store.launch(1).Reports; len(got) != 1 || !got[0].Guess {
		t.Errorf("got %+v, want the report of the one that remains, as a guess", got)
	}
}

// replacedLaunch has launch 1 killed and started again as launch 2.
func replacedLaunch(t *testing.T) *world {
	w := newWorld(t)
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the start", w.launchIs(1, launch.Running))
	w.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Signal: "killed"}
	w.eventually("its end", w.launchIs(1, launch.Killed))
	if r := w.do(control.CmdRelaunch, `{"launch":1}`); !r.OK {
		t.Fatal(r.Error)
	}
	w.eventually("the other start", w.launchIs(2, launch.Running))
	if l := w.store.launch(1); l.Superseded != 2 {
		t.Fatalf("got %+v, want that launch 2 has taken its place", l)
	}
	w.rule("awaken", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	return w
}

func TestALateReportOfAReplacedLaunchChangesNothingButTheRecord(t *testing.T) {
	for name, send := range map[string]func(w *world) message.Message{
		"that names its launch": func(w *world) message.Message {
			return w.ask(message.Message{Source: "awaken", Type: "success", Payload: "late", Launch: 1})
		},
		"whose process was left behind": func(w *world) message.Message {
			w.processes.behind = map[string]int64{"127.0.0.1:4711": 1}
			return w.give(ticket(1, 0, "127.0.0.1:4711"), report("awaken", "late"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := replacedLaunch(t)
			if got := send(w); got.Type != message.Ack {
				t.Errorf("got %s, want ack", got.Type)
			}
			if got := w.shown().Checklist; got != "{}\n" {
				t.Errorf("got the checklist %q, want it empty", got)
			}
			l := w.store.launch(1)
			if l.State != launch.Killed || l.LastReport() != "success" {
				t.Errorf("got %s with %+v, want it killed, and its report on record", l.State, l.Reports)
			}
			if m, ok, _ := w.store.Message(context.Background(), 2); !ok || m.Launch != 1 || m.Op != "" {
				t.Errorf("got the message %+v, want it stored without a change", m)
			}
			if !w.logs.has("INFO launch 1 of awaken was replaced by launch 2") {
				t.Errorf("it is not in the log: %q", w.logs.text)
			}
			w.ask(message.Message{Source: "awaken", Type: "success", Payload: "in time", Launch: 2})
			w.eventually("the launch that its successor asks for", w.launchIs(3, launch.Running))
			w.stop()
			if n := w.count("start w.b"); n != 1 {
				t.Errorf("got %d launches of b, want 1", n)
			}
		})
	}
}

func TestARelaunchWithOtherArgumentsOrOfWhatRunsReplacesNothing(t *testing.T) {
	w := twoRunning(t)
	w.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: 3}
	w.eventually("its end", w.launchIs(1, launch.Crashed))
	for _, args := range []string{`{"launch":1,"args":["other"]}`, `{"launch":2}`} {
		if r := w.do(control.CmdRelaunch, args); !r.OK {
			t.Fatal(r.Error)
		}
	}
	for _, id := range []int64{1, 2} {
		if l := w.store.launch(id); l.Superseded != 0 {
			t.Errorf("launch %d: got replaced by %d, want that it is not", id, l.Superseded)
		}
	}
}

func TestALaunchThatCannotBeSeenEndsWithItsReportOrWhenItIsGivenUp(t *testing.T) {
	unknown := func(t *testing.T) *world {
		w := newWorld(t)
		w.store.launches[1] = &launch.Launch{ID: 1, NextWorker: launch.NextWorker{Module: "w.awaken"}, State: launch.Running, PID: 5, Machine: "elsewhere"}
		w.start(false)
		w.eventually("unknown", w.launchIs(1, launch.Unknown))
		if l := w.store.launch(1); !strings.Contains(l.Note, "started by the manager on elsewhere") || w.count("adopt") != 0 {
			t.Errorf("got the note %q and %q, want that it is not touched", l.Note, w.all())
		}
		if _, ok := w.alert("launch w.awaken on "); !ok {
			t.Errorf("got %+v, want an alert", w.shown().Alerts)
		}
		return w
	}
	t.Run("report", func(t *testing.T) {
		w := unknown(t)
		w.ask(message.Message{Source: "awaken", Type: "success", Launch: 1})
		w.eventually("success", w.launchIs(1, launch.Succeeded))
	})
	t.Run("given up", func(t *testing.T) {
		w := unknown(t)
		if r := w.do(control.CmdKill, `{"launch":1,"signal":"TERM"}`); !r.OK {
			t.Fatal(r.Error)
		}
		if l := w.store.launch(1); l.State != launch.Lost || !strings.Contains(l.Note, "given up by sue@host; it may still run on elsewhere. Before: started by the manager on elsewhere") {
			t.Errorf("got %s %q", l.State, l.Note)
		}
		if a, ok := w.alert("launch w.awaken on "); ok {
			t.Errorf("the alert is still open: %+v", a)
		}
	})
}

func TestALaunchThatCameBackWithItsMachineIsSeenAgain(t *testing.T) {
	started := time.Unix(1, 0)
	for name, tc := range map[string]struct {
		launch launch.Launch
		want   launch.State
		starts int
	}{
		"its process runs":                     {launch.Launch{PID: 5, Started: &started}, launch.Running, 0},
		"it was not started":                   {launch.Launch{}, launch.Running, 1},
		"the connection to its host had ended": {launch.Launch{PID: 5, Started: &started, Exit: new(int)}, launch.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := tc.launch
			l.ID, l.State, l.Machine, l.Module, l.Argv = 1, launch.Unknown, "here", "w.awaken", []string{"w.awaken"}
			w.store.launches[1] = &l
			w.start(false)
			w.ask(report("a", nil)) // after what is done at the start
			w.eventually(string(tc.want), w.launchIs(1, tc.want))
			w.stop()
			if n := w.count("start "); n != tc.starts {
				t.Errorf("got %d starts, want %d", n, tc.starts)
			}
		})
	}
}
