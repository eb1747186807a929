package broker

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/engine"
)

// TestADamagedJournalIsAnAlertUntilTheFileIsDeleted starts one broker after the other.
func TestADamagedJournalIsAnAlertUntilTheFileIsDeleted(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "requests.journal")
	start := func() (open []engine.Alert) {
		alerts := raised{}
		b, err := New(Options{Logger: slog.New(slog.DiscardHandler), Workers: "tcp://127.0.0.1:0", Manager: "tcp://127.0.0.1:0", Journal: journal, Alerts: &alerts})
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		return alerts
	}
	aside := func() []string {
		all, _ := filepath.Glob(journal + ".damaged-*")
		return all
	}
	if got := start(); len(got) != 0 {
		t.Errorf("a new one: got the alerts %+v", got)
	}
	if err := os.WriteFile(journal, []byte("hello, I am not a journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := start()
	if len(aside()) != 1 || len(first) != 1 || first[0].Kind != "requests journal" || !strings.Contains(first[0].Message, aside()[0]) {
		t.Fatalf("put aside %q, alerts %+v; want one that names the file", aside(), first)
	}
	if got := start(); len(got) != 1 || !got[0].Time.Equal(first[0].Time) || got[0].Key != first[0].Key {
		t.Errorf("the next broker: got %+v, want the same alert as %+v", got, first)
	}
	if err := os.WriteFile(journal, []byte("nor am I"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := start(); len(aside()) != 2 || len(got) != 1 || got[0].Time.Equal(first[0].Time) || !strings.Contains(got[0].Message, aside()[1]) {
		t.Errorf("a second one: put aside %q, alerts %+v; want both files and an alert about the second", aside(), got)
	}
	for _, file := range aside() {
		os.Remove(file)
	}
	if got := start(); len(got) != 0 {
		t.Errorf("the files are deleted: got %+v", got)
	}
}

// TestADamagedJournalIsAnAlertInAnyDirectory: a name with a bracket is no pattern.
func TestADamagedJournalIsAnAlertInAnyDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(dir, "requests.journal")
	if err := os.WriteFile(journal, []byte("hello, I am not a journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	alerts := raised{}
	b, err := New(Options{Logger: slog.New(slog.DiscardHandler), Workers: "tcp://127.0.0.1:0", Manager: "tcp://127.0.0.1:0", Journal: journal, Alerts: &alerts})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if len(alerts) != 1 || !strings.Contains(alerts[0].Message, journal+".damaged-") {
		t.Errorf("got the alerts %+v, want one that names the file", alerts)
	}
}

// raised notes alerts.
type raised []engine.Alert

func (r *raised) Raise(a engine.Alert) { *r = append(*r, a) }
func (r *raised) End(string, string)   {}
