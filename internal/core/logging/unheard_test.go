package logging

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// heard collects what a process says by the feed and does not publish.
type heard struct {
	mu   sync.Mutex
	told []string // guarded by mu
}

func (h *heard) log(r feed.LogRecord) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !r.Published {
		h.told = append(h.told, r.Message)
	}
}

func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.told, func(t string) bool { return strings.HasPrefix(t, text) })
}

func (h *heard) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about; told by the feed: %q", what, h.told)
		}
	}
}

// TestRecordsThatNobodyGotAreTold: a log aggregator that is away, or hangs while a worker lives and ends, gets them from nobody later.
func TestRecordsThatNobodyGotAreTold(t *testing.T) {
	h := &heard{}
	port := freePort(t)
	l := open(t, loadPorts(t, publisherSection, fmt.Sprintf("workers: [%d]", port)), "sleep", Worker, Options{Feed: h.log})
	pub := l.tree.Load().pub
	listening := func(n int) func() bool {
		return func() bool { pub.mu.Lock(); defer pub.mu.Unlock(); return pub.listening == n }
	}
	subscribe := func() *wire.Conn {
		sub, err := wire.Open(wire.Options{Kind: wire.Sub, Connect: []string{wire.TCP("127.0.0.1", port)}, Subscribe: []string{""}})
		if err != nil {
			t.Fatal(err)
		}
		h.until(t, "the subscription", listening(1))
		return sub
	}
	sub := subscribe()
	l.Logger("sleep").Info("heard")
	if batch := <-sub.Receive(); len(batch) == 0 || string(batch[0][1]) != "heard\n" {
		t.Errorf("got %q", batch)
	}
	sub.Close()
	h.until(t, "that it has left", listening(0))
	for range 3 {
		l.Logger("sleep").Info("unheard")
	}
	if h.has("") {
		t.Errorf("told %q while nobody listens who could write it", h.told)
	}
	sub = subscribe()
	where := fmt.Sprintf(" log records of sleep are not in the files of the log aggregator: it was not connected to tcp://127.0.0.1:%d", port)
	h.until(t, "that 3 are missing", func() bool { return h.has("3" + where) })
	l.Logger("sleep").Info("heard again")
	if batch := <-sub.Receive(); len(batch) == 0 || string(batch[0][1]) != "heard again\n" {
		t.Errorf("got %q", batch)
	}
	sub.Close()
	h.until(t, "that it has left again", listening(0))
	l.Logger("sleep").Info("unheard")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if !h.has("1" + where) {
		t.Errorf("told %q at the end, want that one more is missing", h.told)
	}
}

func TestThatASubscriberDidNotTakeTheLastRecordsIsTold(t *testing.T) {
	h := &heard{}
	port := freePort(t)
	l := open(t, loadPorts(t, publisherSection, fmt.Sprintf("workers: [%d]", port)), "sleep", Worker, Options{Feed: h.log})
	pub := l.tree.Load().pub
	sub, err := wire.Open(wire.Options{Kind: wire.Sub, Connect: []string{wire.TCP("127.0.0.1", port)}, Subscribe: []string{""}, ReceiveQueue: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close() // it reads ahead, and then nothing more
	h.until(t, "the subscription", func() bool { pub.mu.Lock(); defer pub.mu.Unlock(); return pub.listening == 1 })
	line := strings.Repeat("x", 1<<20)
	for range 100 { // more than all buffers on the way have room for
		l.Logger("sleep").Info(line)
	}
	if err := l.Close(); err == nil {
		t.Error("got no error")
	}
	if !h.has("the last log records of sleep may be missing in the files of the log aggregator") {
		t.Errorf("told %.300q", h.told)
	}
}
