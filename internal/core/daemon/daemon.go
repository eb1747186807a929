// Package daemon is what every daemon does the same: it says on the feed that it is alive, and what troubles it.
package daemon

import (
	"os"
	"sync"
	"time"

	"nowcast/internal/core/feed"
)

// Every is the time between two heartbeats. Silence for three times as long means that a daemon is not there.
const Every = 2 * time.Second

// Beating are the heartbeats of a process.
type Beating struct {
	stop chan struct{}
	done sync.WaitGroup
}

// Heartbeats publishes a heartbeat of the daemon called name, with its alerts, at once and then regularly, until Stop. more, unless
// it is nil, is called for each and adds what only this daemon has to say; it must not wait.
func Heartbeats(name string, alerts *Alerts, more func(*feed.Heartbeat)) *Beating {
	b := &Beating{stop: make(chan struct{})}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	beat := feed.Heartbeat{Name: name, Host: host, PID: os.Getpid(), Started: alerts.now().UTC(), Every: Every}
	say := func(stopped bool) {
		h := beat
		h.Stopped = stopped
		if more != nil {
			more(&h)
		}
		alerts.beat(h)
	}
	say(false)
	b.done.Go(func() {
		tick := time.NewTicker(Every)
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				say(true)
				return
			case <-tick.C:
				say(false)
			}
		}
	})
	return b
}

// Stop publishes a last heartbeat, which says that the daemon ends because it was told to.
func (b *Beating) Stop() {
	close(b.stop)
	b.done.Wait()
}
