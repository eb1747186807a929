package tui

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/widget"
)

// asks returns the questions to daemons that a frame leads to.
func (s *scene) asks(d time.Duration, events ...feed.Event) (snapshots, histories int) {
	s.now = s.now.Add(d)
	var count func(cmd tea.Cmd)
	count = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				count(c)
			}
		case link.Snapshot:
			snapshots++
		case link.History:
			histories++
		}
	}
	count(s.m.frame(link.Frame{Now: s.now, Events: events}))
	return snapshots, histories
}

func TestTheConsoleAsksUntilItIsAnswered(t *testing.T) {
	s := newScene(t, 100, 30)
	if snapshots, histories := s.asks(0); snapshots != 1 || histories != 1 {
		t.Fatalf("at first it asks for %d snapshots and %d histories, want one each", snapshots, histories)
	}
	if snapshots, _ := s.asks(10 * time.Second); snapshots != 0 {
		t.Errorf("it asks again before the answer")
	}
	s.m.Update(link.Snapshot{Source: link.Manager, Err: errors.New("no manager is connected")})
	if snapshots, _ := s.asks(500 * time.Millisecond); snapshots != 0 {
		t.Errorf("it asks again half a second after an error")
	}
	s.sees("not connected: no manager is connected")
	if snapshots, _ := s.asks(time.Second); snapshots != 1 {
		t.Errorf("it does not ask again a second after an error")
	}
	s.snapshot(morning())
	s.seesNot("no manager is connected")
	if snapshots, _ := s.asks(10 * time.Second); snapshots != 0 {
		t.Errorf("it asks for a snapshot that it has")
	}
}

func TestAGapLeadsToANewSnapshot(t *testing.T) {
	s := openMorning(t, 100, 30)
	s.seq[feed.StreamLaunch] += 3 // lost
	if snapshots, _ := s.asks(time.Second, s.event(feed.StreamLaunch, []launch.Launch{})); snapshots != 1 {
		t.Error("after a gap it does not ask for a snapshot")
	}
}

func TestANewManagerLeadsToANewSnapshot(t *testing.T) {
	s := openMorning(t, 100, 30)
	s.epoch, s.seq = "two", map[string]uint64{}
	if snapshots, _ := s.asks(time.Second, s.event(feed.StreamLaunch, []launch.Launch{})); snapshots != 1 {
		t.Error("after a restart of the manager it does not ask for a snapshot")
	}
}

func TestOldDataIsMarkedUntilTheManagerIsHeardAgain(t *testing.T) {
	s := openMorning(t, 120, 30)
	s.seesNot("as of")
	for _, page := range []string{"1", "2", "3"} {
		s.press(page)
		s.frame(10 * time.Second)
		s.sees("nothing came through the message broker for", "what you see is as of 05:41:07")
	}
	s.beat(time.Second)
	s.seesNot("as of", "silent")
}

// A broker that hangs or was killed is not blamed on the manager, nor on the alerter, and a manager not on the broker.
func TestItIsSaidWhoIsSilent(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.alerter(0, feed.Heartbeat{})
	for range 5 {
		e := s.event(feed.StreamDaemon, feed.Heartbeat{Name: link.Broker, Host: "salish", PID: 100, Every: 2 * time.Second})
		e.Source = link.Broker
		s.frame(2*time.Second, e)
	}
	s.sees("manager silent for 10 s", "alerter silent for 10 s, nobody outside is told")
	s.seesNot("nothing came")
	s.frame(7 * time.Second)
	s.sees("nothing came through the message broker for 7 s: it was killed or hangs (kill -9 100; nowcastd up starts it again): what you see is as of 05:41:07")
	s.seesNot("manager silent for", "alerter silent for")
}

func TestEveryPageSaysThatThereIsNoAlerter(t *testing.T) {
	s := openMorning(t, 80, 24)
	s.beat(5 * time.Second)
	for _, page := range []string{"1", "2", "3"} {
		s.press(page)
		s.sees("! no alerter is heard, nobody outside is told; `nowcastd up` runs one")
	}
}

func TestAnAlertOfSeveralLinesIsShownInOne(t *testing.T) {
	for _, width := range []int{80, 200} {
		s := openMorning(t, width, 30)
		s.frame(6*time.Second, s.event(feed.StreamAlert, engine.Alert{ID: 9, Time: s.now, Kind: "not reloaded", Key: "not reloaded", Message: "alerter: nowcast.yaml:3: zmq:\nno mapping"}))
		s.sees("alerter: nowcast.yaml:3: zmq:; no mapping")
		s.seesNot("^J")
		s.press("5")
		s.sees("alerter: nowcast.yaml:3: zmq:; no mapping")
		s.seesNot("^J")
	}
}

func TestAStoppedManagerIsShownAsStopped(t *testing.T) {
	s := openMorning(t, 120, 30)
	s.frame(time.Second, s.event(feed.StreamDaemon, feed.Heartbeat{
		Name: link.Manager, Host: "salish", PID: 101, Started: dawn.Add(-time.Hour), Every: 2 * time.Second, Stopped: true,
	}))
	s.frame(time.Hour)
	s.sees("manager stopped", "manager has stopped: what you see is as of 05:41:08")
}

func TestALostSocketIsNamed(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.m.Update(link.Frame{Now: s.now.Add(time.Second), Missing: "/run/nowcast/feed.sock"})
	s.sees("not connected: /run/nowcast/feed.sock does not exist", "what you see is as of 05:41:07")
}

func TestMissingHistoryIsSaidOnTheLogPage(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.m.Update(link.History{Err: errors.New("no log_aggregator is connected")})
	s.seesNot("no log_aggregator")
	s.press("3")
	s.sees("older log lines are missing here, live ones are not: no log_aggregator is connected")
	s.m.Update(link.History{})
	s.seesNot("no log_aggregator")
}

// What the daemons say of themselves stands on every page, and how old it is.
func TestWorkersThatWaitAndAManagerThatStandsByAreSaid(t *testing.T) {
	s := openMorning(t, 100, 30)
	since := s.now.Add(-10 * time.Minute)
	broker := func(w *feed.Waiting) feed.Event {
		e := s.event(feed.StreamDaemon, feed.Heartbeat{Name: "message_broker", Host: "salish", PID: 100, Started: dawn.Add(-time.Hour), Every: 2 * time.Second, Waiting: w})
		e.Source = "message_broker"
		return e
	}
	s.frame(time.Second, broker(&feed.Waiting{Requests: 12, Since: since}))
	for _, page := range []string{"1", "2", "3", "4", "5"} {
		s.press(page)
		s.sees("12 requests wait since 05:31:07: no manager is connected")
	}
	s.frame(time.Second, broker(&feed.Waiting{Requests: 1, Since: since, Managers: 1}))
	s.sees("1 request waits since 05:31:07: the manager has not answered them")
	s.frame(20 * time.Second)
	s.sees("the manager is silent, as of 05:41:09")
	s.frame(time.Second, broker(&feed.Waiting{Requests: 1, Since: s.now, Managers: 1}))
	s.seesNot("wait since", "waits since")
	s.frame(time.Second, s.event(feed.StreamDaemon, feed.Heartbeat{
		Name: link.Manager, Host: "salish", PID: 101, Started: dawn.Add(-time.Hour), Every: 2 * time.Second, Standby: "nemo1 pid 4711",
	}))
	s.sees("manager: standing by for nemo1 pid 4711", "so nothing is launched from here")
	s.frame(time.Second, s.event(feed.StreamDaemon, feed.Heartbeat{
		Name: link.Manager, Host: "salish", PID: 101, Started: dawn.Add(-time.Hour), Every: 2 * time.Second, Standby: "nemo1 pid 4711", Stopped: true,
	}))
	s.beat(time.Second) // it has taken over
	s.seesNot("standby", "standing by", "nothing is launched")
}

// What the buffer shows is what the mirror has, whatever comes late and whatever is asked back.
func TestTheLogBufferIsAlwaysTheMirrorsLog(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		now := dawn
		mirror := feed.NewMirror(feed.MirrorOptions{Logs: 100, Now: func() time.Time { return now }})
		buf := widget.NewLogBuffer(100)
		var total uint64
		seq := map[string]uint64{}
		for range 100 {
			name := fmt.Sprint("w", r.IntN(3))
			seq[name]++
			var records []feed.LogRecord
			for range r.IntN(6) {
				now = now.Add(time.Duration(r.IntN(20)) * time.Millisecond)
				records = append(records, feed.LogRecord{Time: now.Add(-time.Duration(r.IntN(30)) * time.Millisecond), Name: name, Message: fmt.Sprint(now.UnixNano())})
			}
			if r.IntN(20) == 0 {
				mirror.AddHistory(records)
			} else {
				s := &scene{t: t}
				e := feed.Event{Source: name, Stream: feed.StreamLog, Epoch: "e", Seq: seq[name], Body: s.body(records)}
				mirror.Apply([]feed.Event{e})
			}
			total = syncLogs(buf, mirror.Logs(), mirror.LogTotal(), total)
			for i, rec := range mirror.Logs() {
				if buf.Len() != len(mirror.Logs()) {
					t.Fatalf("the buffer has %d lines, want %d", buf.Len(), len(mirror.Logs()))
				}
				if got := buf.At(buf.First() + uint64(i)); got.Text != rec.Message {
					t.Fatalf("line %d is %q, want %q", i, got.Text, rec.Message)
				}
			}
		}
	}
}
