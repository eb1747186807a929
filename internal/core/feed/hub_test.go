package feed

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nowcast/internal/core/wire"
)

const patience = 60 * time.Second // how long a test waits for what must happen

// sockets returns endpoints for a hub; unix socket paths must be short.
func sockets(t testing.TB) (in, out string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "ipc://" + filepath.Join(dir, "in"), "ipc://" + filepath.Join(dir, "out")
}

// hub is the broker's feed hub in small. It says when a subscription has arrived, so that tests need not guess.
type hub struct {
	in, out    *wire.Conn
	subscribed chan string
	done       chan struct{}
}

func startHub(t testing.TB, in, out string) *hub {
	t.Helper()
	h := &hub{subscribed: make(chan string, 100), done: make(chan struct{})}
	var err error
	if h.in, err = wire.Open(wire.Options{Kind: wire.Dealer, Bind: []string{in}}); err != nil {
		t.Fatal(err)
	}
	if h.out, err = wire.Open(wire.Options{Kind: wire.XPub, Bind: []string{out}, SendQueue: -1}); err != nil {
		t.Fatal(err)
	}
	go h.run()
	t.Cleanup(h.stop)
	return h
}

func (h *hub) run() {
	defer close(h.done)
	for h.in != nil {
		select {
		case batch, ok := <-h.in.Receive():
			if !ok {
				return
			}
			h.out.Send(batch...)
		case batch, ok := <-h.out.Receive():
			if !ok {
				return
			}
			for _, f := range batch {
				if f[0][0] == 1 {
					h.subscribed <- string(f[0][1:])
				}
			}
		}
	}
}

func (h *hub) stop() {
	h.in.Close()
	h.out.Close()
	<-h.done
}

// subscribe returns a subscription that has arrived.
func (h *hub) subscribe(t testing.TB, out, topic string) <-chan []Event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	events, err := Subscribe(ctx, out, []string{topic})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-h.subscribed:
	case <-time.After(patience):
		t.Fatal("the subscription did not arrive")
	}
	return events
}

// collect takes events until done says that these are all.
func collect(t testing.TB, events <-chan []Event, done func([]Event) bool) []Event {
	t.Helper()
	var all []Event
	deadline := time.After(patience)
	for !done(all) {
		select {
		case batch, ok := <-events:
			if !ok {
				t.Fatalf("subscription ended after %d events", len(all))
			}
			all = append(all, batch...)
		case <-deadline:
			t.Fatalf("got %d events and no more", len(all))
		}
	}
	return all
}

func publisher(t testing.TB, in, source string, o PublisherOptions) *Publisher {
	t.Helper()
	p, err := NewPublisher(in, source, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
