package daemon

import (
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// published collects heartbeats, and alerts.
type published struct {
	mu     sync.Mutex
	beats  []feed.Heartbeat
	alerts []engine.Alert
}

func (p *published) publish(topic string, body any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch topic {
	case feed.StreamDaemon:
		p.beats = append(p.beats, body.(feed.Heartbeat))
	case feed.StreamAlert:
		p.alerts = append(p.alerts, body.(engine.Alert))
	default:
		panic("published on " + topic)
	}
}

func (p *published) all() []feed.Heartbeat {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]feed.Heartbeat(nil), p.beats...)
}

func TestHeartbeatsComeAtOnceThenRegularlyAndTheLastSaysThatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		var p published
		beat := feed.Heartbeat{Name: "manager", Host: host, PID: os.Getpid(), Started: time.Now().UTC(), Every: Every, Standby: "of opal"}
		stopped := beat
		stopped.Stopped = true

		b := Heartbeats("manager", NewAlerts(p.publish, time.Now), func(h *feed.Heartbeat) { h.Standby = "of opal" })
		if diff := cmp.Diff([]feed.Heartbeat{beat}, p.all()); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}
		time.Sleep(2*Every + Every/2)
		synctest.Wait()
		if diff := cmp.Diff([]feed.Heartbeat{beat, beat, beat}, p.all()); diff != "" {
			t.Errorf("after two and a half intervals (-want +got):\n%s", diff)
		}
		b.Stop()
		if diff := cmp.Diff([]feed.Heartbeat{beat, beat, beat, stopped}, p.all()); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
		time.Sleep(10 * Every)
		if got := len(p.all()); got != 4 {
			t.Errorf("got %d heartbeats after the end, want 4", got)
		}
	})
}

func TestAnAlertIsToldAtOnceAndInEveryHeartbeatUntilAMinuteAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		s := NewAlerts(p.publish, time.Now)
		b := Heartbeats("manager", s, nil)
		defer b.Stop()
		began := time.Now().UTC()
		s.Raise(engine.Alert{Key: "disk", Kind: "disk", Message: "full"})
		time.Sleep(time.Second)
		s.Raise(engine.Alert{Key: "disk", Kind: "disk", Message: "full"}) // nothing new: with the next heartbeat
		again := time.Now().UTC()
		s.Raise(engine.Alert{Key: "disk", Kind: "disk", Message: "fuller"})
		time.Sleep(4 * time.Second)
		s.End("disk", "there is room")
		s.End("disk", "there is room") // has ended
		s.End("other", "never began")
		ended := time.Now().UTC()

		open := engine.Alert{Key: "disk", Kind: "disk", Message: "full", Time: began}
		more := engine.Alert{Key: "disk", Kind: "disk", Message: "fuller", Time: began, Count: 3, Last: &again}
		over := more
		over.Ended, over.End = &ended, "there is room"
		if diff := cmp.Diff([]engine.Alert{open, more, over}, p.alerts); diff != "" {
			t.Errorf("told at once (-want +got):\n%s", diff)
		}
		synctest.Wait()
		beats := p.all()
		if diff := cmp.Diff([]engine.Alert{more}, beats[len(beats)-1].Alerts); diff != "" {
			t.Errorf("with a heartbeat while it lasts (-want +got):\n%s", diff)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		beats = p.all()
		if diff := cmp.Diff([]engine.Alert{over}, beats[len(beats)-1].Alerts); diff != "" {
			t.Errorf("with a heartbeat just after its end (-want +got):\n%s", diff)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		beats = p.all()
		if got := beats[len(beats)-1].Alerts; len(got) != 0 {
			t.Errorf("long after its end: got %+v", got)
		}
		if _, open := s.Open("disk"); open {
			t.Error("it is open")
		}
	})
}

func TestThereAreNeverMoreAlertsThanReadersCanTake(t *testing.T) {
	var p published
	s := NewAlerts(p.publish, time.Now)
	name := func(i int) string { return time.Duration(i).String() }
	s.Raise(engine.Alert{Key: "first"})
	for i := range mostOpen + 2*keepOver {
		s.Raise(engine.Alert{Key: name(i)})
		if i < 2*keepOver {
			s.End(name(i), "it is well")
		}
	}
	if _, open := s.Open("first"); open {
		t.Error("the oldest one that is open has not gone")
	}
	last := p.alerts[len(p.alerts)-1]
	if last.Key != "first" || last.Open() || last.End != engine.EndTooMany {
		t.Errorf("nobody was told that the oldest one has gone: %+v", last)
	}
	open, over := 0, 0
	for _, a := range s.All() {
		if a.Open() {
			open++
		} else {
			over++
		}
	}
	if open != mostOpen || over != keepOver {
		t.Errorf("got %d open and %d that are over, want %d and %d", open, over, mostOpen, keepOver)
	}
}

func TestTheTextOfAnAlertIsCut(t *testing.T) {
	var p published
	s := NewAlerts(p.publish, time.Now)
	s.Raise(engine.Alert{Key: "k", Message: strings.Repeat("é", 1<<20)})
	s.End("k", strings.Repeat("x", 1<<20))
	if a := p.alerts[1]; len(a.Message) > engine.LongestAlert || len(a.End) > engine.LongestAlert {
		t.Errorf("got texts of %d and %d bytes", len(a.Message), len(a.End))
	}
}
