package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
)

// fillDays commits, for each of so many days, as many messages, all changes, with a launch and an alert that are over, and a new
// base every fourth day.
func fillDays(t *testing.T, s *store.Store, days, messages, size int) {
	t.Helper()
	id := int64(0)
	for day := range days {
		now := Day.AddDate(0, 0, day)
		var e engine.Effects
		for range messages {
			id++
			e.Messages = append(e.Messages, engine.Message{ID: id, Time: now, Source: "w", Type: "success", Op: checklist.Update, Key: "k", Body: make([]byte, size)})
		}
		n := int64(day) + 1
		ended := now.Add(time.Duration(n) * time.Minute)
		e.Launches = []*launch.Launch{{ID: 2*n - 1, NextWorker: launch.NextWorker{Module: "a.w", Args: []string{fmt.Sprint(n)}}, State: launch.Succeeded, Decided: now, Started: &now, Ended: &ended},
			{ID: 2 * n, NextWorker: launch.NextWorker{Module: "a.v"}, State: launch.Failed, Decided: now, Started: &now, Ended: &ended}}
		e.Alerts = []engine.Alert{{ID: n, Time: now, Worker: "v", Ended: &ended}}
		e.Operations = []engine.Operation{{ID: fmt.Sprint("op", n), Time: now, Author: "sue"}}
		e.Barriers = []engine.Barrier{{ID: n, Opened: now}}
		e.Released = []int64{n}
		if day%4 == 3 {
			e.Base = &engine.Base{Message: id, YAML: fmt.Append(nil, "day: ", day)}
		}
		Commit(t, s, &e)
	}
}

func prune(t *testing.T, s *store.Store, before time.Time, maxBytes int64) {
	t.Helper()
	for steps := 0; ; steps++ {
		more, err := s.Prune(context.Background(), before, maxBytes, 100)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
		if steps > 10_000 {
			t.Fatal("pruning does not end")
		}
	}
}

func numbers(t *testing.T, where string) {
	s := Open(t, where)
	fillDays(t, s, 3, 1, 10)
	before := Load(t, s)
	prune(t, s, Day.AddDate(1, 0, 0), 1)
	s.Close()
	after := Load(t, Open(t, where))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("pruning has changed the state (-want +got):\n%s", diff)
	}
	if after.LastMessage != 3 || after.LastLaunch != 6 || after.LastBarrier != 3 || after.LastAlert != 3 {
		t.Errorf("got %+v", after)
	}
}

func pruning(t *testing.T, where string) {
	s := Open(t, where)
	fillDays(t, s, 1200, 42, 30)
	Commit(t, s, &engine.Effects{Launches: []*launch.Launch{{ID: 7, State: launch.Running, Decided: Day}}}) // an old one that still runs
	before := Load(t, s)
	prune(t, s, Day.AddDate(0, 0, 300), 1<<40)
	s.Close()
	s = Open(t, where)
	if diff := cmp.Diff(before, Load(t, s)); diff != "" {
		t.Errorf("pruning has changed the state (-want +got):\n%.2000s", diff)
	}
	for id, want := range map[int64]bool{1: false, 300 * 42: false, 300*42 + 1: true} {
		if _, found, err := s.Message(context.Background(), id); found != want || err != nil {
			t.Errorf("message %d: got %v %v, want %v", id, found, err, want)
		}
	}
	for id, want := range map[string]bool{"op1": false, "op300": false, "op301": true} {
		if _, found, err := s.Operation(context.Background(), id); found != want || err != nil {
			t.Errorf("operation %s: got %v %v, want %v", id, found, err, want)
		}
	}
	s.Close()
	records, err := store.History(context.Background(), where, store.Query{Kinds: []string{store.KindMessage, store.KindAlert, store.KindOperation}, Limit: 100_000, Until: Day.AddDate(0, 0, 299)})
	if err != nil || len(records) != 0 {
		t.Errorf("got %d records %v, want none", len(records), err)
	}
	records, err = store.History(context.Background(), where, store.Query{Limit: 100_000, Until: Day.AddDate(0, 0, 99)})
	if err != nil || len(records) != 1 || describe(records[0]) != "launch 7" {
		t.Errorf("got %d records %v, want only the launch that runs", len(records), err)
	}
}

func pruningBySize(t *testing.T, where string) {
	s := Open(t, where)
	fillDays(t, s, 80, 500, 100)
	prune(t, s, Day, 5_000_000)
	last := int64(80 * 500)
	if _, found, err := s.Message(context.Background(), 1); found || err != nil {
		t.Errorf("the oldest message: got %v %v, want it gone", found, err)
	}
	if _, found, err := s.Message(context.Background(), last-32768+1); !found || err != nil {
		t.Errorf("a recent message: got %v %v, want it there", found, err)
	}
	Load(t, s)
}

func history(t *testing.T, where string) {
	s := Open(t, where)
	fillDays(t, s, 10, 2, 10)
	for name, c := range map[string]struct {
		query store.Query
		want  []string
	}{
		"the newest of all kinds":  {store.Query{Limit: 4}, []string{"launch 19", "launch 20", "operation op10", "alert 10"}},
		"messages":                 {store.Query{Kinds: []string{store.KindMessage}, Limit: 3}, []string{"message 18", "message 19", "message 20"}},
		"of a worker":              {store.Query{Worker: "v", Limit: 3}, []string{"alert 9", "launch 20", "alert 10"}},
		"between two times":        {store.Query{Kinds: []string{store.KindLaunch}, Since: Day.AddDate(0, 0, 3), Until: Day.AddDate(0, 0, 4), Limit: 100}, []string{"launch 7", "launch 8", "launch 9", "launch 10"}},
		"operations and no others": {store.Query{Kinds: []string{store.KindOperation}, Until: Day, Limit: 5}, []string{"operation op1"}},
	} {
		records, err := store.History(context.Background(), where, c.query)
		var got []string
		for _, r := range records {
			got = append(got, describe(r))
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	with, err := store.History(context.Background(), where, store.Query{Kinds: []string{store.KindMessage}, Limit: 1, Bodies: true})
	if err != nil || len(with) != 1 || len(with[0].Message.Body) != 10 {
		t.Errorf("with bodies: got %+v %v", with, err)
	}
}

func describe(r store.Record) string {
	switch {
	case r.Message != nil:
		return fmt.Sprint("message ", r.Message.ID)
	case r.Launch != nil:
		return fmt.Sprint("launch ", r.Launch.ID)
	case r.Operation != nil:
		return "operation " + r.Operation.ID
	}
	return fmt.Sprint("alert ", r.Alert.ID)
}

func checklistAt(t *testing.T, where string) {
	s := Open(t, where)
	fillDays(t, s, 10, 2, 10)
	for day, want := range map[int][2]int64{0: {0, 2}, 2: {0, 6}, 3: {8, 8}, 5: {8, 12}, 9: {16, 20}} {
		st, err := store.ChecklistAt(context.Background(), where, Day.AddDate(0, 0, day))
		if err != nil {
			t.Errorf("day %d: %v", day, err)
			continue
		}
		last := st.Base.Message
		for _, m := range st.Changes {
			last = m.ID
		}
		if got := [2]int64{st.Base.Message, last}; got != want {
			t.Errorf("day %d: got base and last message %v, want %v", day, got, want)
		}
	}
	if _, err := store.ChecklistAt(context.Background(), where, Day.AddDate(0, 0, -1)); !errors.Is(err, store.ErrNoHistory) {
		t.Errorf("before the first message: got %v, want ErrNoHistory", err)
	}
	at := Day.AddDate(0, 1, 0).Truncate(time.Second)
	times := []time.Duration{0, 100 * time.Millisecond, 120 * time.Millisecond, 123456789, 500 * time.Millisecond}
	for i, after := range times { // as text, 0.1 comes after 0.12, and 0 after all of them
		Commit(t, s, &engine.Effects{Messages: []engine.Message{{ID: int64(100 + i), Time: at.Add(after), Op: checklist.Update, Key: "k", Body: []byte{}}}})
	}
	for i, after := range times {
		st, err := store.ChecklistAt(context.Background(), where, at.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		if last := st.Changes[len(st.Changes)-1].ID; last != int64(100+i) {
			t.Errorf("at %v: got message %d, want %d", after, last, 100+i)
		}
	}
}

func durations(t *testing.T, where string) {
	s := Open(t, where)
	fillDays(t, s, 10, 1, 10)
	got, err := s.Durations(context.Background(), "w", 2)
	want := []store.Ran{{Args: []string{"10"}, Start: Day.AddDate(0, 0, 9), Took: 10 * time.Minute}, {Args: []string{"9"}, Start: Day.AddDate(0, 0, 8), Took: 9 * time.Minute}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := s.Durations(context.Background(), "v", 2); len(got) != 0 || err != nil {
		t.Errorf("of a worker that always fails: got %v %v, want none", got, err)
	}
}
