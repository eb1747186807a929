package main

import (
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/message"
)

// launches is a rules file that launches one worker after any.
func launches(argument string) string {
	return "def after_any(msg, config, checklist):\n    return [NextWorker(\"any\", [\"true\", \"" + argument + "\"])] if msg.payload else []\n"
}

func TestRulesAreReloadedWhenTheyChange(t *testing.T) {
	s := newAny(t)
	s.write("next_workers.star", launches("one"))
	s.start("broker")
	s.start("manager")
	r := s.requester()
	launched := func(want string) {
		t.Helper()
		if got := ask(t, r, message.Message{Source: "any", Type: "success", Payload: true}); got.Type != message.Ack {
			t.Errorf("got the reply %+v, want ack", got)
		}
		all := s.status().Launches
		if got := all[len(all)-1].Args[1]; got != want {
			t.Errorf("got a launch with %q, want %q", got, want)
		}
	}
	launched("one")
	s.write("next_workers.star", launches("two")) // of the same size, and at once
	launched("two")

	before := len(s.read("nowcast.log"))
	s.write("next_workers.star", launches("three")+"\ndef after_sleep(msg config, checklist):\n    return []\n")
	launched("two")
	launched("two")
	s.logged(t, before, "ERROR", "[manager]", "next_workers.star:4:", "the rules loaded before stay in use")
	if n := strings.Count(s.read("nowcast.log")[before:], "stay in use"); n != 1 {
		t.Errorf("the mistake was logged %d times, want once", n)
	}
	if a := alerts(s.status(), "rules not loaded"); len(a) != 1 || !strings.Contains(a[0], "next_workers.star:4:") {
		t.Errorf("got the alerts %q, want one that names the line", a)
	}
	s.write("next_workers.star", "after_any = 1 // 0\n")
	launched("two")
	s.logged(t, before, "ERROR", "next_workers.star:1:", "division by zero")

	before = len(s.read("nowcast.log"))
	s.write("next_workers.star", launches("four"))
	launched("four")
	s.logged(t, before, "INFO", "next workers module loaded from ", "next_workers.star")
}

func alerts(s feed.Snapshot, kind string) (texts []string) {
	for _, a := range s.Alerts {
		if a.Kind == kind {
			texts = append(texts, a.Message)
		}
	}
	return texts
}

func TestTheConfigurationIsReloadedOnSIGHUP(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	r := s.requester()
	reply := func(want string) {
		t.Helper()
		if got := ask(t, r, message.Message{Source: "newcomer", Type: "success"}); got.Type != want {
			t.Errorf("got the reply %q, want %q", got.Type, want)
		}
	}
	hangup := func(yaml string, texts ...string) {
		t.Helper()
		before := len(s.read("nowcast.log"))
		s.write("nowcast.yaml", yaml)
		manager.Process.Signal(syscall.SIGHUP)
		s.logged(t, before, "INFO", "hangup signal (SIGHUP) received; reloading configuration")
		if len(texts) > 0 {
			s.logged(t, before, texts...)
		}
	}
	reply(message.UnregisteredWork)
	good := s.read("nowcast.yaml")
	hangup(strings.Replace(good, "  workers:\n", "  workers: 7\n  was:\n", 1), "ERROR", "the configuration in use stays in use", "nowcast.yaml:")
	reply(message.UnregisteredWork)
	hangup(strings.Replace(good, "    any:", "    newcomer: {checklist key: newcomer, success: done}\n    any:", 1))
	s.eventually("the other configuration", func() bool {
		return ask(t, r, message.Message{Source: "newcomer", Type: "success"}).Type == message.NoAfterWorker
	})
}

// Some daemons would take the change over and others not, and records would be written by nobody.
func TestNoDaemonChangesBetweenLocalAndDistributedLogging(t *testing.T) {
	s := newAny(t)
	s.env = append(s.env, "NOWCAST_LOGS="+s.dir)
	daemons := []*child{s.start("broker"), s.start("log-aggregator"), s.start("manager"), s.start("scheduler")}
	text := s.read("nowcast.yaml")
	begin, end := strings.Index(text, "\nlogging:"), strings.Index(text, "\nmessage registry:")
	s.write("nowcast.yaml", text[:begin]+publishedLogging+text[end:])
	before := len(s.read("nowcast.log"))
	for _, d := range daemons {
		d.Process.Signal(syscall.SIGHUP)
	}
	for _, name := range []string{"message_broker", "log_aggregator", "manager", "scheduler"} {
		s.logged(t, before, "ERROR ["+name+"]", "the configuration in use stays in use: a change between local and distributed logging", "restart of all daemons")
	}
	s.write("nowcast.yaml", text)
	before = len(s.read("nowcast.log"))
	if got := ask(t, s.requester(), message.Message{Source: "nobody", Type: "success"}); got.Type != message.UnregisteredWork {
		t.Errorf("got the reply %+v", got)
	}
	s.logged(t, before, "ERROR [manager]", "nobody")
}
