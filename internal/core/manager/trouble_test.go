package manager

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

var errDeposed = errors.New("another manager has the state")

// ended waits for Run to return by itself.
func (w *world) ended() error {
	w.t.Helper()
	select {
	case err := <-w.done:
		w.done <- err
		return err
	case <-time.After(patience):
		w.t.Fatal("the manager does not end")
		return nil
	}
}

func TestAManagerThatWasDeposedSendsAndLaunchesNothingMore(t *testing.T) {
	w := newWorld(t)
	w.options = func(o *Options) { o.Fatal = func(err error) bool { return errors.Is(err, errDeposed) } }
	w.start(false)
	w.ask(report("awaken", "ours"))
	w.fileBecomes(pyyaml.MapOf("awaken key", "ours"))
	w.store.mu.Lock()
	w.store.fatal = errDeposed
	w.store.mu.Unlock()
	for range 3 {
		select {
		case w.line.in <- []wire.Frames{{[]byte("client"), nil, report("sleep", "not ours").Encode()}}:
		case err := <-w.done: // the first was enough
			w.done <- err
		}
	}
	if err := w.ended(); !errors.Is(err, errDeposed) {
		t.Errorf("got %v, want that it says why it ends", err)
	}
	if n := len(w.line.out); n != 0 || w.count("start ") != 0 {
		t.Errorf("got %d replies, and %q", n, w.all())
	}
	if n := w.count("commit is refused"); n != 1 {
		t.Errorf("got %d attempts, want 1", n)
	}
	if got, want := w.checklistFile(), pyyaml.MapOf("awaken key", "ours"); !pyyaml.Equal(got, want) {
		t.Errorf("file: got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(want))
	}
}

func TestADeposedManagerDoesNotTellWhatDidNotHappen(t *testing.T) {
	w := newWorld(t)
	w.options = func(o *Options) { o.Fatal = func(err error) bool { return errors.Is(err, errDeposed) } }
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("running", w.launchIs(1, launch.Running))
	w.store.mu.Lock()
	w.store.fatal = errDeposed
	w.store.mu.Unlock()
	w.processes.exits <- launch.Exit{ID: 1, Time: time.Unix(9, 0), Status: 3}
	if err := w.ended(); !errors.Is(err, errDeposed) {
		t.Errorf("got %v, want that it ends", err)
	}
	if w.logs.has("ERROR launch of ") {
		t.Errorf("got log %q, want nothing of an end that is another manager's to judge", w.logs.text)
	}
}

func TestNothingIsStartedWhileTheStateMayBeAnothers(t *testing.T) {
	w := newWorld(t)
	var held atomic.Bool
	held.Store(true)
	lost := make(chan struct{})
	w.store.held, w.store.lost = held.Load, lost
	w.processes = &processes{journal: w.journal, gate: make(chan struct{})}
	w.start(false)
	w.ask(report("sleep", nil)) // its launch is with the starter
	w.ask(report("sleep", nil)) // the next one waits for it
	w.eventually("both recorded", func() bool { return w.launchIs(2, launch.Starting)() })
	w.eventually("the first in the starter", func() bool { return w.processes.atGate.Load() == 1 })
	held.Store(false)
	close(w.processes.gate)
	w.eventually("the first start", func() bool { return w.count("start ") == 1 })
	if r := w.do(control.CmdLaunch, `{"module":"w.b"}`); r.OK || !r.Again {
		t.Errorf("got %+v, want that nothing is done", r)
	}
	close(lost)
	if err := w.ended(); err == nil || !strings.Contains(err.Error(), "taken over") {
		t.Errorf("got %v", err)
	}
	if n := w.count("start "); n != 1 {
		t.Errorf("got %d starts, want 1", n)
	}
	if l := w.store.launch(2); l.State != launch.Starting {
		t.Errorf("got %s, want that the record stands for the next manager", l.State)
	}
}

func TestACommitThatHasHappenedAndReportsAnErrorIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.store.mu.Lock()
	w.store.late = 1
	w.store.mu.Unlock()
	w.ask(report("sleep", nil))
	w.eventually("the start", w.launchIs(1, launch.Running))
	if n, m := len(w.store.messages), len(w.store.launches); n != 1 || m != 1 || w.count("start ") != 1 || w.count("reply ") != 1 {
		t.Errorf("got %d messages, %d launches, %q", n, m, w.all())
	}
}

func TestASlowStoreIsShownAndTheLoopGoesOn(t *testing.T) {
	t.Parallel() // it waits for the time after which a commit is slow
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", nil))
	w.store.mu.Lock() // as a disk that does not answer
	w.hand(wire.Frames{[]byte("client"), nil, report("awaken", nil).Encode()})
	w.eventually("the alert", func() bool { _, ok := w.alert(stateStore); return ok })
	if r := w.do(control.CmdLaunch, `{"module":"w.b"}`); r.OK || !strings.Contains(r.Error, "has not answered") {
		t.Errorf("got %+v, want that it is refused", r)
	}
	w.store.mu.Unlock()
	w.reply()
	w.eventually("the end of the alert", func() bool { _, ok := w.alert(stateStore); return !ok })
}

func TestADamagedDatabaseIsAnAlertUntilTheNextGoodStart(t *testing.T) {
	w := newWorld(t)
	w.options = func(o *Options) {
		o.Salvaged = "the state database was damaged: 2 messages were dropped; it is in state.db.damaged-1"
	}
	w.start(false)
	w.ask(report("awaken", nil))
	if a, ok := w.alert(stateDamaged); !ok || !strings.Contains(a.Message, "state.db.damaged-1") {
		t.Errorf("got %+v", a)
	}
	if !w.logs.has("ERROR+4 the state database was damaged: 2 messages were dropped") {
		t.Errorf("got log %q", w.logs.text)
	}
	w.stop()
	w.options = nil
	w.start(false)
	w.ask(report("awaken", nil))
	if a, ok := w.alert(stateDamaged); ok {
		t.Errorf("got %+v, want it ended", a)
	}
}

func TestAStopDoesNotWaitForABacklogOfLaunches(t *testing.T) {
	w := newWorld(t)
	w.processes = &processes{journal: w.journal, gate: make(chan struct{})}
	next := launch.Next{}
	const all = 300
	for range all {
		next.Workers = append(next.Workers, launch.NextWorker{Module: "w.b", Host: launch.Localhost})
	}
	w.rule("a", next)
	w.start(false)
	w.ask(report("a", nil))
	w.eventually("what is in hand", w.launchIs(mostInHand, launch.Starting))
	w.cancel()
	close(w.processes.gate)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	started, decided := 0, 0
	for _, l := range w.store.launches {
		switch l.State {
		case launch.Running:
			started++
		case launch.Decided:
			decided++
		}
	}
	if started != w.count("start ") || started < 1 || started > mostInHand+1 || started+decided != all {
		t.Errorf("got %d started, %d decided, %d starts, want all that were in hand started and the others decided", started, decided, w.count("start "))
	}
	w.processes.gate = nil
	w.start(false)
	w.eventually("the others", func() bool { return w.count("start ") == all })
}
