package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/faults"
)

var killFaults = []fault{
	{1, "SIGKILL of the manager, at each step", 7, killManagerAtSteps},
	{1, "SIGKILL of the manager, at any time", 4, killManager},
	{2, "SIGKILL of the broker, at each step", 3, killBrokerAtSteps},
	{2, "SIGKILL of the broker, requests waiting", 2, killBroker},
	{4, "SIGSTOP and SIGCONT of each process", 3, stopAndContinue},
}

// clients are those of a world whose broker lives: half of them behave as Python's workers, and half as ours. Some of the
// workers that are launched because of them are Python's, which wait for their answer for ever.
var clients = faults.Load{Clients: 4, Insist: 2, Pause: 10 * time.Millisecond, Python: 40}

// orphans are those of a world whose broker dies: who does not ask again waits in vain then, and gives up.
var orphans = faults.Load{Clients: 4, Insist: 2, Patience: 2 * time.Second, Pause: 10 * time.Millisecond}

var (
	managerSteps = []string{"received", "decoded", "committed", "acked", "launching", "launched", "recorded"}
	brokerSteps  = []string{"journalled", "forwarded", "answered"}
)

// atSteps says for each process of a daemon where it is to die: at each step in turn, after a random number of passages.
func atSteps(r *rand.Rand, steps []string, n int) func() string {
	i := 0
	return func() string {
		i++
		if i > n {
			return ""
		}
		return fmt.Sprintf("%s:%d", steps[(i-1)%len(steps)], 1+r.IntN(12))
	}
}

func killManagerAtSteps(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	w.Report(clients)
	m := w.Keep("manager", atSteps(r, managerSteps, n))
	return allAnswered(diesAndServes(w, m, n))
}

func killManager(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(clients)
	killAtRandom(w, m, r, n)
	return allAnswered(diesAndServes(w, m, n))
}

func killBrokerAtSteps(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	b := w.Keep("broker", atSteps(r, brokerSteps, n))
	w.Keep("manager", nil)
	w.Report(orphans)
	return insistentAnswered(diesAndServes(w, b, n))
}

// killBroker kills it while the manager is away, so that requests wait in it.
func killBroker(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	b := w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(orphans)
	for i := range n {
		time.Sleep(upTo(r, 200*time.Millisecond))
		m.Signal(syscall.SIGSTOP)
		time.Sleep(50*time.Millisecond + upTo(r, 100*time.Millisecond))
		b.Kill()
		w.Eventually("another broker", func() bool { return len(b.Deaths()) > i && b.Ready() })
		m.Signal(syscall.SIGCONT)
		serves(w)
	}
	return insistentAnswered(diesAndServes(w, b, n))
}

// killAtRandom kills a daemon n times, each time after it has served for a while.
func killAtRandom(w *faults.World, d *faults.Daemon, r *rand.Rand, n int) {
	for i := range n {
		time.Sleep(upTo(r, 150*time.Millisecond))
		d.Kill()
		w.Eventually("another process", func() bool { return len(d.Deaths()) > i && d.Ready() })
	}
}

// diesAndServes waits until a daemon has died n times and reports are acknowledged again, and checks everything.
func diesAndServes(w *faults.World, d *faults.Daemon, n int) *faults.Report {
	for i := range n {
		w.Eventually(fmt.Sprintf("death %d", i+1), func() bool { return len(d.Deaths()) > i })
	}
	w.Eventually("another process", d.Ready)
	serves(w)
	report := w.Finish()
	for _, how := range d.Endings() {
		report.Broken = append(report.Broken, "a process ended by itself: "+how)
	}
	return report
}

// serves waits until more reports are acknowledged.
func serves(w *faults.World) {
	acked := w.Acked()
	w.Eventually("another acknowledgement", func() bool { return w.Acked() > acked })
}

// allAnswered wants each report answered, and each launch to succeed: nobody but daemons was touched.
func allAnswered(r *faults.Report) *faults.Report {
	if r.Unanswered > 0 {
		r.Broken = append(r.Broken, fmt.Sprintf("%d reports were not answered, though their broker lived", r.Unanswered))
	}
	return allSucceeded(r)
}

// insistentAnswered wants each report answered whose client asks again.
func insistentAnswered(r *faults.Report) *faults.Report {
	if r.UnansweredAgain > 0 {
		r.Broken = append(r.Broken, fmt.Sprintf("%d reports were not answered, though they were sent again", r.UnansweredAgain))
	}
	return allSucceeded(r)
}

func allSucceeded(r *faults.Report) *faults.Report {
	if r.Bad() > 0 {
		r.Broken = append(r.Broken, fmt.Sprintf("launches ended: %s; nobody touched them", r.Outcomes()))
	}
	return r
}

// stopAndContinue stops each process for a while. In the short form that is shorter than what the outside takes for death.
func stopAndContinue(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	daemons := []*faults.Daemon{w.Keep("broker", nil), w.Keep("log-aggregator", nil), w.Keep("manager", nil)}
	w.Report(clients)
	pause := 20 * time.Second
	if testing.Short() || n <= len(daemons) {
		pause = 2 * time.Second
	}
	for i := range n {
		d := daemons[i%len(daemons)]
		time.Sleep(upTo(r, 100*time.Millisecond))
		d.Signal(syscall.SIGSTOP)
		time.Sleep(pause)
		d.Signal(syscall.SIGCONT)
		serves(w)
	}
	return allAnswered(w.Finish())
}
