package manager

import (
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// returning is a world whose manager has stopped, leaving the launches given; Python's has had a day meanwhile.
func returning(t *testing.T, file string, left ...*launch.Launch) *world {
	w := newWorld(t)
	w.rule("sleep", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	w.start(false)
	w.ask(report("awaken", "05-17"))
	w.stop()
	w.store.mu.Lock()
	for _, l := range left {
		l.Host, l.Argv, l.Decided = launch.Localhost, []string{l.Module}, time.Now().Add(-time.Hour)
		if l.State == launch.Running {
			l.Started = &l.Decided
		}
		w.store.launches[l.ID] = l
	}
	w.store.mu.Unlock()
	if err := os.WriteFile(w.config.ChecklistFile, []byte(file), 0o666); err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(time.Hour) // the clock that wrote it was
	if err := os.Chtimes(w.config.ChecklistFile, ahead, ahead); err != nil {
		t.Fatal(err)
	}
	return w
}

const ofPython = "sleep key: 05-18\n"

// starts are ways for a manager to come back after another's day. The last start is the one that is to do what the first would.
var starts = map[string]func(w *world, ignoreChecklist bool){
	"at the first start":  func(w *world, ignore bool) { w.start(ignore) },
	"at the second start": func(w *world, ignore bool) { w.start(ignore); w.stop(); w.start(false) },
	"after a death before it began its work": func(w *world, ignore bool) {
		o := Options{Config: w.config, IgnoreChecklist: ignore, Requests: w.line, Store: w.store, Rules: w.rules, NoFunction: errNoFunction,
			Launcher: &processes{journal: w.journal}, Feed: w.feed, Log: slog.New(w.logs), ChecklistLog: slog.New(w.logs), Now: time.Now, Machine: "here"}
		if _, err := New(context.Background(), o); err != nil {
			w.t.Fatal(err)
		}
		w.start(false)
	},
}

func TestWhatWasNotStartedBeforeAnotherManagersDayIsNotStartedAfterIt(t *testing.T) {
	for when, come := range starts {
		for how, ignore := range map[string]bool{"its checklist is read": false, "--ignore-checklist": true} {
			t.Run(when+", "+how, func(t *testing.T) {
				w := returning(t, ofPython, &launch.Launch{ID: 7, NextWorker: launch.NextWorker{Module: "w.c", Args: []string{"retry"}}, State: launch.Decided, Cause: "retry 1 of 2 of launch 1"},
					&launch.Launch{ID: 8, NextWorker: launch.NextWorker{Module: "w.c", Args: []string{"starting"}}, State: launch.Starting})
				come(w, ignore)
				for id, args := range map[int64]string{7: "retry", 8: "starting"} {
					w.eventually("the end of what was not started", w.launchIs(id, launch.Crashed))
					if note := w.store.launch(id).Note; !strings.Contains(note, "not started: another manager has written the checklist since") {
						t.Errorf("launch %d: got the note %q", id, note)
					}
					if a, told := w.alert("launch w.c " + args); !told || a.Offer != control.CmdRelaunch {
						t.Errorf("launch %d: got the alert %+v, want one that offers to launch it", id, a)
					}
				}
				w.ask(report("sleep", "now"))
				w.eventually("the launch of today", w.launchIs(9, launch.Running))
				if n := w.count("start w.c"); n != 0 {
					t.Errorf("%d of another day were started", n)
				}
			})
		}
	}
}

func TestADamagedChecklistFileIsNoSignOfAnotherManager(t *testing.T) {
	for how, ignore := range map[string]bool{"put aside": false, "--ignore-checklist": true} {
		t.Run(how, func(t *testing.T) {
			w := returning(t, "{{{", &launch.Launch{ID: 7, NextWorker: launch.NextWorker{Module: "w.c"}, State: launch.Decided})
			w.start(ignore)
			w.eventually("the start of what was decided", w.launchIs(7, launch.Running))
		})
	}
}

func TestNoLaunchOfBeforeAnotherManagersDayIsTriedAgain(t *testing.T) {
	for when, come := range starts {
		t.Run(when, func(t *testing.T) {
			w := returning(t, ofPython, &launch.Launch{ID: 7, NextWorker: launch.NextWorker{Module: "w.a"}, State: launch.Running, PID: 4711, PIDStart: 1})
			a := w.config.Registry.Workers["a"]
			a.Policy = thrice
			w.config.Registry.Workers["a"] = a
			come(w, false)
			w.processes.exits <- launch.Exit{ID: 7, Time: time.Now(), Status: 3}
			w.eventually("its end", w.launchIs(7, launch.Crashed))
			if by := w.store.launch(7).Superseded; by != 0 {
				t.Errorf("it is tried again as launch %d", by)
			}
		})
	}
}

func TestWhatIsLaunchedAfterAnotherManagersDayIsTriedAgainWhateverTheClockDoes(t *testing.T) {
	w := returning(t, ofPython)
	a := w.config.Registry.Workers["a"]
	a.Policy = thrice
	w.config.Registry.Workers["a"] = a
	w.rule("sleep", launch.Next{Workers: []launch.NextWorker{{Module: "w.a", Host: launch.Localhost}}})
	var back atomic.Int64
	w.options = func(o *Options) { o.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) } }
	w.start(false)
	back.Store(int64(2 * time.Hour))
	w.ask(report("sleep", "now"))
	w.eventually("the launch", w.launchIs(1, launch.Running))
	w.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: 3}
	w.eventually("its end", w.launchIs(1, launch.Crashed))
	if by := w.store.launch(1).Superseded; by != 2 {
		t.Errorf("it was replaced by launch %d, want 2", by)
	}
}

// accepted is the ticket of a request that a broker accepted then which has died since.
func accepted(number uint64, at time.Time) []byte {
	b := ticket(number, again|orphan|4, "")
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMilli()))
}

func TestARequestFromBeforeAnotherManagersDayChangesNothingAfterIt(t *testing.T) {
	before := time.Now().Add(-time.Hour)
	for when, come := range starts {
		t.Run(when, func(t *testing.T) {
			w := returning(t, ofPython)
			come(w, false)
			w.give(accepted(1, before), report("sleep", "05-17"))
			w.give(accepted(2, before), message.Message{Source: "awaken", Type: "clear checklist"})
			if got := w.checklistValue("sleep key"); got != "05-18" {
				t.Errorf("the checklist has %v, want what Python's manager has left", got)
			}
			rule, told := w.alert(ruleKey("sleep"))
			if !told || rule.Offer != control.CmdEvaluate || !strings.Contains(rule.Message, "another manager has written the checklist since") {
				t.Errorf("got the alert %+v, want one that offers to have the rule called", rule)
			}
			if a, told := w.alert(clearKey); !told || a.Kind != "clear checklist refused" || !strings.Contains(a.Message, "the checklist is not cleared for awaken: ") {
				t.Errorf("got the alert %+v, want one of a refused clearing", a)
			}
			if _, told := w.alert(replacedKey); !told {
				t.Error("that Python's checklist has replaced ours is not told any more")
			}
			for _, worker := range []string{"sleep", "awaken"} {
				if a, told := w.alert(waitsKey(nil, worker)); told {
					t.Errorf("got the alert %+v of somebody of whom nobody knows whether he waits", a)
				}
			}
			if !w.logs.has("of awaken (clear checklist) is too late") {
				t.Errorf("got the log %q", w.logs.text)
			}
			if id := (&scene{w}).lastID(); id != 0 {
				t.Errorf("launch %d was decided", id)
			}
			if reply := w.do(control.CmdEvaluate, string(rule.Args)); reply.Error != "" {
				t.Error(reply.Error)
			}
			w.eventually("the launch that the operator wants", w.launchIs(1, launch.Running))
		})
	}
}

func TestWhatIsAskedAfterAnotherManagersDayIsDone(t *testing.T) {
	before, written, after := time.Now().Add(-time.Hour), time.Now().Add(-30*time.Minute), time.Now().Add(-29*time.Minute)
	w := returning(t, ofPython)
	if err := os.Chtimes(w.config.ChecklistFile, written, written); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	need := message.Message{Source: "b", Type: "need", Payload: "sleep key"}
	if got := w.give(accepted(1, before), need); got.Payload != "05-18" {
		t.Errorf("an old question: got %+v, want its answer", got)
	}
	if w.logs.has("is too late") {
		t.Error("an old question is told")
	}
	for i, ticket := range [][]byte{accepted(2, after), ticket(3, again, ""), ticket(4, again|orphan, "")} {
		w.give(ticket, report("sleep", pyyaml.Repr(int64(i))))
		w.eventually("the launch", w.launchIs(int64(1+i), launch.Running))
	}
	ours := report("awaken", "05-17")
	ours.ID = "host:7:1"
	w.give(accepted(5, before), ours)
	if got := w.checklistValue("awaken key"); got != nil {
		t.Errorf("got %v of a report that is too late", got)
	}
	w.give(ticket(6, 0, ""), ours) // by a living broker: its worker still asks
	if got := w.checklistValue("awaken key"); got != "05-17" {
		t.Errorf("got %v of the same report by a worker that waits for the answer", got)
	}
}

func TestAReportFromBeforeAnotherManagersDayIsOfNoLaunchOfToday(t *testing.T) {
	before := time.Now().Add(-time.Hour)
	w := returning(t, ofPython, &launch.Launch{ID: 7, NextWorker: launch.NextWorker{Module: "w.a"}, State: launch.Running, PID: 4711, PIDStart: 1})
	w.config.Waiting = config.WaitingEnd
	w.start(false)
	w.ask(report("sleep", "now"))
	w.eventually("the launch of today", w.launchIs(8, launch.Running))
	w.give(accepted(1, before), report("b", "05-17"))
	if l := w.store.launch(8); len(l.Reports) > 0 {
		t.Errorf("got reports %+v of today's launch", l.Reports)
	}
	w.give(accepted(2, before), report("a", "05-17"))
	if l := w.store.launch(7); len(l.Reports) != 1 {
		t.Errorf("got reports %+v of the launch from before, want one", l.Reports)
	}
	old := w.store.launch(7)
	a, told := w.alert(waitsKey(&old, "a"))
	if want := "report (success) of w.a recorded and not acted upon, worker still waiting: safe to kill"; !told || !strings.Contains(a.Message, want) {
		t.Errorf("got the alert %+v, want %q", a, want)
	}
	w.eventually("the end of who waits in vain", func() bool { return w.count("kill 4711 TERM") == 1 })
	if n := w.count("kill"); n != 1 {
		t.Errorf("got %q, want one launch ended", w.all())
	}
}

func TestAnOldClearingIsNotHeld(t *testing.T) {
	w := returning(t, ofPython)
	w.config.Clear = config.ClearHold
	w.start(false)
	w.ask(report("sleep", "now"))
	w.eventually("the launch of today", w.launchIs(1, launch.Running))
	w.give(accepted(1, time.Now().Add(-time.Hour)), message.Message{Source: "awaken", Type: "clear checklist"})
	if a, told := w.alert(clearKey); !told || a.Kind != "clear checklist refused" {
		t.Errorf("got the alert %+v, want that it is refused", a)
	}
}
