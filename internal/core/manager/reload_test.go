package manager

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

func TestAReloadIsInUseWhenItReturns(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", "early"))
	was := w.config.ChecklistFile
	next := *w.config
	next.ChecklistFile = filepath.Join(t.TempDir(), "other.yaml")
	next.MessageLimit = 1000
	other := &rulebook{after: map[string]func(message.Message, *pyyaml.Map) (launch.Next, error){}}
	if err := w.Reload(t.Context(), Change{Config: &next, Rules: other}); err != nil {
		t.Fatal(err)
	}
	if got := w.ask(report("awaken", "late")); got.Type != "no after_worker function" {
		t.Errorf("got %s, want that the other rules have no such function", got.Type)
	}
	if got := w.ask(report("awaken", strings.Repeat("x", 2000))); got.Type != "unregistered message type" {
		t.Errorf("got %s, want that the message is too large now", got.Type)
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{was: "awaken key: early\n", next.ChecklistFile: "awaken key: late\n"} {
		if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s: got %q, %v, want %q", file, text, err, want)
		}
	}
}

func TestAReloadOfAManagerThatDoesNotRunEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Reload(ctx, Change{Config: w.config}); err == nil {
		t.Error("got no error, want one: nobody has taken it")
	}
}

func TestWhichFilesTheChecklistMayMoveTo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ours.yaml": "a: 1\n" + string(trailerLine([]byte("a: 1\n"), 7)), "empty.yaml": "", "edited.yaml": "a: 1\n", "config.yaml": "zmq: {host: localhost}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"new.yaml": "", "ours.yaml": "", "empty.yaml": "",
		"edited.yaml": "did not write it", "config.yaml": "did not write it", "gone/new.yaml": "cannot be written", ".": "is a directory",
	} {
		err := CheckFile(filepath.Join(dir, name))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".nowcast-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
