package main

import (
	"os"
	"strings"
	"testing"
)

// TestAStateThatIsTakenAwayFromARunningManagerEndsItAndIsTold: what it would acknowledge from then on, no other manager could find.
func TestAStateThatIsTakenAwayFromARunningManagerEndsItAndIsTold(t *testing.T) {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	for range 3 {
		w.Once()
	}
	w.Settle()
	before := lastNumbers(w)
	if err := os.Rename(w.StateFile("state.db"), w.StateFile("moved.db")); err != nil {
		t.Fatal(err)
	}
	w.Forget()
	for range 3 {
		w.Once() // answered by the next one
	}
	w.Settle()
	w.Eventually("a manager that serves", m.Ready)
	log := w.Read("nowcast.log")
	for _, want := range []string{"somebody has removed or renamed", "CRITICAL [manager] the state database was damaged", "there are files of launches up to"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	report := w.Finish()
	if len(m.Endings()) != 1 || len(m.Deaths()) > 0 {
		t.Errorf("got endings %v and deaths %v, want one ending", m.Endings(), m.Deaths())
	}
	for _, b := range append(report.Broken, givenTwice(w, before)...) {
		t.Error(b)
	}
}
