package manager

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// backFromPython is a world to which a manager comes back that left a launch to be started; Python's has had a day meanwhile.
func backFromPython(t *testing.T, ignoreChecklist bool) *world {
	w := newWorld(t)
	w.rule("sleep", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	w.start(false)
	w.ask(report("awaken", "05-17"))
	w.stop()
	w.store.mu.Lock()
	w.store.launches[7] = &launch.Launch{ID: 7, NextWorker: launch.NextWorker{Module: "w.c", Args: []string{"retry"}, Host: launch.Localhost}, Argv: []string{"w.c"},
		State: launch.Decided, Decided: time.Now().Add(-time.Hour), Cause: "retry 1 of 2 of launch 1"}
	w.store.launches[8] = &launch.Launch{ID: 8, NextWorker: launch.NextWorker{Module: "w.c", Args: []string{"starting"}, Host: launch.Localhost}, Argv: []string{"w.c"},
		State: launch.Starting, Decided: time.Now().Add(-time.Hour)}
	w.store.mu.Unlock()
	if err := os.WriteFile(w.config.ChecklistFile, []byte("sleep key: 05-18\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(time.Hour) // the clock that wrote it was
	if err := os.Chtimes(w.config.ChecklistFile, ahead, ahead); err != nil {
		t.Fatal(err)
	}
	w.start(ignoreChecklist)
	return w
}

func TestWhatWasNotStartedBeforeAnotherManagersDayIsNotStartedAfterIt(t *testing.T) {
	for name, ignore := range map[string]bool{"its checklist is read": false, "--ignore-checklist": true} {
		t.Run(name, func(t *testing.T) {
			w := backFromPython(t, ignore)
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

func TestARequestFromBeforeAnotherManagersDayChangesNothingAfterIt(t *testing.T) {
	w := backFromPython(t, false)
	accepted := func(number uint64, flags byte, at time.Time) []byte {
		b := ticket(number, flags, "")
		binary.BigEndian.PutUint32(b[5:], uint32(at.Unix()))
		return b
	}
	ask := func(ticket []byte, value string) { w.give(ticket, report("sleep", value)) }
	ask(accepted(1, again|orphan, time.Now().Add(-time.Hour)), "05-17")
	w.give(accepted(2, again|orphan, time.Now().Add(-time.Hour)), message.Message{Source: "awaken", Type: "clear checklist"})
	if got := w.checklistValue("sleep key"); got != "05-18" {
		t.Errorf("the checklist has %v, want what Python's manager has left", got)
	}
	a, told := w.alert(ruleKey("sleep"))
	if !told || a.Offer != control.CmdEvaluate || !strings.Contains(a.Message, "it waited in the journal of the message broker, and another manager has written the checklist since") {
		t.Errorf("got the alert %+v, want one that offers to have the rule called", a)
	}
	if !w.logs.has("of awaken (clear checklist) is too late") {
		t.Errorf("got the log %q", w.logs.text)
	}
	if id := (&scene{w}).lastID(); id != 8 {
		t.Errorf("launch %d was decided", id)
	}
	reply := w.do(control.CmdEvaluate, string(a.Args))
	if reply.Error != "" {
		t.Error(reply.Error)
	}
	w.eventually("the launch that the operator wants", w.launchIs(9, launch.Running))
	ask(accepted(3, again, time.Now().Add(-time.Hour)), "its worker waits still")
	w.eventually("the launch", w.launchIs(10, launch.Running))
	ask(accepted(4, again|orphan, time.Now().Add(time.Minute)), "accepted after that day")
	w.eventually("the launch", w.launchIs(11, launch.Running))
}
