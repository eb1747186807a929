package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/broker"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

const patience = 60 * time.Second

// startBroker runs a real broker whose feed is in dir.
func startBroker(t *testing.T, dir string) (in, out string, stop func()) {
	t.Helper()
	in, out = "ipc://"+filepath.Join(dir, "in"), "ipc://"+filepath.Join(dir, "out")
	b, err := broker.New(broker.Options{
		Logger: slog.New(slog.DiscardHandler), Workers: "tcp://127.0.0.1:*", Manager: "tcp://127.0.0.1:*", FeedIn: in, FeedOut: out,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return in, out, stop
}

// manager is as much of a manager as the feed sees: launches that are published, and snapshots.
type manager struct {
	*feed.Publisher
	mu       sync.Mutex // one turn of the manager's loop
	launches []launch.Launch
}

func (m *manager) launch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.launches = append(m.launches, launch.Launch{ID: int64(len(m.launches) + 1), State: launch.Running})
	m.Publish(feed.StreamLaunch, m.launches[len(m.launches)-1:])
}

func (m *manager) beat() {
	m.Publish(feed.StreamDaemon, feed.Heartbeat{Name: feed.SourceManager, Every: 2 * time.Second})
}

func (m *manager) snapshot() feed.Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := feed.Snapshot{Source: feed.SourceManager, Launches: append([]launch.Launch(nil), m.launches...)}
	s.Epoch, s.Seq = m.Position()
	return s
}

func TestAMirrorKeepsUpWithAManagerThroughARestartOfTheBroker(t *testing.T) {
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	in, out, stop := startBroker(t, dir)
	p, err := feed.NewPublisher(in, feed.SourceManager, feed.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := &manager{Publisher: p}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	events, err := feed.Subscribe(ctx, out, []string{feed.StreamLaunch, feed.StreamDaemon, feed.StreamLog})
	if err != nil {
		t.Fatal(err)
	}
	mirror := feed.NewMirror(feed.MirrorOptions{})

	// follow applies what comes, and asks, until the mirror has n launches and the worker's lines.
	follow := func(n, lines int) {
		t.Helper()
		heart := time.NewTicker(10 * time.Millisecond)
		defer heart.Stop()
		for len(mirror.Launches()) != n || len(mirror.NeedSnapshot()) != 0 || len(mirror.Logs()) < lines {
			if len(mirror.NeedSnapshot()) > 0 {
				if err := mirror.SetSnapshot(m.snapshot()); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case batch, ok := <-events:
				if !ok {
					t.Fatalf("got %d launches and %d log lines, want %d and %d", len(mirror.Launches()), len(mirror.Logs()), n, lines)
				}
				mirror.Apply(batch)
			case <-heart.C:
				m.beat()
			}
		}
	}

	for range 500 {
		m.launch()
	}
	follow(500, 0)
	for len(mirror.Daemons()) == 0 { // the subscription has arrived once a heartbeat comes back
		m.beat()
		batch, ok := <-events
		if !ok {
			t.Fatal("no heartbeat came back")
		}
		mirror.Apply(batch)
	}
	worker, err := feed.NewPublisher(in, "sleep", feed.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		worker.Log(feed.LogRecord{Time: time.Now(), Name: "sleep", Message: fmt.Sprint("line ", i)})
	}
	worker.Close()
	follow(500, 3)

	for range 500 {
		m.launch()
	}
	stop()
	for range 500 {
		m.launch()
	}
	startBroker(t, dir)
	for range 500 {
		m.launch()
	}
	follow(2000, 3)
	if got := mirror.Counts().MissedLogs; got != 0 {
		t.Errorf("got %d missed log events, want 0", got)
	}
}
