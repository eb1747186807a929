package manager

import (
	"testing"

	"nowcast/internal/core/pyyaml"
)

// forgetful is a world whose manager has ended, and whose database has lost the last of three messages and the last of two launches.
func forgetful(t *testing.T) *world {
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", "first"))
	w.ask(report("sleep", "kept"))
	w.ask(report("sleep", "newest"))
	w.stop()
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for id := range w.store.messages {
		if id > 2 {
			delete(w.store.messages, id)
		}
	}
	for id := range w.store.launches {
		if id > 1 {
			delete(w.store.launches, id)
		}
	}
	return w
}

func (w *world) checklistValue(key string) pyyaml.Value {
	v, _ := w.checklistFile().(*pyyaml.Map).Get(key)
	return v
}

func TestTheChecklistFileHasWhatADamagedDatabaseHasLost(t *testing.T) {
	for name, incomplete := range map[string]bool{"newest": true, "kept": false} { // kept: somebody has restored an older database
		w := forgetful(t)
		w.options = func(o *Options) { o.Salvaged, o.Incomplete = "it was damaged", incomplete }
		w.start(false)
		w.ask(report("awaken", "afterwards"))
		if got := w.checklistValue("sleep key"); got != name {
			t.Errorf("the state is incomplete: %v: got %q, want %q", incomplete, got, name)
		}
		w.stop()
	}
}

func TestNoNumberNamesTwoMessagesOrLaunches(t *testing.T) {
	w := forgetful(t)
	w.options = func(o *Options) { o.LastLaunch = 2 } // its output is there
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the launch", func() bool { return w.store.launch(3).ID == 3 })
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if _, again := w.store.messages[3]; again || w.store.launches[2] != nil {
		t.Errorf("got messages %v and launches %v, want that the numbers of those that were lost are left out", w.store.messages, w.store.launches)
	}
}
