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
		s.sees("manager silent for", "what you see is as of 05:41:07")
	}
	s.beat(time.Second)
	s.seesNot("as of", "silent")
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

func TestAlertsAreShownUntilTheyAreHidden(t *testing.T) {
	s := openMorning(t, 160, 30)
	alert := func(id int64, text string) feed.Event {
		return s.event(feed.StreamAlert, engine.Alert{ID: id, Time: s.now, Kind: "late", Message: text})
	}
	s.frame(time.Second, alert(2, "run_NEMO is late"), alert(3, "make_plots is late"))
	s.sees("make_plots is late", "a all 3")
	s.press("a")
	s.sees("3 alerts, newest first", "make_plots is late", "run_NEMO is late", `key "forecast2" not in dict`)
	s.press("esc")
	s.sees("make_plots is late", "a all 3")
	s.press("a", "a")
	s.seesNot("is late", "alert")
	s.frame(time.Second, alert(4, "ping_erddap is late"))
	s.sees("ping_erddap is late", "a in full")
	s.seesNot("a all")
}

// What is wrong with a launch stands once on each page, and nowhere any more when it was repeated.
func TestHidingAnAlertWithoutANumberHidesNoLaterOne(t *testing.T) {
	s := openMorning(t, 160, 30)
	trouble := func(text string) feed.Event {
		return s.event(feed.StreamAlert, engine.Alert{Time: s.now, Kind: "store", Message: text})
	}
	s.frame(time.Second, trouble("the disk is full"))
	s.sees("the disk is full")
	s.press("a", "a")
	s.seesNot("the disk is full")
	s.frame(time.Second, trouble("the disk is gone"))
	s.sees("the disk is gone")
	s.seesNot("the disk is full")
}

func TestAnAlertAboutALaunchEndsWithItsRepetition(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.press("a", "a")
	s.frame(time.Second, s.event(feed.StreamAlert, engine.Alert{
		ID: 2, Time: s.now, Kind: "worker crashed", Message: "nowcast.workers.make_plots nemo: exited", Offer: "relaunch", Args: []byte(`{"launch":5}`),
	}))
	s.sees("1 failed", "✗ crashed   make_plots")
	s.seesNot("worker crashed")
	for _, page := range []string{"2", "3"} {
		s.press(page)
		s.sees("1 failed", "worker crashed: nowcast.workers.make_plots", "g relaunch 5")
	}
	s.frame(time.Second, s.event(feed.StreamLaunch, []launch.Launch{{
		ID: 8, NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Host: "localhost"}, State: launch.Running, Decided: s.now, Parent: 5, Cause: "relaunch of 5 by sue",
	}}))
	s.sees("0 failed")
	s.seesNot("worker crashed")
	s.press("1")
	s.sees("✗ crashed ↻ make_plots", "relaunched as 8, which is")
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
