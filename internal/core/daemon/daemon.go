// Package daemon is what every daemon does the same: it says on the feed that it is alive.
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

// Heartbeats publishes a heartbeat of the daemon called name at once and then regularly, until Stop.
func Heartbeats(name string, publish func(topic string, body any), now func() time.Time) *Beating {
	b := &Beating{stop: make(chan struct{})}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	beat := feed.Heartbeat{Name: name, Host: host, PID: os.Getpid(), Started: now().UTC(), Every: Every}
	publish(feed.StreamDaemon, beat)
	b.done.Go(func() {
		tick := time.NewTicker(Every)
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				beat.Stopped = true
				publish(feed.StreamDaemon, beat)
				return
			case <-tick.C:
				publish(feed.StreamDaemon, beat)
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
