package manager

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

func TestAChecklistFileThatCannotBeReadIsAnAlert(t *testing.T) {
	for name, over := range map[string]func(w *world, aside string){
		"it is corrected": func(w *world, aside string) {
			w.stop()
			text, err := os.ReadFile(aside)
			if err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(w.config.ChecklistFile, bytes.ReplaceAll(text, []byte("\t"), []byte("  ")), 0o666); err != nil {
				w.t.Fatal(err)
			}
			w.start(false)
			if got, _ := w.Manager.checklist.Map().Get("mine"); !pyyaml.Equal(got, int64(1)) || len(w.shown().Barriers) != 1 {
				w.t.Errorf("got %s and %d barriers, want what was edited, and the barrier", pyyaml.Repr(w.Manager.checklist.Map()), len(w.shown().Barriers))
			}
		},
		"it is cleared": func(w *world, _ string) { w.ask(message.Message{Source: "sleep", Type: "clear checklist"}) },
	} {
		t.Run(name, func(t *testing.T) {
			w, written := withBarrier(t)
			if err := os.WriteFile(w.config.ChecklistFile, append([]byte("mine: 1\nother:\n\tkey: 2\n"), written...), 0o666); err != nil {
				t.Fatal(err)
			}
			w.start(false)
			w.stop()
			w.start(false) // the file is ours again; the edit is still not in effect
			aside, _ := filepath.Glob(w.config.ChecklistFile + ".damaged-*")
			a, told := w.alert(notReadKey)
			if len(aside) != 1 || !told || a.Kind != "checklist not read" || a.Count > 1 {
				t.Fatalf("put aside: %q; got the alert %+v", aside, a)
			}
			for _, want := range []string{"what somebody has changed in it is NOT in effect", "line 3", "cannot start any token", aside[0], "copy it over " + w.config.ChecklistFile} {
				if !strings.Contains(a.Message, want) {
					t.Errorf("got %q, want %q in it", a.Message, want)
				}
			}
			over(w, aside[0])
			if a, open := w.alert(notReadKey); open {
				t.Errorf("it is over, and the alert is open: %+v", a)
			}
		})
	}
}

// A file that the manager may not or cannot read is kept as well: somebody else can.
func TestAChecklistFileThatCannotEvenBeOpenedIsKept(t *testing.T) {
	for name, stoodBy := range map[string]string{"at a start": "", "at a takeover": "the manager of h1"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(false)
			w.ask(report("sleep", "well"))
			w.stop()
			path := w.config.ChecklistFile
			if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "precious"), 0o777)); err != nil {
				t.Fatal(err)
			}
			w.options = func(o *Options) { o.StoodBy = stoodBy }
			w.start(false)
			aside, _ := filepath.Glob(path + ".damaged-*")
			if len(aside) != 1 {
				t.Fatalf("put aside: %q, want one", aside)
			}
			if _, err := os.Stat(filepath.Join(aside[0], "precious")); err != nil {
				t.Error(err)
			}
			if a, told := w.alert(notReadKey); !told || !strings.Contains(a.Message, "is a directory") || !strings.Contains(a.Message, aside[0]) {
				t.Errorf("got the alert %+v", a)
			}
			if got := w.checklistValue("sleep key"); got != "well" {
				t.Errorf("the file has %v, want what the database has", got)
			}
		})
	}
}

func TestTheChecklistFromBeforeIsTakenBackWithoutClosingBarriers(t *testing.T) {
	w, written := withBarrier(t)
	stored := w.checklistFile()
	if err := os.WriteFile(w.config.ChecklistFile, append([]byte("mine: 1\n"), written...), 0o666); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	w.stop()
	kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*")
	if len(kept) != 1 {
		t.Fatalf("kept: %q, want one", kept)
	}
	text, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.config.ChecklistFile, text, 0o666); err != nil { // as the alert says
		t.Fatal(err)
	}
	w.start(false)
	if got := w.Manager.checklist.Map(); !pyyaml.Equal(got, stored) || len(w.shown().Barriers) != 1 {
		t.Errorf("got %s and %d barriers, want %s and 1", pyyaml.Repr(got), len(w.shown().Barriers), pyyaml.Repr(stored))
	}
}
