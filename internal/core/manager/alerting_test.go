package manager

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

func TestNoAlertIsEndedBecauseThereAreTooMany(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.stop()
		m, turn := s.Manager, s.turn()
		for i := range mostOpen + 11 {
			m.raise(turn, engine.Alert{Key: fmt.Sprint("key ", i), Kind: "worker lost", Message: fmt.Sprint("alert ", i)})
		}
		if a := m.openAlert("key 0"); a == nil {
			t.Error("the oldest was ended though its cause lasts")
		}
		a := m.openAlert(manyKey("worker lost"))
		if a == nil || a.Count != 11 || !strings.Contains(a.Message, "The newest: alert 1010") {
			t.Fatalf("got %+v, want one in which 11 are counted", a)
		}
		m.checkMany(turn)
		if m.openAlert(manyKey("worker lost")) == nil {
			t.Error("the count has ended though there is no room")
		}
		for i := range mostOpen / 2 {
			m.settle(turn, fmt.Sprint("key ", i), "over")
		}
		m.checkMany(turn)
		if m.openAlert(manyKey("worker lost")) != nil {
			t.Error("the count has not ended though there is room")
		}
	})
}

func TestAnAlertAboutAMillionArgumentsCanBeRead(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.stop()
		one := &launch.Launch{ID: 1, State: launch.Crashed, NextWorker: launch.NextWorker{Module: "w.awaken", Host: launch.Localhost, Args: strings.Split(strings.Repeat("Größe ", 1_000_000), " ")}}
		two := one.Clone()
		two.Args = append(two.Args[:len(two.Args):len(two.Args)], "other")
		turn := s.turn()
		s.raise(turn, s.Manager.ended(one, ""))
		s.raise(turn, s.Manager.ended(two, ""))
		a, b := s.openAlert(launchKey(one)), s.openAlert(launchKey(two))
		if a == nil || b == nil || a.ID == b.ID {
			t.Fatalf("got alerts %v and %v, want one for each", a, b)
		}
		if len(a.Message) > engine.LongestAlert || len(a.Key) > 2<<10 || !utf8.ValidString(a.Message+a.Key) || !strings.Contains(a.Message, "bytes more)") {
			t.Errorf("got %d bytes, key %d bytes: %.300s", len(a.Message), len(a.Key), a.Message)
		}
	})
}

func TestAStartThatHangsIsOnTheScreen(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.processes.gate = make(chan struct{})
		hangs := s.launch("w.awaken")
		waits := s.launch("w.awaken", "second")
		s.wants(waits, launch.Starting)
		s.wantsNoAlert(startHangs)
		s.pass(slowStart)
		s.wantsAlert(startHangs, "launches wait", "nothing is launched since ")
		if r := s.do("kill", `{"launch":1,"signal":"TERM"}`); !strings.Contains(r.Error, "it is being started since") {
			t.Errorf("got %+v, want what hangs", r)
		}
		if r := s.do("kill", `{"launch":2,"signal":"TERM"}`); !r.OK {
			t.Errorf("got %+v, want it called off", r)
		}
		s.wants(waits, launch.Killed)
		s.processes.gate <- struct{}{}
		s.pass(time.Second)
		s.wants(hangs, launch.Running)
		s.wantsNoAlert(startHangs)
		if n := s.count("start w.awaken second"); n != 0 {
			t.Error("what was called off was started")
		}
	})
}

// With 10,000 that wait, a message would cost milliseconds.
func TestWhatMustWaitIsNotLookedAtWithEachMessage(t *testing.T) {
	play(t, config.Policy{Concurrency: 1}, func(t *testing.T, s *scene) {
		const n = 100
		for range n {
			s.ask(report("sleep", nil))
		}
		s.pass(time.Millisecond)
		if s.looked > 4*n {
			t.Errorf("it was looked %d times at %d launches, want a few times at each", s.looked, n)
		}
		before := s.looked
		for range n {
			s.ask(report("a", nil))
		}
		s.pass(time.Millisecond)
		if s.looked != before {
			t.Errorf("messages that change nothing for them had them looked at %d times", s.looked-before)
		}
		s.succeeds(1)
		s.pass(time.Millisecond)
		s.wants(2, launch.Running)
		s.wants(3, launch.Decided)
	})
}
