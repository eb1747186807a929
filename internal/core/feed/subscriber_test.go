package feed

import (
	"context"
	"fmt"
	"testing"

	"nowcast/internal/core/wire"
)

func sent(seq uint64) wire.Frames {
	return wire.Frames{[]byte(StreamAlert), fmt.Appendf(nil, `{"source":"s","stream":"alert","epoch":"A","seq":%d,"body":1}`, seq)}
}

func TestASlowReaderGetsTheNewestEventsAndSeesTheGap(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in, out := make(chan []wire.Frames), make(chan []Event)
	done := make(chan struct{})
	go func() { pump(ctx, in, out); close(done) }()
	const extra = 100
	for seq := range uint64(maxWaiting + extra) {
		in <- []wire.Frames{sent(seq + 1)} // never held back, though nobody reads
	}
	got := <-out
	if len(got) != maxWaiting || got[0].Seq != extra+1 || got[len(got)-1].Seq != maxWaiting+extra {
		t.Errorf("got %d events from %d to %d, want %d from %d to %d",
			len(got), got[0].Seq, got[len(got)-1].Seq, maxWaiting, extra+1, maxWaiting+extra)
	}
	in <- []wire.Frames{sent(7)}
	if got := <-out; len(got) != 1 || got[0].Seq != 7 {
		t.Errorf("got %v, want only the new event", got)
	}
	cancel()
	<-done
}

func TestASlowReaderOfLargeEventsUsesBoundedMemory(t *testing.T) {
	var w waiting
	for range 100 {
		w.push(Event{Body: make([]byte, 1<<20)})
	}
	if w.bytes > maxWaitingBytes || len(w.events) > 32 {
		t.Errorf("got %d events of %d bytes, want at most %d bytes", len(w.events), w.bytes, maxWaitingBytes)
	}
	w.push(Event{Body: make([]byte, 2*maxWaitingBytes)})
	if len(w.events) != 1 {
		t.Errorf("got %d events, want the one that is larger than the bound", len(w.events))
	}
}

func TestGarbageOnTheFeedIsPassedOver(t *testing.T) {
	in, out := sockets(t)
	h := startHub(t, in, out)
	events := h.subscribe(t, out, "")
	h.out.Send(wire.Frames{[]byte("alert")}, wire.Frames{[]byte("alert"), []byte("{")}, wire.Frames{[]byte("a"), []byte("b"), []byte("c")}, sent(1))
	got := collect(t, events, func(all []Event) bool { return len(all) > 0 })
	if len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("got %v, want the one good event", got)
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	_, out := sockets(t)
	ctx, cancel := context.WithCancel(context.Background())
	events, err := Subscribe(ctx, out, []string{StreamAlert})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if batch, ok := <-events; ok {
		t.Errorf("got %v, want a closed channel", batch)
	}
	if _, err := Subscribe(ctx, "nonsense", nil); err == nil {
		t.Error("got no error for an endpoint that is none")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("alert"), []byte(`{"source":"s","stream":"alert","epoch":"A","seq":1,"body":{"id":1}}`))
	f.Add([]byte("log.a.INFO"), []byte(`{"source":"s","stream":"log","epoch":"A","seq":1,"body":[{"time":"2031-05-17T05:40:00Z"}]}`))
	f.Add([]byte("checklist"), []byte(`{"source":"manager","stream":"checklist","epoch":"A","seq":1,"body":[{"op":"set","yaml":"a: 1"}]}`))
	f.Add([]byte("daemon"), []byte(`{"source":"manager","stream":"daemon","epoch":"A","seq":1,"last":{"launch":3},"body":{"name":"x"}}`))
	f.Fuzz(func(t *testing.T, topic, body []byte) {
		e, err := parse(wire.Frames{topic, body})
		if err != nil {
			return
		}
		m := NewMirror(MirrorOptions{})
		if err := m.SetSnapshot(Snapshot{Source: SourceManager, Epoch: "A", Seq: map[string]uint64{}}); err != nil {
			t.Fatal(err)
		}
		m.Apply([]Event{e, e})
		for _, l := range m.Launches() {
			if got, ok := m.Launch(l.ID); !ok || got != l {
				t.Errorf("launch %d: got %v by its number, want %v", l.ID, got, l)
			}
		}
	})
}
