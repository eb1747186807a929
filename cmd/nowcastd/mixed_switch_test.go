package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// TestABrokerIsReplacedUnderAPythonManager keeps the manager and a worker at work up. The worker reports while there is no
// broker at all.
func TestABrokerIsReplacedUnderAPythonManager(t *testing.T) {
	t.Parallel()
	s := newMixed(t, mixedLocalLogging)
	broker := s.broker(python)
	s.manager(python)
	for _, next := range []side{ours, python, ours} {
		s.work(ours, "awaken") // the manager is connected
		before := len(s.read("nowcast.log"))
		sign := filepath.Join(s.dir, "report")
		waiting := s.pythonWorker("waits", sign)
		s.logged(t, before, "INFO [waits] connected to")
		if err := broker.stop(); err != nil {
			t.Errorf("the broker before %s ended with %v\n%s", next, err, broker.output)
		}
		s.write("report", "")
		s.logged(t, before, "DEBUG [waits] sent message: (success)")
		broker = s.broker(next)
		if err := waiting.Wait(); err != nil {
			t.Errorf("the worker that waited for %s ended with %v\n%s", next, err, waiting.output)
		}
		s.logged(t, before, "DEBUG [manager] received message from waits: (success)")
		s.logged(t, before, "DEBUG [waits] received message from manager: (ack)")
		os.Remove(sign)
	}
}

// TestManagersTakeOverFromEachOther has the managers change while broker and a waiting worker stay up; the state of the day is
// what the one before left.
func TestManagersTakeOverFromEachOther(t *testing.T) {
	t.Parallel()
	s := newMixed(t, mixedLocalLogging)
	s.broker(ours)
	say := func(source string, payload pyyaml.Value) {
		t.Helper()
		if got := ask(t, s.requester(), message.Message{Source: source, Type: "success", Payload: payload}); got.Type != message.Ack {
			t.Errorf("%s: got the reply %+v, want ack", source, got)
		}
	}
	manager := s.manager(python)
	s.playChain(python)
	for i, next := range []side{ours, python, ours, python, ours} {
		before := len(s.read("nowcast.log"))
		if err := manager.stop(); err != nil {
			t.Errorf("the manager before %s ended with %v\n%s", next, err, manager.output)
		}
		want := s.safeLoad("checklist.yaml")
		sign := filepath.Join(s.dir, "report")
		s.write("report", "")
		waiting := s.pythonWorker("waits", sign)
		s.logged(t, before, "DEBUG [waits] sent message: (success)") // nobody hears it yet
		manager = s.manager(next)
		if err := waiting.Wait(); err != nil {
			t.Errorf("the worker that waited for %s ended with %v\n%s", next, err, waiting.output)
		}
		s.logged(t, before, "INFO [manager] checklist read from "+s.dir)
		if got := s.checklistRead(before); got != want {
			t.Errorf("manager %d, %s, took over\n%swant what the one before left:\n%s", i+1, next, got, want)
		}
		say("awaken", pyyaml.MapOf("awoke", fmt.Sprint(next, " ", i)))
		s.checklistFile(fmt.Sprintf("'awoke': '%s %d'", next, i))
	}
}

// checklistRead returns the checklist that the log shows as read, after the first so many bytes.
func (s *system) checklistRead(after int) string {
	for _, line := range s.lines(s.read("nowcast.log")[after:])["manager"] {
		if text, ok := strings.CutPrefix(line, "INFO checklist:\n"); ok {
			return text + "\n"
		}
	}
	return ""
}

// TestAShorterChecklistOfThePythonManagerIsTakenOver: it was cleared and filled again, and starts like the one that our
// manager left.
func TestAShorterChecklistOfThePythonManagerIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newMixed(t, mixedLocalLogging)
	s.broker(ours)
	manager := s.manager(ours)
	s.work(python, "awaken")
	s.playChain(python)
	manager.stop()
	manager = s.manager(python)
	s.work(python, "clear_checklist")
	s.work(python, "awaken")
	manager.stop()
	s.manager(ours)
	s.checklistHas(mapping(t, "awaken: {awoke: true}"))
}

func (s *system) checklistHas(want *pyyaml.Map) {
	s.t.Helper()
	if got := mapping(s.t, s.must("checklist", s.config)); !pyyaml.Equal(got, want) {
		s.t.Errorf("got the checklist\n%swant\n%s%s", pyyaml.Encode(got), pyyaml.Encode(want), s.read("nowcast.log"))
	}
}
