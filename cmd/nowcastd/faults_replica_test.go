package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"nowcast/internal/core/store/storetest"
	"nowcast/internal/faults"
)

// replicaTakesOver kills the server of the database and promotes its synchronous replica, which has all that was acknowledged. The managers
// find it by themselves: both servers are in the URL. Then the dead one becomes the other's replica, and so on.
func replicaTakesOver(t *testing.T, r *rand.Rand, n int) *faults.Report {
	primary := storetest.Postgres(t, true)
	replica := primary.Replica()
	p := newPairOn(t, primary, primary.Databases(replica), nil)
	for i := range n {
		serves(p.World)
		time.Sleep(upTo(r, 500*time.Millisecond))
		primary.Kill()
		time.Sleep(upTo(r, 300*time.Millisecond)) // until somebody has noticed
		replica.Promote()
		promoted := time.Now()
		serves(p.World)
		t.Logf("reports were acknowledged %s after the replica was promoted", time.Since(promoted).Round(time.Millisecond))
		primary, replica = replica, primary
		if i+1 < n {
			replica.Follow(primary)
		}
	}
	serves(p.World)
	return p.finish(t)
}
