package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"nowcast/internal/core/store/storetest"
	"nowcast/internal/faults"
)

var postgresFaults = []fault{
	{1, "PostgreSQL: SIGKILL of the manager, at each step", 2, killManagerOnPostgres},
	{24, "PostgreSQL: SIGKILL, another manager stands by", 2, failOver},
	{24, "PostgreSQL: its server is killed and comes back", 1, killPostgres},
}

func newPostgresWorld(t *testing.T) (*faults.World, *storetest.Server) {
	server := storetest.Postgres(t, true)
	url := server.Database()
	return newWorld(t, func(o *faults.Options) { o.State = url }), server
}

func killManagerOnPostgres(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, _ := newPostgresWorld(t)
	w.Keep("broker", nil)
	w.Report(clients)
	m := w.Keep("manager", atSteps(r, managerSteps, n))
	return allAnswered(diesAndServes(w, m, n))
}

// failOver kills one of two managers n times: the one that serves, at first; then whichever comes. The other takes over, and the one that
// comes back stands by. That never two are active at once is what Check finds.
func failOver(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, _ := newPostgresWorld(t)
	w.Keep("broker", nil)
	managers := []*faults.Daemon{w.Keep("manager", nil), w.Keep("manager", nil)}
	w.Report(clients)
	var slow []string
	for i := range n {
		serves(w)
		time.Sleep(upTo(r, 500*time.Millisecond))
		victim := managers[0]
		if i > 0 {
			victim = managers[r.IntN(2)]
		}
		deaths := len(victim.Deaths())
		victim.Kill()
		killed := time.Now()
		w.Eventually("its death", 10*time.Second, func() bool { return len(victim.Deaths()) > deaths })
		if serves(w); time.Since(killed) > 3*time.Second {
			slow = append(slow, fmt.Sprintf("reports were acknowledged %s after a manager was killed, and not within 3 s", time.Since(killed)))
		}
	}
	report := allAnswered(w.Finish())
	report.Broken = append(report.Broken, slow...)
	return report
}

// killPostgres kills the server of the database: nothing is acknowledged until it is back, and nothing is lost.
func killPostgres(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, server := newPostgresWorld(t)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	load := clients
	load.Patience = 30 * time.Second
	w.Report(load)
	for range n {
		serves(w)
		time.Sleep(upTo(r, 300*time.Millisecond))
		server.Kill()
		time.Sleep(upTo(r, 1500*time.Millisecond))
		server.Start()
		serves(w)
	}
	return allAnswered(w.Finish())
}
