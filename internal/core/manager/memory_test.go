package manager

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// nothing is a store, a broker and a feed that keep nothing.
type nothing struct {
	*memory
	in   chan []wire.Frames
	sent chan int
}

func (nothing) Commit(context.Context, *engine.Effects) error { return nil }
func (n nothing) Receive() <-chan []wire.Frames               { return n.in }
func (n nothing) Send(all ...wire.Frames) error               { n.sent <- len(all); return nil }
func (nothing) Publish(string, any)                           {}
func (nothing) Position() (string, map[string]uint64)         { return "epoch", nil }

func TestMemoryDoesNotGrowWithTheMessages(t *testing.T) {
	w := newWorld(t)
	w.rule("b", launch.Next{})
	w.rule("awaken", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	d := &death{}
	d.revive()
	processes := &table{death: d, starts: map[int64]int{}, ended: map[int64]launch.Exit{}, exits: make(chan launch.Exit, 1000)}
	n := nothing{memory: w.store, in: make(chan []wire.Frames), sent: make(chan int, 100)}
	m, err := New(t.Context(), Options{Config: w.config, Requests: n, Store: n, Rules: w.rules, NoFunction: errNoFunction, Launcher: processes, Feed: n,
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Machine: "here"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	number := uint64(0)
	send := func(batches int) uint64 {
		for range batches {
			batch := make([]wire.Frames, 1000)
			for i := range batch {
				number++
				msg := message.Message{Source: "b", Type: "success", ID: fmt.Sprint("host:1:", number)}
				if number%1000 == 0 {
					msg.Source = "awaken" // launches something that reports often and fails
				}
				batch[i] = wire.Frames{ticket(number, 0, ""), []byte("client"), nil, msg.Encode()}
			}
			n.in <- batch
			for answered := 0; answered < len(batch); {
				answered += must(w, "the answers", n.sent)
			}
			for _, id := range processes.living(1000) {
				processes.end(launch.Exit{ID: id, Time: time.Now(), Status: 1})
				processes.mu.Lock()
				delete(processes.starts, id)
				delete(processes.ended, id)
				processes.mu.Unlock()
			}
		}
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := send(2*engine.KeepHandled/1000 + 10)
	after := send(100)
	if grown := int64(after) - int64(before); grown > 4<<20 {
		t.Errorf("got %d bytes more after 100,000 messages more", grown)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
