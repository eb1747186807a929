package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// playedAlerter is an alerter that a test plays.
type playedAlerter struct {
	pub *feed.Publisher

	mu  sync.Mutex // guards all
	all []feed.Incident
}

// playAlerter starts it in dir; it ends with the test.
func playAlerter(t *testing.T, dir string, all []feed.Incident) *playedAlerter {
	t.Helper()
	at := func(name string) string { return "ipc://" + filepath.Join(dir, name) }
	a := &playedAlerter{all: all}
	var err error
	if a.pub, err = feed.NewPublisher(at("feed-in.sock"), feed.SourceAlerter, feed.PublisherOptions{}); err != nil {
		t.Fatal(err)
	}
	server, err := control.NewServer(control.ServerOptions{Endpoint: at("control-daemons.sock"), Name: feed.SourceAlerter, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server.Handle(control.CmdIncidents, control.Typed(func(context.Context, control.Request, struct{}) (any, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.all, nil
	}))
	server.Handle(control.CmdAcknowledge, control.Typed(a.acknowledge))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Run(ctx) }) // told to end by the context
	running.Go(func() {
		started := time.Now()
		beat := time.NewTicker(200 * time.Millisecond)
		defer beat.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-beat.C:
				a.pub.Publish(feed.StreamDaemon, feed.Heartbeat{Name: feed.SourceAlerter, Started: started, Every: 200 * time.Millisecond})
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_ = server.Close()
		_ = a.pub.Close()
	})
	return a
}

func (a *playedAlerter) acknowledge(_ context.Context, r control.Request, args control.IncidentArgs) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.all {
		if a.all[i].ID == args.Incident {
			a.all[i].Acknowledged = &feed.Mark{Author: r.Author, Time: time.Now(), Note: args.Note}
			a.pub.Publish(feed.StreamIncident, a.all)
			return a.all[i], nil
		}
	}
	return nil, fmt.Errorf("there is no incident %d", args.Incident)
}

// badNight is thirty incidents; the newest has a text that would steer the terminal if it could.
func badNight() []feed.Incident {
	var all []feed.Incident
	for i := range 30 {
		all = append(all, feed.Incident{ID: int64(i + 1), Source: "manager", Alert: engine.Alert{
			Time: time.Now().Add(time.Duration(i-60) * time.Minute), Kind: "worker crashed", Key: fmt.Sprint("k", i), Worker: fmt.Sprintf("worker_%02d", i),
			Message: fmt.Sprintf("worker_%02d exited with status 1 and no report", i),
		}})
	}
	last := &all[29]
	last.Message = "hostile \x1b[2J\x1b[1;1H\x1b]0;owned\x07\x1b[31m\r\n\x9b2J text"
	last.Consequences = []engine.Alert{{Kind: "barrier", Message: "waits for worker_29", Time: last.Time}}
	return all
}

// An operator comes to thirty incidents: finds the newest, folds out what follows, acknowledges it with a note.
func TestABadNightInARealTerminal(t *testing.T) {
	dir, err := os.MkdirTemp("", "nc") // short: unix sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	build(t, dir, "nowcast/cmd/nowcast-tui")
	play(t, dir)
	playAlerter(t, dir, badNight())
	term := open(t, dir, writeConfig(t, dir), 80, 24)
	term.sees("5 Alerts !30")
	term.sees("a all 30")
	term.press("a")
	term.sees("30 open, 0 in hand, 0 ended in 24 h")
	term.sees("▸ worker crashed: hostile ^M")
	term.sees(" 1 Launches 2 Checklist") // not wiped out
	term.press("Space")
	term.sees("follows")
	term.sees("waits for worker_29")
	term.press("a")
	term.sees("Acknowledge incident 30, worker crashed of worker_29")
	term.press("on it", "Enter")
	term.sees("5 Alerts !29")
	term.sees("29 open, 1 in hand")
	term.press("End")
	term.sees(": on it")
	term.press("q")
	term.sees("exit code 0")
}
