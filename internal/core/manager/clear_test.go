package manager

import (
	"fmt"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

var clearMessage = message.Message{Source: "a", Type: message.TypeClear}

// send sends a request without waiting for the reply.
func (s *scene) send(client string, m message.Message) {
	s.line.in <- []wire.Frames{{[]byte(client), nil, m.Encode()}}
	s.pass(time.Millisecond)
}

func (s *scene) answered() string {
	select {
	case m := <-s.line.out:
		return m.Type
	default:
		return ""
	}
}

func TestClearingIsHeldWhileOthersRun(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.ask(report("sleep", "mine")) // launches awaken
		s.launch("w.a")
		s.send("a", clearMessage)
		if got := s.answered(); got != "" {
			t.Fatalf("it was answered %q", got)
		}
		s.wantsAlert(clearKey, "clear checklist waits", "awaken (launch 1)")
		if got := s.ask(message.Message{Source: "b", Type: "need", Payload: "sleep key"}); got.Payload != "mine" {
			t.Errorf("other messages go on: got %+v", got)
		}
		s.send("a again", clearMessage)
		stored := len(s.store.messages)
		s.succeeds2(1)
		if got := s.answered() + s.answered(); got != "checklist cleared"+"checklist cleared" {
			t.Errorf("got %q", got)
		}
		if len(s.store.messages) != stored+3 {
			t.Errorf("got %d messages, want %d", len(s.store.messages), stored+3)
		}
		s.wantsNoAlert(clearKey)
	})
}

// succeeds2 is succeeds without waiting for an answer in order.
func (s *scene) succeeds2(id int64) {
	l := s.store.launch(id)
	s.send("w", message.Message{Source: l.Name(), Type: "success", Launch: id})
	if got := s.answered(); got != message.Ack {
		s.t.Errorf("got answer %q", got)
	}
	s.exits(id, 0)
}

func TestOfAHeldMessageThatComesAgainTheNewestConnectionIsAnswered(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		m := clearMessage
		m.ID = "same"
		s.send("old connection", m)
		s.send("new connection", m)
		s.succeeds2(1)
		if got := s.answered(); got != message.ChecklistCleared || s.answered() != "" {
			t.Errorf("got %q, or more than that", got)
		}
		if s.count("reply checklist cleared to new connection") != 1 {
			t.Errorf("got %q", s.all())
		}
	})
}

// The broker has room for so many requests that are not answered.
func TestARequestThatAnotherStandsInForIsGivenBack(t *testing.T) {
	w := newWorld(t)
	w.config.Clear = config.ClearHold
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the start", w.launchIs(1, launch.Running))
	m := clearMessage
	m.ID = "same"
	for number := range uint64(3) {
		w.hand(wire.Frames{[]byte("1"), ticket(number, 0, ""), []byte("client"), nil, m.Encode()})
	}
	w.eventually("the earlier ones are given back", func() bool { return w.count("let go of request 0") == 1 && w.count("let go of request 1") == 1 })
	if n := w.count("let go"); n != 2 {
		t.Errorf("%d are given back, want 2: the newest waits", n)
	}
}

func TestClearingIsReleasedByAnotherPolicy(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.launch("w.awaken")
		s.send("a", clearMessage)
		s.config.Clear = config.ClearAllow
		s.reload()
		if got := s.answered(); got != message.ChecklistCleared {
			t.Errorf("got %q", got)
		}
		s.wantsNoAlert(clearKey)
	})
}

func TestClearingIsRefused(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.config.Clear = config.ClearRefuse
		s.reload()
		s.ask(report("sleep", "mine"))
		if got := s.ask(clearMessage).Type; got != message.Ack {
			t.Errorf("got %q, want what every worker knows", got)
		}
		if got := s.ask(message.Message{Source: "b", Type: "need", Payload: "sleep key"}); got.Payload != "mine" {
			t.Errorf("got %+v", got)
		}
		s.wantsAlert(clearKey, "clear checklist refused", "these run: awaken (launch 1)")
		if !s.logs.has("ERROR the checklist is not cleared for a") {
			t.Errorf("got log %q", s.logs.text)
		}
		s.succeeds(1)
		if got := s.ask(clearMessage).Type; got != message.ChecklistCleared {
			t.Errorf("nobody runs: got %q", got)
		}
		s.wantsNoAlert(clearKey)
	})
}

func TestWhoAskedForClearingAndHasEndedGetsNothingCleared(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		s.ask(report("sleep", "mine"))
		id := s.launch("w.a")
		m := clearMessage
		m.Launch = id
		s.send("a", m)
		s.do(control.CmdKill, fmt.Sprintf(`{"launch": %d, "signal": "TERM"}`, id))
		s.processes.exits <- launch.Exit{ID: id, Time: time.Now(), Status: -1, Signal: "terminated"}
		s.pass(time.Millisecond)
		if got := s.answered(); got != message.Ack {
			t.Errorf("got %q", got)
		}
		s.succeeds(1)
		if got := s.ask(message.Message{Source: "b", Type: "need", Payload: "sleep key"}); got.Payload != "mine" {
			t.Errorf("the checklist was cleared: got %+v", got)
		}
		s.wantsNoAlert(clearKey)
	})
}
