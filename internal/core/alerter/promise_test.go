package alerter

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
)

func TestWhatIsSentIsInTheFileBefore(t *testing.T) {
	bubble(t, "as tried", func(t *testing.T, w *world) {
		w.set(func() {
			w.refuse = func(to string, a notify.Alarm) (notify.Attempt, error) {
				var kept state
				data, err := os.ReadFile(w.o.File)
				if err == nil {
					err = json.Unmarshal(data, &kept)
				}
				if err != nil || !slices.ContainsFunc(kept.Queues[to].Notes, func(n note) bool { return n.Key == a.Key && n.Tried }) {
					t.Errorf("%s is sent, and the file does not say so (%v): %s", a.Subject, err, data)
				}
				return notify.Attempt{}, nil
			}
		})
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.managers(over(trouble(1), "it is well"), false)
		w.pass(time.Minute)
		w.wants("begun", "ended")
	})
}

func TestASumHasNothingThatMayHaveArrived(t *testing.T) {
	var q queue
	for i := range 6 {
		q.add(note{Key: fmt.Sprint(i), What: begun, Incident: int64(i + 1), Tried: i == 0 || i == 3})
	}
	q.sumUp(1)
	var left []string
	for _, n := range q.Notes {
		left = append(left, fmt.Sprint(n.What, n.Incident, n.Incidents))
	}
	if want := []string{"begun1 []", "begun4 []", "sum0 [2 3 5 6]"}; !slices.Equal(left, want) {
		t.Errorf("got %q, want %q", left, want)
	}
}

func TestWhatIsOutOfSightIsNotToldAsOver(t *testing.T) {
	bubble(t, "because there were too many alerts", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Minute)
		w.managers(trouble(2), false)
		w.pass(time.Second)
		for _, id := range []int64{1, 2} {
			w.managers(over(trouble(id), engine.EndTooMany), false)
		}
		w.pass(time.Hour)
		w.wants("begun worker crashed: run_NEMO 1ns", "begun worker crashed: run_NEMO 2ns")
		if open := w.open(); len(open) > 0 {
			t.Errorf("open are %q", open)
		}
	})
}

func TestTheNewestThatEndedAreShownHoweverManyAreOpen(t *testing.T) {
	now := time.Now().UTC()
	s := newState(now)
	var all []engine.Alert
	for id := range int64(maxOpen) {
		all = append(all, trouble(id+1))
	}
	known := func(string, string) bool { return true }
	s.observe(now, raised(all...), known)
	ended := over(all[7], "it is well")
	s.observe(now, raised(append(all[8:], ended)...), known)
	if !slices.ContainsFunc(s.shown(), func(i feed.Incident) bool { return i.Key == ended.Key && !i.Open() }) {
		t.Error("one that has just ended is not shown")
	}
}

func TestAnIncidentHasNoMoreTextThanAnAlertMay(t *testing.T) {
	now := time.Now().UTC()
	s := newState(now)
	a := trouble(1)
	a.Message = strings.Repeat("é", 1<<20)
	s.observe(now, raised(a), func(string, string) bool { return true })
	if n := len(s.Incidents[0].Message); n > engine.LongestAlert {
		t.Errorf("got %d bytes", n)
	}
}
