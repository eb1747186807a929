package manager

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"nowcast/internal/core/launch"
)

// starting is a world with a launch that is recorded as starting and not started, because nobody knows whose the state is.
func starting(t *testing.T) (*world, *atomic.Bool) {
	w := newWorld(t)
	held := &atomic.Bool{}
	w.store.held, w.store.lost = held.Load, make(chan struct{})
	w.processes = &processes{journal: w.journal}
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the record", w.launchIs(1, launch.Starting))
	return w, held
}

func TestALaunchIsStartedWhenItIsKnownAgainThatTheStateIsOurs(t *testing.T) {
	w, held := starting(t)
	w.ask(report("awaken", nil)) // messages do not wait for that
	if n := w.count("start "); n != 0 {
		t.Fatalf("got %d starts while the state may be another's", n)
	}
	held.Store(true)
	w.eventually("the start", w.launchIs(1, launch.Running))
	if n := w.count("start "); n != 1 {
		t.Errorf("got %d starts, want 1", n)
	}
}

func TestLaunchesWaitForRoomAndAreNotGivenUp(t *testing.T) {
	w := newWorld(t)
	w.processes = &processes{journal: w.journal, gate: make(chan struct{}, 1)}
	w.processes.refuse = fmt.Errorf("open the output file: %w", syscall.ENOSPC)
	w.start(false)
	w.ask(report("sleep", nil))
	w.processes.gate <- struct{}{}
	w.eventually("the alert", func() bool { a, ok := w.alert(noRoom); return ok && strings.Contains(a.Message, "no space left") })
	if l := w.store.launch(1); l.State != launch.Starting {
		t.Errorf("got %s, want that it waits", l.State)
	}
	w.processes.refuse = nil // before the gate opens
	w.processes.gate <- struct{}{}
	w.eventually("the start", w.launchIs(1, launch.Running))
	w.eventually("the end of the alert", func() bool { _, ok := w.alert(noRoom); return !ok })
}

func TestWithoutADirectoryForOutputLaunchesWaitAndAreNotGivenUp(t *testing.T) {
	w := newWorld(t)
	w.processes = &processes{journal: w.journal, gate: make(chan struct{}, 1)}
	w.processes.refuse = fmt.Errorf("open the output file: %w: %w", launch.ErrNoOutput, syscall.ENOENT)
	w.start(false)
	w.ask(report("sleep", nil))
	w.processes.gate <- struct{}{}
	w.eventually("the alert", func() bool {
		a, ok := w.alert(noRoom)
		return ok && strings.Contains(a.Message, "repair the directory")
	})
	if l := w.store.launch(1); l.State != launch.Starting {
		t.Errorf("got %s, want that it waits", l.State)
	}
	w.processes.refuse = nil // before the gate opens
	w.processes.gate <- struct{}{}
	w.eventually("the start", w.launchIs(1, launch.Running))
	w.eventually("the end of the alert", func() bool { _, ok := w.alert(noRoom); return !ok })
}

func TestAManagerThatIsToldToStopLeavesToTheNextWhatMayBeAnothers(t *testing.T) {
	w, _ := starting(t)
	w.stop()
	if l := w.store.launch(1); l.State != launch.Starting || w.count("start ") != 0 {
		t.Errorf("got %s and %d starts, want that the record stands", l.State, w.count("start "))
	}
}
