package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/wire"
)

func TestEverythingThatAWorkerSaysInItsShortLifeArrives(t *testing.T) {
	in, out := sockets(t)
	events := startHub(t, in, out).subscribe(t, out, StreamLog)
	const workers = 20
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			p, err := NewPublisher(in, fmt.Sprint("worker", w), PublisherOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 3 {
				p.Log(LogRecord{Time: time.Now(), Name: "sleep", Message: fmt.Sprint(w, " ", i)})
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	collect(t, events, func(all []Event) bool {
		clear(seen)
		for _, e := range all {
			var records []LogRecord
			if err := e.Decode(&records); err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				seen[r.Message] = true
			}
		}
		return len(seen) == 3*workers
	})
}

func TestEventsWaitForAHubThatStartsLater(t *testing.T) {
	in, _ := sockets(t)
	p := publisher(t, in, "manager", PublisherOptions{})
	for i := range 100 {
		p.Publish(StreamAlert, engine.Alert{ID: int64(i)})
	}
	// The reader binds in the hub's place, so that nothing passes before it listens.
	conn, err := wire.Open(wire.Options{Kind: wire.Dealer, Bind: []string{in}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var got []Event
	for len(got) < 100 {
		select {
		case batch := <-conn.Receive():
			for _, f := range batch {
				e, err := parse(f)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
		case <-time.After(patience):
			t.Fatalf("got %d events and no more", len(got))
		}
	}
	for i, e := range got {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d, want %d", i, e.Seq, i+1)
		}
	}
}

func TestPublishingGoesOnAfterTheHubHasRestarted(t *testing.T) {
	in, out := sockets(t)
	h := startHub(t, in, out)
	events := h.subscribe(t, out, "")
	p := publisher(t, in, "manager", PublisherOptions{})
	p.Publish(StreamAlert, engine.Alert{ID: 1})
	collect(t, events, func(all []Event) bool { return len(all) == 1 })
	h.stop()
	h = startHub(t, in, out)
	select {
	case <-h.subscribed: // by itself
	case <-time.After(patience):
		t.Fatal("the subscriber did not come back")
	}
	p.Publish(StreamAlert, engine.Alert{ID: 2})
	got := collect(t, events, func(all []Event) bool { return len(all) == 1 })
	if got[0].Seq != 2 {
		t.Errorf("got number %d, want 2", got[0].Seq)
	}
}

func TestWithoutAHubNothingWaitsAndMemoryIsBounded(t *testing.T) {
	in, _ := sockets(t)
	p := publisher(t, in, "manager", PublisherOptions{Linger: time.Millisecond})
	const events = 60_000
	body := strings.Repeat("x", 1000)
	for range events {
		p.Publish(StreamAlert, body)
	}
	if _, seq := p.Position(); seq[StreamAlert] != events {
		t.Errorf("got position %d, want %d", seq[StreamAlert], events)
	}
	p.mu.Lock()
	queued, dropped := p.state.bytes, p.state.dropped
	p.mu.Unlock()
	if queued > maxQueuedBytes || dropped == 0 {
		t.Errorf("got %d bytes queued and %d events dropped, want at most %d bytes, and some dropped", queued, dropped, maxQueuedBytes)
	}
	start := time.Now()
	if err := p.Close(); !errors.Is(err, wire.ErrUnsent) || !strings.Contains(err.Error(), " events and more") {
		t.Errorf("got %v from Close, want that it says what was not sent", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
	p.Publish(StreamAlert, body)
	p.Log(LogRecord{})
	if _, seq := p.Position(); seq[StreamAlert] != events {
		t.Errorf("after Close an event was numbered: got %d, want %d", seq[StreamAlert], events)
	}
}

func TestDroppedEventsAreToldOnce(t *testing.T) {
	in, _ := sockets(t)
	p := publisher(t, in, "manager", PublisherOptions{})
	for range 3 * maxQueued {
		p.Publish(StreamAlert, 1)
	}
	p.mu.Lock()
	dropped := p.state.dropped
	p.mu.Unlock()
	conn, err := wire.Open(wire.Options{Kind: wire.Dealer, Bind: []string{in}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var told []string
	var last uint64
	for last <= 3*maxQueued {
		select {
		case batch := <-conn.Receive():
			for _, f := range batch {
				e, err := parse(f)
				if err != nil {
					t.Fatal(err)
				}
				var records []LogRecord
				if e.Stream != StreamLog {
					last = e.Seq
				} else if err := e.Decode(&records); err != nil {
					t.Fatal(err)
				} else if told = append(told, records[0].Message); len(told) == 1 {
					p.Publish(StreamAlert, 1) // comes after a second warning, if there is one
				}
			}
		case <-time.After(patience):
			t.Fatalf("got the warnings %q and no more", told)
		}
	}
	if len(told) != 1 || dropped == 0 || !strings.HasPrefix(told[0], fmt.Sprint(dropped, " events of manager")) {
		t.Errorf("got the warnings %q, want one of %d events", told, dropped)
	}
}

func TestTheOldestEventsAreDroppedAndTheNumbersShowIt(t *testing.T) {
	var q queue
	frame := func(i int) wire.Frames { return wire.Frames{[]byte("t"), []byte(fmt.Sprint(i))} }
	for i := range maxQueued + 10 {
		q.push(frame(i))
	}
	if diff := cmp.Diff(q.take(1), []wire.Frames{frame(10)}); diff != "" || q.dropped != 10 {
		t.Errorf("dropped %d, want 10; oldest, got (-) want (+):\n%s", q.dropped, diff)
	}
	large := wire.Frames{make([]byte, 2*maxQueuedBytes)}
	q.push(large)
	if got := q.take(10); len(got) != 1 || len(got[0][0]) != len(large[0]) {
		t.Errorf("an event larger than the bound: got %d events, want it alone", len(got))
	}
	if q.bytes != 0 || len(q.take(1)) != 0 {
		t.Errorf("got %d bytes in an empty queue, want 0", q.bytes)
	}
}

func TestNumbersHaveOneOrderForAllPublishersAndReaders(t *testing.T) {
	in, out := sockets(t)
	events := startHub(t, in, out).subscribe(t, out, "")
	p := publisher(t, in, "manager", PublisherOptions{})
	const each = 500
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range each {
				p.Publish([]string{StreamLaunch, StreamAlert + ".x"}[i%2], i)
				before, _ := p.Position()
				if epoch, seq := p.Position(); epoch != before || seq[StreamLaunch] == 0 {
					t.Errorf("got position %v of %s", seq, epoch)
				}
			}
		})
	}
	all.Wait()
	got := collect(t, events, func(all []Event) bool { return len(all) == 4*each })
	last := map[string]uint64{}
	for _, e := range got {
		if e.Seq != last[e.Stream]+1 {
			t.Fatalf("stream %s: got number %d after %d", e.Stream, e.Seq, last[e.Stream])
		}
		last[e.Stream] = e.Seq
	}
	epoch, seq := p.Position()
	if !maps.Equal(last, seq) || got[0].Epoch != epoch {
		t.Errorf("got position %v of %s, want %v of %s", seq, epoch, last, got[0].Epoch)
	}
}

func TestWhatCannotBePublishedLeavesAGap(t *testing.T) {
	in, out := sockets(t)
	events := startHub(t, in, out).subscribe(t, out, "")
	p := publisher(t, in, "manager", PublisherOptions{})
	p.Publish(StreamAlert, func() {})
	p.Publish(StreamAlert, engine.Alert{ID: 1})
	got := collect(t, events, func(all []Event) bool { return len(all) == 1 })
	if got[0].Seq != 2 {
		t.Errorf("got number %d, want 2", got[0].Seq)
	}
}

func TestHeartbeatsSayHowFarTheOtherStreamsHaveCome(t *testing.T) {
	in, out := sockets(t)
	events := startHub(t, in, out).subscribe(t, out, StreamDaemon)
	p := publisher(t, in, "manager", PublisherOptions{})
	p.Publish(StreamLaunch, []launch.Launch{})
	p.Publish(StreamLaunch, []launch.Launch{})
	p.Publish(StreamDaemon, Heartbeat{Name: "manager"})
	got := collect(t, events, func(all []Event) bool { return len(all) == 1 })
	if diff := cmp.Diff(got[0].Last, map[string]uint64{StreamLaunch: 2}); diff != "" {
		t.Errorf("got (-) want (+):\n%s", diff)
	}
}

func FuzzEncodedEventsAreJSON(f *testing.F) {
	f.Add("manager", "log.a\"b.INFO", "é\n")
	f.Fuzz(func(t *testing.T, source, topic, body string) {
		p := &Publisher{o: PublisherOptions{Now: time.Now}, source: source, epoch: newEpoch(time.Now()), seq: map[string]uint64{}}
		text, _ := json.Marshal(body)
		p.enqueue(topic, text)
		sent := append(p.state.take(1), p.lines.take(1)...)
		e, err := parse(sent[0])
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := e.Decode(&got); err != nil || e.Topic != topic || e.Seq != 1 {
			t.Errorf("got %q on %q, number %d, error %v; want %q on %q, number 1", got, e.Topic, e.Seq, err, body, topic)
		}
	})
}

func BenchmarkPublishALaunchEvent(b *testing.B) {
	in, out := sockets(b)
	startHub(b, in, out)
	p := publisher(b, in, "manager", PublisherOptions{})
	now := time.Now()
	l := []launch.Launch{{ID: 17, NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Args: []string{"nemo", "forecast", "--run-date", "2031-05-17"}, Host: launch.Localhost},
		Argv: []string{"/usr/bin/python3", "-m", "nowcast.workers.make_plots", "/etc/nowcast.yaml"}, State: launch.Running, Cause: "watch_NEMO: success forecast", Decided: now, Started: &now, PID: 4711}}
	b.ReportAllocs()
	for b.Loop() {
		p.Publish(StreamLaunch, l)
	}
}

func BenchmarkPublishALogLine(b *testing.B) {
	in, out := sockets(b)
	startHub(b, in, out)
	p := publisher(b, in, "manager", PublisherOptions{})
	r := LogRecord{Name: "manager", Message: "received message from make_plots: (success nemo forecast) plots finished", Host: "salish", PID: 4711}
	b.ReportAllocs()
	for b.Loop() {
		r.Time = time.Now()
		p.Log(r)
	}
}

func BenchmarkAShortLife(b *testing.B) {
	in, out := sockets(b)
	startHub(b, in, out)
	for b.Loop() {
		p := publisher(b, in, "sleep", PublisherOptions{})
		p.Log(LogRecord{Time: time.Now(), Name: "sleep", Message: "last words"})
		p.Close()
	}
}
