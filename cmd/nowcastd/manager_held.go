package main

import (
	"context"
	"sync"
	"time"

	"nowcast/internal/core/store"
	"nowcast/internal/core/wire"
)

// lookHeld is how often the manager looks whether the state is surely its own: much less than the 250 ms that lie between its not
// being sure and another manager's taking over.
const lookHeld = 50 * time.Millisecond

// onlyWhileHeld has the manager connected to the broker only while the state in PostgreSQL is surely its own. One that is cut off from the
// database can answer nothing. But it lives, and the broker, which gives nothing to two managers at once, would wait for its end before it
// gave anything to the one that has taken over. If nobody has, it connects again when the database answers. It does so until stop is called,
// which returns when it has ended.
func onlyWhileHeld(ctx context.Context, d *process, db *store.Store, requests *wire.Trunk) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { leaveAndReturn(ctx, d, db, requests) })
	return func() {
		cancel()
		watcher.Wait()
	}
}

func leaveAndReturn(ctx context.Context, d *process, db *store.Store, requests *wire.Trunk) {
	tick := time.NewTicker(lookHeld)
	defer tick.Stop()
	for here, told := true, false; ; {
		select {
		case <-ctx.Done():
			return
		case <-db.Lost():
			return // it ends
		case <-tick.C:
		}
		switch held := db.Held(); {
		case held == here:
		case !held:
			d.logger.Warn("disconnected from the message broker: the database does not answer, and another manager may have taken over; connects again when it answers and none has")
			requests.Leave()
			here = false
		default:
			if err := requests.Return(); err != nil {
				if !told {
					d.logger.Error("cannot connect to the message broker again, and tries until it can: " + err.Error())
				}
				told = true
				continue
			}
			here, told = true, false
		}
	}
}
