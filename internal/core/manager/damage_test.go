package manager

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/message"
)

func TestLaunchesThatOnlyTheFilesKnowAreAnAlertAndTheirNumbersAreNotUsed(t *testing.T) {
	w := newWorld(t)
	w.options = func(o *Options) { o.LastLaunch = 12 } // of the database that was there before
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the launch", func() bool { return w.store.launch(13).ID == 13 })
	if a, ok := w.alert(stateDamaged); !ok || !strings.Contains(a.Message, "launches up to 0, but there are files of launches up to 12") {
		t.Errorf("got %+v", a)
	}
	w.stop()
	w.options = func(o *Options) { o.LastLaunch = 13 }
	w.start(false)
	w.ask(report("awaken", nil))
	if a, ok := w.alert(stateDamaged); ok {
		t.Errorf("got %+v, want it ended: the database knows launch 13", a)
	}
}

// The state directory was moved away: the checklist file is all that is left of what was. Also the next start must say so, as it is the first
// that an operator looks at, and number nothing again.
func TestAChecklistFileThatIsAheadOfTheDatabaseIsAnAlertUntilTheChecklistIsCleared(t *testing.T) {
	for name, ignore := range map[string]bool{"the file is read": false, "--ignore-checklist": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(false)
			w.ask(report("awaken", "early"))
			w.ask(report("sleep", "well"))
			w.eventually("the launch", func() bool { return w.store.launch(1).ID == 1 })
			w.stop()
			w.store = newMemory(w.journal)
			w.start(ignore)
			w.stop()
			w.start(false)
			a, told := w.alert(forgottenKey)
			if want := "The checklist file is as of message 2, but the state database knows messages up to 0 only"; !told || !strings.Contains(a.Message, want) || a.Count > 1 {
				t.Errorf("got the alert %+v, want one with %q", a, want)
			}
			w.ask(report("sleep", "again"))
			w.eventually("the launch", func() bool { return (&scene{w}).lastID() != 0 })
			w.store.mu.Lock()
			for id := range w.store.messages {
				if id <= 2 {
					t.Errorf("the number of message %d was given again", id)
				}
			}
			w.store.mu.Unlock()
			if id := (&scene{w}).lastID(); id <= 1000 {
				t.Errorf("got launch %d, want a number that cannot have been given", id)
			}
			w.ask(message.Message{Source: "sleep", Type: "clear checklist"})
			if _, open := w.alert(forgottenKey); open {
				t.Error("the alert is open though the checklist was cleared")
			}
		})
	}
}

func TestAChecklistFileThatIsBehindTheDatabaseIsNoDamage(t *testing.T) {
	w, written := withBarrier(t)
	w.start(false)
	w.ask(report("awaken", "late"))
	w.stop()
	if err := os.WriteFile(w.config.ChecklistFile, written, 0o666); err != nil { // it is not synced: a power cut
		t.Fatal(err)
	}
	w.start(false)
	if a, told := w.alert(forgottenKey); told || !w.logs.has("WARN the checklist file is as of message 2") {
		t.Errorf("got the alert %+v and the log %q", a, w.logs.text)
	}
}

// An older copy of the database was restored: its checklist is used, and the newer one is not lost.
func TestAChecklistFileThatIsAheadOfAnOlderDatabaseIsKept(t *testing.T) {
	w := forgetful(t)
	newest, err := os.ReadFile(w.config.ChecklistFile)
	if err != nil {
		t.Fatal(err)
	}
	w.start(false)
	if got, _ := w.Manager.checklist.Map().Get("sleep key"); got != "kept" {
		t.Errorf("got %v, want what the database has", got)
	}
	if _, told := w.alert(forgottenKey); !told {
		t.Error("there is no alert")
	}
	kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*")
	if len(kept) != 1 {
		t.Fatalf("kept: %q, want one", kept)
	}
	if got, _ := os.ReadFile(kept[0]); !bytes.Equal(got, newest) {
		t.Errorf("kept: %s\nwant\n%s", got, newest)
	}
	w.stop()
	w.start(false) // with a file that is not ahead any more
	w.ask(report("awaken", "again"))
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if m, again := w.store.messages[3]; again {
		t.Errorf("the number of message 3 was given again: %+v", m)
	}
}
