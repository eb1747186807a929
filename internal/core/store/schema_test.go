package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/launch"
)

func openTest(t testing.TB, file string) *Store {
	t.Helper()
	s, err := Open(context.Background(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTheSchemaVersionIsTheNumberOfTheNewestMigration(t *testing.T) {
	files := fstest.MapFS{"migrations/00002_b.sql": {}, "migrations/00010_c.sql": {}, "migrations/00001_a.sql": {}}
	if got := newestVersion(files); got != 10 {
		t.Errorf("got %d, want 10", got)
	}
	s := openTest(t, filepath.Join(t.TempDir(), "state.db"))
	var got int64
	if err := s.conn.QueryRowContext(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != schemaVersion || got == 0 || s.head.version != got {
		t.Errorf("got a new database of version %d, and %d in its head, want %d", got, s.head.version, schemaVersion)
	}
}

func TestADatabaseOfVersion1IsUpgradedWithWhatIsInIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	data, err := os.ReadFile("testdata/version1.db") // made by the program of that version
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"upgraded", "opened again"} {
		s := openTest(t, file)
		st, err := s.Load(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		got := []any{st.Base.Message, string(st.Base.YAML), len(st.Changes), string(st.Changes[4].Body), len(st.Launches), st.Launches[4].State, st.Launches[5].State,
			len(st.Barriers), st.Barriers[0].ID, len(st.Alerts), st.Alerts[0].Open(), st.LastMessage, st.LastLaunch, st.LastBarrier, st.LastAlert}
		want := []any{int64(1), "a: {a: 1}\n", 5, "payload: {a: 6}\nsource: sleep\ntype: success\n", 6, launch.Succeeded, launch.Running,
			1, int64(2), 1, false, int64(7), int64(7), int64(2), int64(1)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if m, ok, err := s.Message(t.Context(), 7); !ok || err != nil || string(m.Body) != "garbage" {
			t.Errorf("%s: message 7: got %+v %v %v", when, m, ok, err)
		}
		if o, ok, err := s.Operation(t.Context(), "op1"); !ok || err != nil || o.Author != "sue" {
			t.Errorf("%s: operation: got %+v %v %v", when, o, ok, err)
		}
		s.Close()
	}
}

func TestACommitIsOnTheDiskBeforeItReturns(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "state.db"))
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} { // 2 is FULL: each commit is synced
		var got string
		if err := s.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q %v, want %q", pragma, got, err, want)
		}
	}
}
