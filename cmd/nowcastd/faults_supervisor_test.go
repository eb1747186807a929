package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/faults"
)

var supervisorFaults = []fault{
	{22, "daemons are started in any order", 3, anyOrder},
	{22, "two managers with one state, two supervisors", 1, twoManagers},
	{22, "the supervisor is killed, another one started", 3, supervisorKilled},
	{22, "a daemon dies at each start, the others go on", 1, crashLoop},
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
	load := orphans // the broker ends, too
	load.Clients, load.Insist = 2, 2
	w.Report(load)
	for i := range n {
		serves(w)
		time.Sleep(upTo(r, 100*time.Millisecond))
		up.Signal(syscall.SIGKILL)
		w.Eventually("another supervisor", func() bool { return len(up.Deaths()) > i && up.Running() })
		serves(w)
	}
	return insistentAnswered(w.Finish())
}

// crashLoop has the scheduler's and the alerter's state in somebody else's hands, so that both end at each start. Reports are answered all the
// same, a second supervisor is refused, and SIGTERM ends all at once, also while the next start is waited for.
func crashLoop(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		w := newWorld(t, nil)
		w.Keep("broker", nil).Stop() // it makes the state directory
		w.Report(clients)
		for _, name := range []string{"schedule.json.lock", "alerts.json.lock"} {
			f, err := os.Create(w.StateFile(name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
		}
		up := w.Keep("up", nil)
		serves(w)
		w.Eventually("three ends of the scheduler", func() bool {
			return strings.Count(w.Read("nowcast.log"), "another scheduler works with ") >= 3
		})
		second, err := exec.Command(built(t), "up", w.Config).CombinedOutput()
		if err == nil || !strings.Contains(string(second), "another nowcastd up runs with the state directory ") {
			t.Errorf("a second nowcastd up: got %v\n%s\nwant it to be refused", err, second)
		}
		serves(w)
		w.StopClients()
		w.Settle()
		began := time.Now()
		up.Stop()
		if took := time.Since(began); tooSlow(took, 10*time.Second) {
			t.Errorf("SIGTERM ended nowcastd up after %s, want at once", took)
		}
		all.Add(allAnswered(w.Finish()))
	}
	return all
}
