package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/store"
	"nowcast/internal/core/wire"
)

// firing is clients, and a worker in Python, that report one numbered thing after the other.
type firing struct {
	s       *system
	clients int
	python  reporter
	moving  sync.RWMutex // a client that has just learned the port is connected before the next reload
	port    int          // guarded by moving
	stop    atomic.Bool
	running sync.WaitGroup

	mu      sync.Mutex
	sent    map[string]int // guarded by mu; by client, how many reports were acknowledged
	longest time.Duration  // guarded by mu
}

// fire has clients and the worker in Python report from now on.
func (s *system) fire(clients int) *firing {
	s.t.Helper()
	f := &firing{s: s, clients: clients, port: s.port, sent: map[string]int{}}
	f.python = reporter{s.interpret("-c", pythonReporter, fmt.Sprint(s.port), stopPython)}
	s.t.Cleanup(func() {
		f.stop.Store(true)
		f.running.Wait()
	})
	for c := range clients {
		f.running.Go(func() { f.client(c) })
	}
	s.eventually("the first report of each client", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.sent) == clients
	})
	return f
}

// acknowledged is how many reports were; those of Python are counted after the end.
func (f *firing) acknowledged() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, sent := range f.sent {
		n += sent
	}
	return n
}

// goesOn waits until some more reports are acknowledged, one of Python among them.
func (f *firing) goesOn() {
	f.s.t.Helper()
	reports, python := f.acknowledged(), f.python.reports()
	f.s.eventually("the next reports", func() bool {
		return f.acknowledged() >= reports+f.clients && f.python.reports() > python
	})
}

// end has the worker in Python send one more report and all clients stop, and waits for them.
func (f *firing) end() {
	f.s.t.Helper()
	f.s.write(stopPython, "")
	f.stop.Store(true)
	f.running.Wait()
	if err := f.python.Wait(); err != nil {
		f.s.t.Errorf("the worker in Python: %v\n%s", err, f.python.output)
	}
	var seconds float64
	if _, err := fmt.Sscan(strings.TrimLeft(f.python.output.String(), "+"), &seconds); err != nil {
		f.s.t.Fatalf("the worker in Python wrote %s", f.python.output)
	}
	f.sent["python"] = f.python.reports()
	f.longest = max(f.longest, time.Duration(seconds*float64(time.Second)))
}

func (f *firing) client(number int) {
	name := fmt.Sprint("client ", number)
	var r *wire.Requester
	defer func() {
		if r != nil {
			r.Close()
		}
	}()
	for n := 0; !f.stop.Load(); n++ {
		if n == 0 || number%2 == 0 && n%10 == 0 {
			r = f.connectAndReport(r, name, n)
		} else {
			f.report(r, name, n)
		}
	}
}

func (f *firing) connectAndReport(before *wire.Requester, name string, n int) *wire.Requester {
	if before != nil {
		before.Close()
	}
	f.moving.RLock()
	defer f.moving.RUnlock()
	r := wire.NewRequester(wire.TCP("127.0.0.1", f.port))
	f.report(r, name, n)
	return r
}

func (f *firing) report(r *wire.Requester, name string, n int) {
	began := time.Now()
	if got := ask(f.s.t, r, message.Message{Source: "any", Type: "success", Payload: pyyaml.MapOf(name, int64(n))}); got.Type != message.Ack {
		f.s.t.Errorf("%s, report %d: got the reply %+v, want ack", name, n, got)
	}
	took := time.Since(began)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent[name], f.longest = n+1, max(f.longest, took)
}

// stored is how many times each report is in the state database.
func (f *firing) stored() map[string]int {
	t := f.s.t
	t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(f.s.dir, ".nowcast", "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	times := map[string]int{}
	for id := int64(1); ; id++ {
		stored, ok, err := db.Message(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return times
		}
		m, err := message.Decode(stored.Body, message.DefaultLimit)
		if err != nil {
			t.Fatal(err)
		}
		for name, n := range m.Payload.(*pyyaml.Map).All() {
			times[fmt.Sprint(name, " ", n)]++
		}
	}
}

// once checks that each report is in the state database once, and the last of each client in the checklist.
func (f *firing) once() {
	t := f.s.t
	t.Helper()
	times := f.stored()
	reports := f.acknowledged()
	if len(times) != reports {
		t.Errorf("got %d different reports stored, want the %d that were acknowledged", len(times), reports)
	}
	kept, _ := mapping(t, f.s.read("checklist.yaml")).Get("any")
	for name, sent := range f.sent {
		for n := range sent {
			if got := times[fmt.Sprint(name, " ", n)]; got != 1 {
				t.Errorf("%s: report %d is stored %d times, want once", name, n, got)
			}
		}
		if got, _ := kept.(*pyyaml.Map).Get(name); got != int64(sent-1) {
			t.Errorf("%s: got %v in the checklist, want the last report, %d", name, got, sent-1)
		}
	}
}

// reporter is a process that runs pythonReporter.
type reporter struct{ *child }

// reports is how many of its reports have been acknowledged.
func (r reporter) reports() int { return strings.Count(r.output.String(), "+") }

// stopPython is a file that ends pythonReporter.
const stopPython = "stop"

// pythonReporter is a worker that keeps its connection through all changes. It writes a + for each report that is acknowledged, and
// in the end how many seconds the slowest took.
const pythonReporter = `
import os, sys, time, zmq
s = zmq.Context().socket(zmq.REQ)
s.setsockopt(zmq.RCVTIMEO, 30000)
s.setsockopt(zmq.LINGER, 0)
s.connect("tcp://127.0.0.1:" + sys.argv[1])
n, last, longest = 0, False, 0
while not last:
    last = os.path.exists(sys.argv[2])
    began = time.monotonic()
    s.send(b"payload: {python: %d}\nsource: any\ntype: success\n" % n)
    reply = s.recv()
    assert b"type: ack" in reply, reply
    longest = max(longest, time.monotonic() - began)
    print("+", end="", flush=True)
    n += 1
print(longest)
`
