package main

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/faults"
)

var startFaults = []fault{
	{22, "daemons are started in any order", 3, anyOrder},
	{22, "two managers with one state", 1, twoManagers},
	{22, "the supervisor is killed, another one started", 3, supervisorKilled},
}

func anyOrder(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		w := newWorld(t, nil)
		w.Report(clients) // before there is anybody to report to
		names := []string{"broker", "log-aggregator", "manager", "scheduler"}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			w.Keep(name, nil)
		}
		serves(w)
		all.Add(allAnswered(w.Finish()))
	}
	return all
}

func twoManagers(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	w.Report(clients)
	for range n {
		serves(w)
		second := exec.Command(built(t), "manager", w.Config)
		out, err := second.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "a manager with this state directory is running already") {
			t.Errorf("a second manager: got %v\n%s\nwant it to be refused", err, out)
		}
	}
	serves(w)
	return allAnswered(w.Finish())
}

// supervisorKilled kills `nowcastd up`: its children end, and those of the next one wait until they have.
func supervisorKilled(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	up := w.Keep("up", nil)
	w.Report(orphans) // the broker ends, too
	for i := range n {
		serves(w)
		time.Sleep(upTo(r, 100*time.Millisecond))
		up.Signal(syscall.SIGKILL)
		w.Eventually("another supervisor", 20*time.Second, func() bool { return len(up.Deaths()) > i && up.Running() })
		serves(w)
	}
	return insistentAnswered(w.Finish())
}
