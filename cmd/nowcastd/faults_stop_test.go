package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/faults"
)

var stopFaults = []fault{
	{4, "SIGSTOP and SIGCONT of all beside the reports", 1, stopBeside},
	{20, "a checklist of 100,000 entries", 1, hugeChecklist},
}

// stopBeside stops scheduler, alerter, keeper, a worker and its shim, one after the other or together: reports are answered meanwhile.
func stopBeside(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m, scheduler, alerter := w.Keep("manager", nil), w.Keep("scheduler", nil), w.Keep("alerter", nil)
	few := clients
	few.Pause = 100 * time.Millisecond // what is launched because of them waits for the keeper, and the next worker behind that
	w.Report(few)
	pause := 20 * time.Second
	if os.Getenv("FAULTS_N") == "" {
		pause = time.Second
	}
	for range n {
		l := awaitLaunch(w, w.Once("sleep", "3s"), func(l *launch.Launch) bool { return l.State == launch.Running })
		all := []int{scheduler.PID(), alerter.PID(), keeperOf(t, m.PID()), l.PID, parentOf(t, l.PID)}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, pid := range all {
			syscall.Kill(pid, syscall.SIGSTOP)
		}
		serves(w)
		time.Sleep(pause)
		serves(w)
		for _, pid := range all {
			syscall.Kill(pid, syscall.SIGCONT)
		}
		serves(w)
	}
	return allAnswered(w.Finish())
}

func parentOf(t *testing.T, pid int) (parent int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprint("/proc/", pid, "/stat"))
	if err != nil {
		t.Fatal(err)
	}
	var name, state string
	if _, err := fmt.Sscan(string(stat), &pid, &name, &state, &parent); err != nil {
		t.Fatal(err)
	}
	return parent
}

// hugeChecklist has one report bring 100,000 entries. The manager is killed n times after that; each time it serves within a second and knows
// all of them.
func hugeChecklist(t *testing.T, r *rand.Rand, n int) *faults.Report {
	const entries = 100_000
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	values := pyyaml.NewMap(entries)
	values.Set("n", int64(1_000_001))
	for i := range entries {
		values.Set(fmt.Sprint("entry ", i), int64(i))
	}
	worker := wire.NewRequester(w.Endpoint())
	defer worker.Close()
	reply, err := request(worker, message.Message{Source: "reporter", Type: "success", Payload: values, ID: "huge"}.Encode())
	if err != nil || reply.Type != message.Ack {
		t.Fatalf("100,000 entries: got %q, %v", reply.Type, err)
	}
	w.Report(clients)
	serves(w)
	killAtRandom(w, m, r, n)
	return allAnswered(diesAndServes(w, m, n)) // Check compares the checklist
}
