// Package storetest is what a state store must do, as tests that run against SQLite and PostgreSQL alike, and what tests
// need to have a store: a PostgreSQL of their own, a full database, a store that fails.
package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
)

// Day is when things happen in these tests.
var Day = time.Date(2031, 5, 17, 12, 40, 0, 123456789, time.UTC)

// Run is the suite, whose tests run side by side. place returns where a new, empty database is, for store.Open.
func Run(t *testing.T, place func(testing.TB) string) {
	for name, test := range map[string]func(*testing.T, string){
		"what was committed is there after reopening":         reopened,
		"a failed commit leaves nothing":                      failedCommit,
		"the same batch twice happens once":                   sameBatch,
		"only the newest finished launches are loaded":        finishedLaunches,
		"open alerts and the newest ended are loaded":         alerts,
		"recent requests are loaded":                          recent,
		"batches of any size are stored":                      sizes,
		"what strangers write is stored":                      strangers,
		"numbers are not given twice though all was pruned":   numbers,
		"pruning takes what is old and leaves what is needed": pruning,
		"pruning by size":                                     pruningBySize,
		"history is asked for":                                history,
		"the checklist as it was":                             checklistAt,
		"durations of succeeded launches":                     durations,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, place(t))
		})
	}
}

// Open opens a store for a test.
func Open(t testing.TB, where string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), where, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Commit commits a batch.
func Commit(t testing.TB, s *store.Store, e *engine.Effects) {
	t.Helper()
	if err := s.Commit(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

// Load returns the state.
func Load(t testing.TB, s *store.Store) *engine.State {
	t.Helper()
	st, err := s.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func reopened(t *testing.T, where string) {
	s := Open(t, where)
	if diff := cmp.Diff(&engine.State{}, Load(t, s)); diff != "" {
		t.Errorf("a new database (-want +got):\n%s", diff)
	}
	exit := 0
	want := &engine.State{
		Base: engine.Base{Message: 2, YAML: []byte("a: 1\n")},
		Changes: []engine.Message{
			{ID: 3, Time: Day, Source: "sleep", Type: "success", Launch: 5, Reply: "ack", Op: checklist.Update, Key: "b", Body: []byte("payload: {c: d}")},
			{ID: 5, Time: Day, Source: "sleep", Type: "clear checklist", Reply: "checklist cleared", Op: checklist.Clear, Body: []byte("x"), Sender: "s1"}},
		Launches:    []*launch.Launch{{ID: 5, NextWorker: launch.NextWorker{Module: "w.sleep", Args: []string{"x"}, Host: "localhost"}, State: launch.Running, Decided: Day}, {ID: 6, State: launch.Succeeded, Decided: Day, Started: &Day, Ended: &Day, Exit: &exit, Reports: []launch.Report{{Time: Day, Type: "success"}}}},
		Barriers:    []engine.Barrier{{ID: 7, Opened: Day, Cause: "a: success", Missing: []string{"b"}, Held: []engine.Requested{{NextWorker: launch.NextWorker{Module: "x"}, Cause: "c"}}}},
		Alerts:      []engine.Alert{{ID: 8, Time: Day, Kind: "rule error", Message: "no", Key: "k"}},
		Recent:      []engine.Handled{{Message: 4, Request: "r7", Type: "success", Body: engine.Sum([]byte("payload: null")), Reply: "ack", Launch: 5}, {Message: 5, Sender: "s1", Type: "clear checklist", Body: engine.Sum([]byte("x")), Reply: "checklist cleared"}},
		LastMessage: 5, LastLaunch: 1006, LastBarrier: 9, LastAlert: 8,
	}
	message := engine.Message{ID: 4, Time: Day, Source: "sleep", Type: "success", Launch: 5, Reply: "ack", Body: []byte("payload: null"), Request: "r7"}
	operation := engine.Operation{ID: "op1", Time: Day, Author: "sue", Command: "kill", Args: "{}", Reply: `{"ok":true}`}
	Commit(t, s, &engine.Effects{
		Messages: []engine.Message{{ID: 1, Op: checklist.Clear, Time: Day, Body: []byte{}}, want.Changes[0], message, want.Changes[1]}, Base: &want.Base,
		Launches: want.Launches, Barriers: append(want.Barriers, engine.Barrier{ID: 9}), Alerts: want.Alerts, Operations: []engine.Operation{operation},
	})
	Commit(t, s, &engine.Effects{Released: []int64{9}, LastLaunch: 1006})
	s.Close()
	s = Open(t, where)
	if diff := cmp.Diff(want, Load(t, s)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if s.Salvaged() != nil {
		t.Errorf("got %v, want nothing salvaged", s.Salvaged())
	}
	if diff := cmp.Diff(want, Load(t, s)); diff != "" {
		t.Errorf("state, read again (-want +got):\n%s", diff)
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

func failedCommit(t *testing.T, where string) {
	s := Open(t, where)
	Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 1, Body: []byte{}}}})
	err := s.Commit(context.Background(), &engine.Effects{
		Launches: []*launch.Launch{{ID: 1}},
		Messages: []engine.Message{{ID: 2, Body: []byte{}}, {ID: 1, Body: []byte{}}},
	})
	if err == nil {
		t.Fatal("a second message 1 was accepted")
	}
	if st := Load(t, s); st.LastMessage != 1 || len(st.Changes) != 0 || len(st.Launches) != 0 {
		t.Errorf("got %+v, want the first message only", st)
	}
	Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: 2, Body: []byte{}}}})
	if st := Load(t, s); st.LastMessage != 2 {
		t.Errorf("got %+v, want the second message", st)
	}
}

func sameBatch(t *testing.T, where string) {
	s := Open(t, where)
	batch := &engine.Effects{Messages: []engine.Message{{ID: 1, Op: checklist.Clear, Body: []byte("x")}}, Launches: []*launch.Launch{{ID: 1}}}
	Commit(t, s, batch)
	Commit(t, s, batch)
	s.Close()
	s = Open(t, where)
	Commit(t, s, batch)
	if st := Load(t, s); len(st.Changes) != 1 || len(st.Launches) != 1 {
		t.Errorf("got %+v, want one message and one launch", st)
	}
}

func finishedLaunches(t *testing.T, where string) {
	const finished = 2000 // that are loaded
	s := Open(t, where)
	var e engine.Effects
	for id := range int64(finished + 10) {
		state := launch.Succeeded
		if id == 3 || id == 5 {
			state = launch.Running
		}
		e.Launches = append(e.Launches, &launch.Launch{ID: id + 1, State: state})
	}
	Commit(t, s, &e)
	Commit(t, s, &engine.Effects{Launches: []*launch.Launch{{ID: 6, State: launch.Failed}}}) // too old to be among the newest
	got := Load(t, s).Launches
	if len(got) != finished+1 || got[0].ID != 4 || got[1].ID != 11 {
		t.Errorf("got %d launches from %d, %d, want %d from 4 (running), 11", len(got), got[0].ID, got[1].ID, finished+1)
	}
	Commit(t, s, &engine.Effects{Launches: []*launch.Launch{{ID: 4, State: launch.Failed}, {ID: 9000, State: launch.Lost}}})
	if got := Load(t, s).Launches; len(got) != finished || got[0].ID != 12 {
		t.Errorf("got %d launches from %d, want %d from 12", len(got), got[0].ID, finished)
	}
}

func alerts(t *testing.T, where string) {
	const ended = 200 // that are loaded
	s := Open(t, where)
	var e engine.Effects
	for id := range int64(ended + 20) {
		e.Alerts = append(e.Alerts, engine.Alert{ID: id + 1, Time: Day})
	}
	Commit(t, s, &e)
	if got := Load(t, s).Alerts; len(got) != ended+20 {
		t.Errorf("got %d alerts, want all: they are open", len(got))
	}
	for i := range e.Alerts[3:] {
		e.Alerts[3+i].Ended, e.Alerts[3+i].End = &Day, "over"
	}
	Commit(t, s, &e)
	got := Load(t, s).Alerts
	if len(got) != ended+3 || !got[2].Open() || got[3].ID != 21 || got[3].End != "over" {
		t.Errorf("got %d alerts: %+v, want 3 open and the newest %d", len(got), got[:4], ended)
	}
}

func recent(t *testing.T, where string) {
	const newest = 32768 // messages, of which those with a name are loaded
	s := Open(t, where)
	id := int64(0)
	const batches = 64 // with all; PostgreSQL gives up a transaction that is busy elsewhere for a second, as a large one may be on a busy machine
	for range batches + 6 {
		var e engine.Effects
		for range newest / batches {
			id++
			e.Messages = append(e.Messages, engine.Message{ID: id, Request: fmt.Sprint(id), Type: "success", Reply: "ack", Body: []byte{}})
		}
		e.Messages[7].Request = ""
		Commit(t, s, &e)
	}
	got := Load(t, s).Recent
	if len(got) != newest-batches || got[0].Message != id-newest+1 || got[0].Request != fmt.Sprint(got[0].Message) {
		t.Errorf("got %d from %+v, want %d from %d", len(got), got[0], newest-batches, id-newest+1)
	}
}

func sizes(t *testing.T, where string) {
	s := Open(t, where)
	id := int64(0)
	for _, n := range []int{1, 3, 4, 5, 15, 16, 17, 3*16 + 5} {
		var e engine.Effects
		for range n {
			id++
			e.Messages = append(e.Messages, engine.Message{ID: id, Op: checklist.Clear, Body: []byte{}})
		}
		Commit(t, s, &e)
	}
	if st := Load(t, s); st.LastMessage != id || len(st.Changes) != int(id) {
		t.Errorf("got %d messages and %d changes, want %d", st.LastMessage, len(st.Changes), id)
	}
}

func strangers(t *testing.T, where string) {
	s := Open(t, where)
	body := []byte("a\x00b\xff")
	Commit(t, s, &engine.Effects{
		Messages: []engine.Message{{ID: 1, Source: "nul \x00", Type: "bad \xff", Sender: "\x00", Op: checklist.Update, Key: "k", Body: body}},
		Launches: []*launch.Launch{{ID: 1, NextWorker: launch.NextWorker{Module: "a\x00", Args: []string{"\xff\x00"}}}},
		Alerts:   []engine.Alert{{ID: 1, Message: "\x00\xff"}}, Operations: []engine.Operation{{ID: "\x00"}},
	})
	st := Load(t, s)
	if len(st.Changes) != 1 || string(st.Changes[0].Body) != string(body) || st.Changes[0].Source != "nul \uFFFD" || len(st.Launches) != 1 {
		t.Errorf("got %+v", st)
	}
	if _, ok, err := s.Operation(context.Background(), "\x00"); !ok || err != nil {
		t.Errorf("operation: got %v %v", ok, err)
	}
}
