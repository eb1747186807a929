package logging

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// TestARefusedReportIsMadeAgain: nothing of what it would have said is lost, however many are on their way.
func TestARefusedReportIsMadeAgain(t *testing.T) {
	var sent []wire.Frames
	o := &overflow{name: "grid", topic: []byte("grid.WARNING"), feed: func(string) {}, send: func(m wire.Frames) {
		sent = append(sent, wire.Frames{bytes.Clone(m[0]), bytes.Clone(m[1])})
	}}
	refuse := func(n int) {
		for range n {
			o.refused(wire.Frames{[]byte("grid.INFO"), []byte("x\n")}, nil)
		}
		o.say()
	}
	refuse(300)
	refuse(20)
	o.refused(sent[0], nil)
	o.refused(sent[1], nil)
	o.say()
	for range 2 * maxOut { // all delivered
		refuse(1)
	}
	refuse(7)
	o.refused(sent[len(sent)-1], nil)
	o.close()
	var got []int
	for _, m := range sent {
		var n int
		if _, err := fmt.Sscanf(string(m[1]), "%d log records of grid were dropped: ", &n); err != nil || string(m[0]) != "grid.WARNING" {
			t.Errorf("got %q", m)
		}
		got = append(got, n)
	}
	if want := []int{300, 20, 320, 1, 1, 1, 1, 1, 1, 1, 1, 7, 7}; !slices.Equal(got, want) {
		t.Errorf("got the numbers %v, want %v", got, want)
	}
	if n := len(o.out); n > maxOut {
		t.Errorf("got %d reports remembered, want at most %d", n, maxOut)
	}
}

func TestWhatASubscriberDoesNotTakeIsCountedAndSaid(t *testing.T) {
	port := freePort(t)
	var mu sync.Mutex
	told := 0
	l := open(t, loadPorts(t, publisherSection, fmt.Sprintf("manager: %d", port)), "manager", Daemon, Options{sendQueue: 50, Feed: func(r feed.LogRecord) {
		var n int
		if _, err := fmt.Sscanf(r.Message, "%d log records of manager were dropped: the log aggregator did not keep up", &n); err == nil {
			mu.Lock()
			defer mu.Unlock()
			told += n
		}
	}})
	slow, err := wire.Open(wire.Options{Kind: wire.Sub, Connect: []string{l.Address()}, Subscribe: []string{""}, ReceiveQueue: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	logger := l.Logger("manager")
	logger.Info("hello")
	received, said := 0, 0
	read := func() {
		t.Helper()
		var batch []wire.Frames
		select {
		case batch = <-slow.Receive():
		case <-time.After(60 * time.Second):
			t.Fatalf("nothing for 60 s after %d records and %d said to be dropped", received, said)
		}
		for _, m := range batch {
			var n int
			switch text := string(m[1]); {
			case string(m[0]) == "manager.WARNING":
				if _, err := fmt.Sscanf(text, "%d log records of manager were dropped: the log aggregator did not keep up\n", &n); err != nil {
					t.Errorf("got %q", text)
				}
				said += n
			default:
				received++
			}
		}
	}
	read() // it is subscribed
	records := 0
	text := strings.Repeat("x", 20_000)
	toldSome := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return told > 0
	}
	for o := l.tree.Load().pub.overflow; ; records++ { // until some are said on the feed, and the record that says so is refused
		logger.Info(text)
		o.mu.Lock()
		refused := o.lost > o.untold
		o.mu.Unlock()
		if refused && toldSome() {
			break
		}
	}
	records++
	for received+said < records+1 {
		read()
	}
	if received+said != records+1 || said == 0 {
		t.Errorf("got %d records and %d said to be dropped, together %d, want %d", received, said, received+said, records+1)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if told != said {
		t.Errorf("got %d said to be dropped on the feed, want %d as published", told, said)
	}
}
