package manager

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// A rule in which the manager dies is tried three times and then left alone: the broker gives the message again and again.
func TestAMessageThatManagersDieOfIsNotFollowedForEver(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "deadly")
	known, _ := wire.ParseTicket(ticket(7, again, ""))
	if err := os.WriteFile(file, []byte(known.ID+" 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.options = func(o *Options) { o.Deadly = file }
	w.start(false)
	if got := w.give(ticket(7, again, ""), report("sleep", true)); got.Type != message.Ack {
		t.Errorf("got %q, want it answered", got.Type)
	}
	s := w.shown()
	if len(s.Launches) != 0 {
		t.Errorf("got the launches %+v, want none: the rule must not be called", s.Launches)
	}
	if len(s.Alerts) != 1 || s.Alerts[0].Kind != "rule error" || !strings.Contains(s.Alerts[0].Message, "3 managers have died") {
		t.Errorf("got the alerts %+v, want one of the rule that says so", s.Alerts)
	}
	if w.give(ticket(8, again, ""), report("sleep", true)); len(w.shown().Launches) != 1 {
		t.Errorf("got %d launches, want another message followed", len(w.shown().Launches))
	}
}

func TestWhatManagersDieOfIsCountedOverTheirDeaths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deadly")
	enter := func(id string) int {
		d := openDeadly(file)
		return d.enter(id)
	}
	// The first death left no note.
	for death, want := range []int{2, 3, 4} {
		if got := enter("a"); got != want {
			t.Errorf("after %d more deaths got %d, want %d", death, got, want)
		}
	}
	if got := enter("b"); got != 2 {
		t.Errorf("another message: got %d, want 2", got)
	}
	d := openDeadly(file)
	d.enter("b")
	d.leave()
	if got := enter("b"); got != 2 {
		t.Errorf("after a call that ended: got %d, want 2", got)
	}
}

func TestRulesThatCannotBeLoadedAreOneAlertAsLongAsTheyCannot(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	for _, refresh := range []error{errors.New("line 3"), errors.New("line 3"), errors.New("line 4"), nil} {
		w.rules.mu.Lock()
		w.rules.refresh = refresh
		w.rules.mu.Unlock()
		w.give(ticket(1, 0, ""), report("awaken", nil))
		alerts := w.shown().Alerts
		if len(alerts) != 1 || alerts[0].Open() != (refresh != nil) {
			t.Fatalf("with %v got the alerts %+v, want one that is open as long as the rules are not loaded", refresh, alerts)
		}
		if refresh != nil && !strings.HasSuffix(alerts[0].Message, refresh.Error()) {
			t.Errorf("got %q, want it to say %v", alerts[0].Message, refresh)
		}
	}
}
