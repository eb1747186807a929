package manager

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// A manager that stood by goes on with the day of the other one, whatever is in its own directory and on its command line.
func TestAManagerThatStoodByKeepsTheChecklistOfTheDay(t *testing.T) {
	const old = "forecast of March: {day: 2026-03-01}\n"
	ours := append([]byte("other: 1\n"), trailerLine([]byte("other: 1\n"), 1)...) // of the last time when this one was active
	for name, tc := range map[string]struct {
		file   string // "": none
		ignore bool
		told   string // in the alert; "": there is none
	}{
		"no file":                         {file: ""},
		"a file of ours from before":      {file: string(ours)},
		"a file of somebody else":         {file: old, told: "2 keys (awaken key, a key) gone, 0 keys changed, 1 key (forecast of March) new"},
		"a file that cannot be read":      {file: "a: [", told: "it cannot be read: "},
		"--ignore-checklist":              {ignore: true},
		"--ignore-checklist and old file": {file: old, ignore: true, told: "1 key (forecast of March) new"},
	} {
		t.Run(name, func(t *testing.T) {
			w, written := withBarrier(t)
			stored, open := w.checklistFile(), len(w.store.barriers)
			os.Remove(w.config.ChecklistFile)
			if tc.file != "" {
				if err := os.WriteFile(w.config.ChecklistFile, []byte(tc.file), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			w.options = func(o *Options) { o.StoodBy = "nemo1 pid 4711" }
			w.start(tc.ignore)
			if got := w.Manager.checklist.Map(); !pyyaml.Equal(got, stored) {
				t.Errorf("got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(stored))
			}
			if got, _ := os.ReadFile(w.config.ChecklistFile); string(got) != string(written) {
				t.Errorf("the file is\n%swant\n%s", got, written)
			}
			if got := len(w.shown().Barriers); got != open {
				t.Errorf("got %d barriers, want %d as before", got, open)
			}
			if dropped := w.logs.has("WARN --ignore-checklist is not done: this manager stood by for nemo1 pid 4711"); dropped != tc.ignore {
				t.Errorf("that --ignore-checklist is not done was logged: %v", dropped)
			}
			kept, _ := filepath.Glob(w.config.ChecklistFile + ".replaced-*")
			a, told := w.alert(replacedKey)
			if told != (tc.told != "") || len(kept) == 1 != told {
				t.Fatalf("got the alert %q and kept %q, want them: %v", a.Message, kept, tc.told != "")
			}
			if !told {
				return
			}
			if text, _ := os.ReadFile(kept[0]); string(text) != tc.file || !strings.Contains(a.Message, tc.told) || !strings.Contains(a.Message, "kept as "+kept[0]) {
				t.Errorf("kept %q, told %q; want the file, and %q", text, a.Message, tc.told)
			}
			w.ask(message.Message{Source: "sleep", Type: "clear checklist"})
			if _, open := w.alert(replacedKey); open {
				t.Error("the alert is open though the checklist was cleared")
			}
		})
	}
}
