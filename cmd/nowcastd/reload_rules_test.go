package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// report has a worker report to the manager, which must acknowledge it.
func (s *system) report(worker, typ string, payload pyyaml.Value) {
	s.t.Helper()
	if got := ask(s.t, s.requester(), message.Message{Source: worker, Type: typ, Payload: payload}); got.Type != message.Ack {
		s.t.Errorf("%s %s: got the reply %+v, want ack", worker, typ, got)
	}
}

// retimed has the manager take over another time limit, and checks that it leaves the rules alone.
func (s *system) retimed(manager *child, limit string) {
	s.t.Helper()
	before := len(s.read("nowcast.log"))
	s.write("nowcast.yaml", s.read("nowcast.yaml")+"rule time limit: "+limit+"\n")
	hangup(manager)
	s.logged(s.t, before, "[manager] configuration reloaded")
	if log := s.read("nowcast.log")[before:]; strings.Contains(log, "module loaded") {
		s.t.Errorf("got the log\n%s\nwant the rules that were loaded before", log)
	}
}

func TestAnotherTimeLimitHoldsForTheRulesInUse(t *testing.T) {
	t.Run("in Python", func(t *testing.T) {
		s := newPython(t, "")
		s.start("broker")
		manager, r := s.start("manager"), s.rulesProcess()
		s.retimed(manager, "300 ms")
		if !running(r) {
			t.Error("the process that ran the rules is gone")
		}
		s.report("evil", "success", "hang")
		s.logged(t, 0, "CRITICAL", "after_evil", "took longer than the limit of 300ms")
	})
	t.Run("in Starlark", func(t *testing.T) {
		s := newAny(t)
		s.write("next_workers.star", "def after_any(msg, config, checklist):\n    while True:\n        pass\n")
		s.start("broker")
		s.retimed(s.start("manager"), "20 ms")
		s.report("any", "success", nil)
		s.logged(t, 0, "CRITICAL", "after_any", "it took longer than the limit of 20ms")
	})
}

func TestAnotherInterpreterTakesOverTheRules(t *testing.T) {
	s := newPython(t, "")
	s.start("broker")
	manager, first := s.start("manager"), s.rulesProcess()
	s.report("weather", "success", mapping(t, "{run date: 2031-05-17, forecast: '06'}"))
	s.report("forcing", "success", mapping(t, "{files: 3}"))
	good, other := s.read("nowcast.yaml"), filepath.Join(s.dir, "python")

	s.write("nowcast.yaml", strings.Replace(good, "/usr/bin/python3", other, 1))
	before := len(s.read("nowcast.log"))
	hangup(manager)
	s.logged(t, before, "ERROR", "the configuration in use stays in use", other+" cannot be started")
	if !running(first) {
		t.Error("the process that ran the rules is gone, and there is no other")
	}

	if err := os.Symlink("/usr/bin/python3", other); err != nil {
		t.Fatal(err)
	}
	hangup(manager)
	s.logged(t, before, "[manager] configuration reloaded")
	s.eventually("the end of the interpreter before", func() bool { return !running(first) })
	argv, err := os.ReadFile("/proc/" + strconv.Itoa(s.rulesProcess()) + "/cmdline")
	if err != nil || !strings.HasPrefix(string(argv), other+"\x00") {
		t.Errorf("got the command %q, %v, want %s", argv, err, other)
	}
	s.report("runoff", "success", nil)
	s.launchedAfter(2, "model 2031-05-17T06:00:00 36 3") // dates of the checklist, which the other has as well
}
