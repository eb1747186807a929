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

	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

func TestADatabaseThatWasRemovedIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s := storetest.Open(t, file)
	storetest.Commit(t, s, one(1))
	s.Close()
	moved := file + ".moved"
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	s = storetest.Open(t, file)
	report := s.Salvaged()
	if report == nil || !strings.Contains(report.String(), "it is missing") || report.Whole {
		t.Fatalf("got %v, want that it is missing", report)
	}
	s.Close()
	if again := storetest.Open(t, file).Salvaged(); again == nil {
		t.Error("it is not told again, though nobody was told by an alert")
	}
}

func TestACommitIntoFilesThatSomebodyHasTakenAwayFails(t *testing.T) {
	for _, suffix := range []string{"", "-wal"} {
		for how, take := range map[string]func(file string) error{
			"removed": os.Remove,
			"renamed": func(file string) error { return os.Rename(file, file+".old") },
			"replaced": func(file string) error {
				if err := os.WriteFile(file+".new", nil, 0o600); err != nil {
					return err
				}
				return os.Rename(file+".new", file)
			},
		} {
			t.Run(how+" "+suffix, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "state.db")
				s := storetest.Open(t, file)
				storetest.Commit(t, s, one(1))
				storetest.Commit(t, s, one(2))
				if err := take(file + suffix); err != nil {
					t.Fatal(err)
				}
				err := s.Commit(context.Background(), one(3))
				if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), file+suffix) {
					t.Errorf("got %v, want what was done to which file, and that the manager must end", err)
				}
				s.Close()
				if report := storetest.Open(t, file).Salvaged(); report == nil || !strings.Contains(report.String(), "while the manager was running") {
					t.Errorf("next start: got %v, want why", report)
				}
			})
		}
	}
}

func TestALockFileThatIsRemovedLetsNobodyIn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s := storetest.Open(t, file)
	if err := os.Remove(file + ".lock"); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(context.Background(), file, store.Options{})
	if want := fmt.Sprintf("%s is in use: a manager with this state directory is running already (pid %d)", file, os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	storetest.Commit(t, s, one(1))
	s.Close()
	if got := storetest.Load(t, storetest.Open(t, file)).LastMessage; got != 1 {
		t.Errorf("got message %d as the last, want 1", got)
	}
}

func TestWhoeverFindsThatAnotherHasWrittenIsDeposed(t *testing.T) {
	for name, change := range map[string]string{
		"the head":          "UPDATE head SET commits = commits + 1",
		"a message of ours": "CREATE TEMP TABLE copy AS SELECT * FROM message; UPDATE copy SET id = 2; INSERT INTO message SELECT * FROM copy",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state.db")
			s := storetest.Open(t, file)
			storetest.Commit(t, s, one(1))
			another, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			defer another.Close()
			if _, err := another.Exec(change); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(context.Background(), one(2)); !errors.Is(err, store.ErrDeposed) {
				t.Errorf("got %v, want that it is deposed", err)
			}
		})
	}
}
