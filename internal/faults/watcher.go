package faults

import (
	"context"
	"sync"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/wire"
)

// watcher notes when it is told on the feed that a launch is over, and when its process was gone.
type watcher struct {
	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	seen map[int64]time.Time // guarded by mu
	gone map[int64]time.Time // guarded by mu
}

// Watch notes from now on when the feed tells of launches that are over. The broker must run.
func (w *World) Watch() {
	w.t.Helper()
	endpoint, err := wire.IPC(w.StateFile("feed.sock"))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	events, err := feed.Subscribe(ctx, endpoint, []string{feed.StreamLaunch})
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	w.watcher = &watcher{stop: cancel, done: make(chan struct{}), seen: map[int64]time.Time{}, gone: map[int64]time.Time{}}
	go w.watcher.watch(events)
	w.t.Cleanup(w.watcher.end)
}

func (v *watcher) watch(events <-chan []feed.Event) {
	defer close(v.done)
	for batch := range events {
		now := time.Now()
		for _, e := range batch {
			var launches []launch.Launch
			if e.Decode(&launches) != nil {
				continue
			}
			v.mu.Lock()
			for _, l := range launches {
				if _, known := v.seen[l.ID]; !known && l.State.Final() {
					v.seen[l.ID] = now
				}
			}
			v.mu.Unlock()
		}
	}
}

// Gone notes since when the process of a launch is gone.
func (w *World) Gone(id int64, since time.Time) {
	w.watcher.mu.Lock()
	defer w.watcher.mu.Unlock()
	w.watcher.gone[id] = since
}

func (v *watcher) end() {
	v.stop()
	<-v.done
}

// finish returns what was noted.
func (v *watcher) finish() (seen, gone map[int64]time.Time) {
	v.end()
	return v.seen, v.gone
}
