package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) string { return filepath.Join(t.TempDir(), "state with space?%.db") })
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoDatabaseIsPutAsideAndAnEmptyOneTakesItsPlace(t *testing.T) {
	for name, text := range map[string]string{"garbage": strings.Repeat("not a database ", 1000), "emptied": "", "short": "SQLite"} {
		file := filepath.Join(t.TempDir(), "state.db")
		write(t, file, text)
		write(t, file+".lock", "used\n")
		write(t, file+"-wal", "garbage")
		s := storetest.Open(t, file)
		if st := storetest.Load(t, s); st.LastMessage != 0 {
			t.Errorf("%s: got %+v, want an empty state", name, st)
		}
		report := s.Salvaged()
		if report == nil {
			t.Fatalf("%s: got no report", name)
		}
		if aside, err := os.ReadFile(report.File); err != nil || string(aside) != text {
			t.Errorf("%s: %v: got %.20q put aside", name, err, aside)
		}
		s.Close()
		if again := storetest.Open(t, file).Salvaged(); again == nil || again.String() != report.String() {
			t.Errorf("%s: got %v, want the report until an alert is committed", name, again)
		}
	}
}

func TestWhatWasSalvagedIsToldUntilAnAlertIsCommitted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	write(t, file, strings.Repeat("x", 5000))
	s := storetest.Open(t, file)
	storetest.Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 1}}})
	s.Close()
	s = storetest.Open(t, file)
	if s.Salvaged() == nil {
		t.Fatal("got no report, and no alert was committed")
	}
	storetest.Commit(t, s, &engine.Effects{Alerts: []engine.Alert{{ID: 1}}})
	s.Close()
	if got := storetest.Open(t, file).Salvaged(); got != nil {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestARepairThatWasKilledIsFinished(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state.db")
	good := filepath.Join(dir, "good.db")
	s := storetest.Open(t, good)
	storetest.Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 1}}})
	s.Close()
	if err := os.Rename(good, file+".salvaged-20310517T124000Z"); err != nil {
		t.Fatal(err)
	}
	write(t, file+"-wal", "old log") // the file itself was moved already
	s = storetest.Open(t, file)
	if st := storetest.Load(t, s); st.LastMessage != 1 {
		t.Errorf("got %+v, want the repaired state", st)
	}
	if aside, err := os.ReadFile(file + ".damaged-20310517T124000Z-wal"); err != nil || string(aside) != "old log" {
		t.Errorf("got %q %v, want the old log put aside", aside, err)
	}
}

func TestDamageThatIsMetWhileRunningIsRepairedAtTheNextStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s := storetest.Open(t, file)
	body := []byte(strings.Repeat("body ", 2000))
	storetest.Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 1, Body: body}, {ID: 2, Op: checklist.Clear}}, Base: &engine.Base{Message: 1, YAML: []byte("a: 1")}})
	alter(t, file, "UPDATE message SET body = 'other' WHERE id = 1")
	if _, _, err := s.Message(context.Background(), 1); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), file) {
		t.Fatalf("got %v, want ErrDamaged with the name of the file", err)
	}
	s.Close()
	s = storetest.Open(t, file)
	report := s.Salvaged()
	if report == nil || !report.Whole || report.Dropped["message"] != 1 || report.Kept["message"] != 1 {
		t.Errorf("got %+v, want a whole state and one message of history dropped", report)
	}
	if st := storetest.Load(t, s); len(st.Changes) != 1 || st.LastMessage != 2 {
		t.Errorf("got %+v", st)
	}
}

func TestADatabaseWithoutItsFirstPageIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s := storetest.Open(t, file)
	storetest.Fill(t, s, 3000)
	want := storetest.Load(t, s)
	s.Close()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt(make([]byte, 4096), 0)
	f.Close()
	s = storetest.Open(t, file)
	if report := s.Salvaged(); report == nil || !report.Whole || report.Kept["message"] != 3000 {
		t.Errorf("got %v, want a whole state", report)
	}
	if diff := cmp.Diff(want, storetest.Load(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
	s.Close()
	left, _ := filepath.Glob(file + "*")
	if len(left) != 3 { // the database, its lock, the damaged one
		t.Errorf("got %v left behind", left)
	}
}

func alter(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestANewerDatabaseIsRefusedAndLeftAsItIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	storetest.Open(t, file).Close()
	alter(t, file, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (77, 1)")
	alter(t, file, "DROP TABLE head") // who knows what it has
	_, err := store.Open(context.Background(), file, store.Options{})
	if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "version 77") || !strings.Contains(err.Error(), "up to 2") {
		t.Errorf("got %v, want both versions", err)
	}
	if aside, _ := filepath.Glob(file + ".damaged*"); len(aside) > 0 {
		t.Errorf("got %v, want nothing put aside", aside)
	}
}

func TestAVersionThatIsDamagedIsNotTakenForANewerOne(t *testing.T) {
	for _, statement := range []string{"UPDATE goose_db_version SET version_id = 77 WHERE version_id = 2", "DELETE FROM goose_db_version WHERE version_id > 0"} {
		file := filepath.Join(t.TempDir(), "state.db")
		s := storetest.Open(t, file)
		storetest.Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 1}}})
		s.Close()
		alter(t, file, statement)
		s = storetest.Open(t, file)
		if report := s.Salvaged(); report == nil || !report.Whole {
			t.Errorf("%s: got %v, want a whole state", statement, report)
		}
		if st := storetest.Load(t, s); st.LastMessage != 1 {
			t.Errorf("%s: got %+v", statement, st)
		}
	}
}

func TestOpeningWhatCannotBeOpenedSaysWhyAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	used := filepath.Join(dir, "used.db")
	storetest.Open(t, used)
	folder := filepath.Join(t.TempDir(), "folder.db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "no", "db.db"): "no such file or directory: set state dir",
		used:                              "a manager with this state directory is running already",
		folder:                            "this user may write to it and to the file",
	} {
		_, err := store.Open(context.Background(), file, store.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v, want the file's name and %q", file, err, want)
		}
		if aside, _ := filepath.Glob(file + ".damaged*"); len(aside) > 0 {
			t.Errorf("%s: got %v, want nothing put aside", file, aside)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 8, 22, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := storetest.Open(b, filepath.Join(b.TempDir(), "state.db"))
			id := int64(0)
			body := []byte("payload:\n  a: 1\n  b: 2\n  c: 3\nsource: sleep\ntype: success\n")
			for b.Loop() {
				var e engine.Effects
				for range n {
					id++
					e.Messages = append(e.Messages, engine.Message{ID: id, Time: storetest.Day, Source: "sleep", Type: "success", Reply: "ack", Op: checklist.Update, Key: "sleepyhead", Body: body, Request: "01234567"})
				}
				storetest.Commit(b, s, &e)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/message")
		})
	}
}
