package daemon

import (
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/feed"
)

// published collects heartbeats.
type published struct {
	mu    sync.Mutex
	beats []feed.Heartbeat
}

func (p *published) publish(topic string, body any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if topic != feed.StreamDaemon {
		panic("published on " + topic)
	}
	p.beats = append(p.beats, body.(feed.Heartbeat))
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
		beat := feed.Heartbeat{Name: "manager", Host: host, PID: os.Getpid(), Started: time.Now().UTC(), Every: Every}
		stopped := beat
		stopped.Stopped = true

		b := Heartbeats("manager", p.publish, time.Now)
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
