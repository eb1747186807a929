package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/store/storetest"
	"nowcast/internal/faults"
)

// stateVariable gives each manager its own way to the database.
const stateVariable = "NOWCAST_FAULTS_STATE"

// cutOffManager cuts the active manager off from the database, which the other one still reaches. It lives, and answers the broker; but
// it can do nothing, and must not stand in the way of the one that takes over. When it hears from the database again it ends.
func cutOffManager(t *testing.T, r *rand.Rand, n int) *faults.Report {
	server := storetest.Postgres(t, true)
	all := &faults.Report{}
	for range n {
		direct := server.Database()
		u, err := url.Parse(direct)
		if err != nil {
			t.Fatal(err)
		}
		port := freePort(t)
		var to int
		fmt.Sscan(u.Port(), &to)
		network := newProxy(t, port, to)
		u.Host = fmt.Sprint("127.0.0.1:", port)
		var managers atomic.Int64
		p := newPairOn(t, server, direct, func(o *faults.Options) {
			o.StateIs, o.Env = "$(NOWCAST.ENV."+stateVariable+")", []string{stateVariable + "=" + direct}
			o.Before = func(daemon string) []string {
				if daemon == "manager" && managers.Add(1) == 1 {
					return []string{"env", stateVariable + "=" + u.String()}
				}
				return nil
			}
		})
		serves(p.World)
		time.Sleep(upTo(r, 500*time.Millisecond))
		victim := p.active(t)
		if victim != p.managers[0] {
			t.Fatal("the manager behind the proxy is not the one that is active")
		}
		network.cut(toBroker, toWorker)
		cut := time.Now()
		p.Eventually("another one that has the lease", func() bool { return p.active(t) != victim })
		serves(p.World)
		took := time.Since(cut)
		t.Logf("reports were acknowledged %s after a manager was cut off", took.Round(time.Millisecond))
		network.heal()
		p.Eventually("its end", func() bool { return len(victim.Endings()) > 0 })
		serves(p.World)
		report := p.finish(t)
		if tooSlow(took, answeredWithin) {
			report.Broken = append(report.Broken, fmt.Sprintf("reports were acknowledged %s after a manager was cut off, want %s", took.Round(time.Millisecond), answeredWithin))
		}
		all.Add(report)
	}
	return all
}
