package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

func open(t testing.TB, file string) *Store {
	t.Helper()
	s, err := Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func commit(t testing.TB, s *Store, e *engine.Effects) {
	t.Helper()
	if err := s.Commit(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, s *Store) *engine.State {
	t.Helper()
	st, err := s.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

var day = time.Date(2031, 5, 17, 12, 40, 0, 123456789, time.UTC)

func TestWhatWasCommittedIsThereAfterReopening(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state with space?%.db")
	s := open(t, file)
	if diff := cmp.Diff(&engine.State{}, load(t, s)); diff != "" {
		t.Errorf("a new database (-want +got):\n%s", diff)
	}
	exit := 0
	want := &engine.State{
		Base: engine.Base{Message: 2, YAML: []byte("a: 1\n")},
		Changes: []engine.Message{
			{ID: 3, Time: day, Source: "sleep", Type: "success", Launch: 5, Reply: "ack", Op: checklist.Update, Key: "b", Body: []byte("payload: {c: d}")},
			{ID: 5, Time: day, Source: "sleep", Type: "clear checklist", Reply: "checklist cleared", Op: checklist.Clear, Body: []byte("x")}},
		Launches:    []*launch.Launch{{ID: 5, NextWorker: launch.NextWorker{Module: "w.sleep", Args: []string{"x"}, Host: "localhost"}, State: launch.Running, Decided: day}, {ID: 6, State: launch.Succeeded, Decided: day, Started: &day, Ended: &day, Exit: &exit, Reports: []launch.Report{{Time: day, Type: "success"}}}},
		Barriers:    []engine.Barrier{{ID: 7, Opened: day, Cause: "a: success", Missing: []string{"b"}, Held: []engine.Requested{{NextWorker: launch.NextWorker{Module: "x"}, Cause: "c"}}}},
		Alerts:      []engine.Alert{{ID: 8, Time: day, Kind: "rule error", Message: "no"}},
		LastMessage: 5, LastLaunch: 6, LastBarrier: 9, LastAlert: 8,
	}
	message := engine.Message{ID: 4, Time: day, Source: "sleep", Type: "success", Launch: 5, Reply: "ack", Body: []byte("payload: null")}
	operation := engine.Operation{ID: "op1", Time: day, Author: "sue", Command: "kill", Args: "{}", Reply: `{"ok":true}`}
	commit(t, s, &engine.Effects{
		Messages: append([]engine.Message{{ID: 1, Op: checklist.Clear, Time: day, Body: []byte{}}, message}, want.Changes...), Base: &want.Base,
		Launches: want.Launches, Barriers: append(want.Barriers, engine.Barrier{ID: 9}), Alerts: want.Alerts, Operations: []engine.Operation{operation},
	})
	commit(t, s, &engine.Effects{Released: []int64{9}})
	s.Close()
	s = open(t, file)
	if diff := cmp.Diff(want, load(t, s)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	m, ok, err := s.Message(context.Background(), 4)
	if diff := cmp.Diff(message, m); !ok || err != nil || diff != "" {
		t.Errorf("message %v %v (-want +got):\n%s", ok, err, diff)
	}
	o, ok, err := s.Operation(context.Background(), "op1")
	if diff := cmp.Diff(operation, o); !ok || err != nil || diff != "" {
		t.Errorf("operation %v %v (-want +got):\n%s", ok, err, diff)
	}
	if _, ok, err := s.Message(context.Background(), 99); ok || err != nil {
		t.Errorf("a message that is not there: got %v %v", ok, err)
	}
	if _, ok, err := s.Operation(context.Background(), "no"); ok || err != nil {
		t.Errorf("an operation that is not there: got %v %v", ok, err)
	}
}

func TestAFailedCommitLeavesNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 1, Body: []byte{}}}})
	err := s.Commit(context.Background(), &engine.Effects{
		Launches: []*launch.Launch{{ID: 1}},
		Messages: []engine.Message{{ID: 2, Body: []byte{}}, {ID: 1, Body: []byte{}}},
	})
	if err == nil {
		t.Fatal("a second message 1 was accepted")
	}
	if st := load(t, s); st.LastMessage != 1 || len(st.Changes) != 0 || len(st.Launches) != 0 {
		t.Errorf("got %+v, want the first message only", st)
	}
}

func TestOnlyTheNewestFinishedLaunchesAreLoaded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	var e engine.Effects
	for id := range int64(finishedLaunches + 10) {
		state := launch.Succeeded
		if id == 3 {
			state = launch.Running
		}
		e.Launches = append(e.Launches, &launch.Launch{ID: id + 1, State: state})
	}
	commit(t, s, &e)
	got := load(t, s).Launches
	if len(got) != finishedLaunches+1 || got[0].ID != 4 || got[1].ID != 11 {
		t.Errorf("got %d launches from %d, %d, want %d from 4 (running), 11", len(got), got[0].ID, got[1].ID, finishedLaunches+1)
	}
}

func TestBatchesOfAnySizeAreStored(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	id := int64(0)
	for _, n := range []int{1, fewRows - 1, fewRows, fewRows + 1, rowsPerInsert - 1, rowsPerInsert, rowsPerInsert + 1, 3*rowsPerInsert + 5} {
		var e engine.Effects
		for range n {
			id++
			e.Messages = append(e.Messages, engine.Message{ID: id, Op: checklist.Clear, Body: []byte{}})
		}
		commit(t, s, &e)
	}
	if st := load(t, s); st.LastMessage != id || len(st.Changes) != int(id) {
		t.Errorf("got %d messages and %d changes, want %d", st.LastMessage, len(st.Changes), id)
	}
}

func TestOpeningWhatCannotBeOpenedSaysWhyAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(dir, "used.db")
	open(t, used)
	for file, want := range map[string]string{
		garbage:                           "the file is damaged; put it aside",
		filepath.Join(dir, "no", "db.db"): "no such file or directory",
		used:                              "a manager with this state directory is running already",
	} {
		_, err := Open(context.Background(), file)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v, want the file's name and %q", file, err, want)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 8, 22, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "state.db"))
			id := int64(0)
			body := []byte("payload:\n  a: 1\n  b: 2\n  c: 3\nsource: sleep\ntype: success\n")
			for b.Loop() {
				var e engine.Effects
				for range n {
					id++
					e.Messages = append(e.Messages, engine.Message{ID: id, Time: day, Source: "sleep", Type: "success", Reply: "ack", Op: checklist.Update, Key: "sleepyhead", Body: body})
				}
				commit(b, s, &e)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/message")
		})
	}
}

func TestACommitIsOnTheDiskBeforeItReturns(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} { // 2 is FULL: each commit is synced
		var got string
		if err := s.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q %v, want %q", pragma, got, err, want)
		}
	}
}
