package control_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/broker"
	"nowcast/internal/core/control"
	"nowcast/internal/core/wire"
)

const patience = 60 * time.Second // how long a test waits for what must happen

// place is where a broker binds; unix socket paths must be short.
type place struct{ clients, daemons string }

func newPlace(t testing.TB) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return place{"ipc://" + filepath.Join(dir, "c"), "ipc://" + filepath.Join(dir, "d")}
}

// startBroker runs a real broker and returns how to stop it.
func startBroker(t testing.TB, p place) (stop func()) {
	t.Helper()
	b, err := broker.New(broker.Options{
		Logger: slog.New(slog.DiscardHandler), Workers: "tcp://127.0.0.1:*", Manager: "tcp://127.0.0.1:*",
		ControlClients: p.clients, ControlDaemons: p.daemons,
	})
	if err != nil {
		t.Fatal(err)
	}
	return running(t, b.Run)
}

// running runs something until stop or the end of the test, and waits for its end.
func running(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); all.Wait() }
	t.Cleanup(stop)
	return stop
}

// log is where a server logs; several goroutines write.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newServer(t testing.TB, p place, o control.ServerOptions) *control.Server {
	t.Helper()
	o.Endpoint = p.daemons
	if o.Name == "" {
		o.Name = "manager"
	}
	s, err := control.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dial(t testing.TB, p place) *control.Client {
	t.Helper()
	c, err := control.Dial(p.clients, "sue@salish")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// raw is a client that says what it likes.
type raw struct {
	t testing.TB
	*wire.Conn
}

func dialRaw(t testing.TB, p place) raw {
	t.Helper()
	c, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{p.clients}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return raw{t, c}
}

// ask sends a request until the daemon itself answers it.
func (c raw) ask(id, body string) string {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		if err := c.Send(wire.Frames{[]byte(id), []byte("manager"), []byte(body)}); err != nil {
			c.t.Fatal(err)
		}
		select {
		case batch := <-c.Receive():
			last := batch[len(batch)-1]
			if string(last[0]) == id && !strings.Contains(string(last[1]), "is connected") {
				return string(last[1])
			}
		case <-deadline:
			c.t.Fatal("no answer")
		}
	}
}
