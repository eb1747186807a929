package manager

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// withBarrier is a world whose manager has ended with three keys in its checklist and an open barrier, and the file that it wrote.
func withBarrier(t *testing.T) (w *world, written []byte) {
	t.Helper()
	w = newWorld(t)
	w.rule("a", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}, Await: []string{"b", "sleep"}})
	w.start(false)
	w.ask(report("awaken", "early"))
	w.ask(report("a", pyyaml.MapOf("run date", "2031-05-17", "hours", int64(36))))
	w.stop()
	written, err := os.ReadFile(w.config.ChecklistFile)
	if err != nil {
		t.Fatal(err)
	}
	return w, written
}

func TestAChecklistFileThatWasCutIsNoEdit(t *testing.T) {
	w, written := withBarrier(t)
	stored, open := w.checklistFile(), len(w.store.barriers)
	if open != 1 {
		t.Fatalf("got %d barriers, want 1", open)
	}
	whole := bytes.LastIndex(written, []byte("\n"+trailer)) + 1
	firstLine := bytes.IndexByte(written, '\n') + 1
	for name, length := range map[string]int{"within a line": firstLine + 3, "before our last line": whole,
		"within our last line": whole + 20, "without the last byte": len(written) - 1} {
		if err := os.WriteFile(w.config.ChecklistFile, written[:length], 0o666); err != nil {
			t.Fatal(err)
		}
		w.start(false)
		if got := w.Manager.checklist.Map(); !pyyaml.Equal(got, stored) {
			t.Errorf("%s: got %s, want %s", name, pyyaml.Repr(got), pyyaml.Repr(stored))
		}
		if _, told := w.alert(replacedKey); told || len(w.shown().Barriers) != open {
			t.Errorf("%s: got %d barriers, replaced: %v; want all as it was", name, len(w.shown().Barriers), told)
		}
		w.stop()
		if got, _ := os.ReadFile(w.config.ChecklistFile); !bytes.Equal(got, written) {
			t.Errorf("%s: the file is\n%s", name, got)
		}
	}
	if aside, _ := filepath.Glob(w.config.ChecklistFile + ".damaged-*"); len(aside) != 4 {
		t.Errorf("put aside: got %q, want four", aside)
	}
}

func TestAFileThatReplacesTheStoredChecklistSaysWhatIsOther(t *testing.T) {
	w, _ := withBarrier(t)
	stored := w.checklistFile()
	if err := os.WriteFile(w.config.ChecklistFile, []byte("a key: {run date: 2031-05-18}\nmine: 1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*")
	if len(kept) != 1 {
		t.Fatalf("kept: %q, want one", kept)
	}
	told, ok := w.alert(replacedKey)
	if want := "1 key (awaken key) gone, 1 key (a key) changed, 1 key (mine) new. The checklist from before is kept as " + kept[0]; !ok || !strings.Contains(told.Message, want) {
		t.Errorf("got %+v, want an alert with %q", told, want)
	}
	text, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pyyaml.Decode(text); err != nil || !pyyaml.Equal(got, stored) {
		t.Errorf("kept: got %s, %v, want %s", pyyaml.Repr(got), err, pyyaml.Repr(stored))
	}
	w.ask(message.Message{Source: "sleep", Type: "clear checklist"})
	if _, open := w.alert(replacedKey); open {
		t.Error("the alert is open though the checklist was cleared")
	}
}

// A cut between two lines looks like what the Python manager leaves when it was cleared and filled again, so the file is taken.
func TestAFileThatIsShorterByWholeLinesIsTakenAndSaysWhatIsGone(t *testing.T) {
	w, _ := withBarrier(t)
	if err := os.WriteFile(w.config.ChecklistFile, []byte("a key:\n  hours: 36\n  run date: '2031-05-17'\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	if told, ok := w.alert(replacedKey); !ok || !strings.Contains(told.Message, "1 key (awaken key) gone, 0 keys changed, 0 keys new") {
		t.Errorf("got %+v, want an alert about the key that is gone", told)
	}
	if kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*"); len(kept) != 1 {
		t.Errorf("kept: %q, want one", kept)
	}
}

func TestAFileThatSaysTheSameInOtherWordsReplacesNothing(t *testing.T) {
	w, written := withBarrier(t)
	if err := os.WriteFile(w.config.ChecklistFile, append([]byte("# looked at by sue\n"), written...), 0o666); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*")
	if _, told := w.alert(replacedKey); told || len(kept) != 0 {
		t.Errorf("got an alert: %v, kept %q; want neither", told, kept)
	}
}

func TestOnlySoManyReplacedChecklistsAreKept(t *testing.T) {
	w, _ := withBarrier(t)
	for n := range keepReplaced + 3 {
		if err := os.WriteFile(w.config.ChecklistFile, fmt.Appendf(nil, "mine: %d\n", n), 0o666); err != nil {
			t.Fatal(err)
		}
		w.start(false)
		w.stop()
	}
	if kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*"); len(kept) != keepReplaced {
		t.Errorf("kept: got %q, want %d", kept, keepReplaced)
	}
}
