package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// withPorts is the configuration with other ports of the broker.
func (s *system) withPorts(workers, manager int) {
	s.t.Helper()
	text := s.read("nowcast.yaml")
	i, j := strings.Index(text, "    manager: "), strings.Index(text, "logging:")
	s.write("nowcast.yaml", text[:i]+fmt.Sprintf("    manager: %d\n    workers: %d\n", manager, workers)+text[j:])
	s.port = workers
}

func hangup(daemons ...*child) {
	for _, d := range daemons {
		d.Process.Signal(syscall.SIGHUP)
	}
}

func (s *system) acknowledged(r *wire.Requester) {
	s.t.Helper()
	if got := ask(s.t, r, message.Message{Source: "any", Type: "success"}); got.Type != message.Ack {
		s.t.Errorf("got the reply %+v, want ack", got)
	}
}

func TestPortsChangeOnSIGHUP(t *testing.T) {
	s := newAny(t)
	broker, manager := s.start("broker"), s.start("manager")
	old, oldPort := s.requester(), s.port
	s.acknowledged(old)
	before := len(s.read("nowcast.log"))
	s.withPorts(freePort(t), freePort(t))
	hangup(manager, broker) // in this order the manager must wait
	s.logged(t, before, "INFO", "[message_broker]", fmt.Sprintf("worker socket bound to port %d", s.port))
	s.logged(t, before, "INFO", "[message_broker]", fmt.Sprintf("port %d stays open for workers that read the old configuration", oldPort))
	s.logged(t, before, "INFO", "[manager]", "connected to 127.0.0.1 port")
	s.logged(t, before, "INFO", "[message_broker]", "is closed: a manager is connected to the new port")
	s.acknowledged(old)
	s.acknowledged(s.requester())
	late := wire.NewRequester(wire.TCP("127.0.0.1", oldPort)) // its configuration is the old one
	s.acknowledged(late)
	late.Close()

	before = len(s.read("nowcast.log"))
	hangup(broker)
	s.logged(t, before, fmt.Sprintf("port %d stays open", oldPort)) // old is connected
	s.acknowledged(old)
	old.Close()
	s.eventually("the old port is closed", func() bool {
		hangup(broker)
		return strings.Contains(s.read("nowcast.log"), fmt.Sprintf("port %d is closed: no worker was connected to it", oldPort))
	})
	s.acknowledged(s.requester())
}

func TestAReloadThatCannotBeDoneChangesNothing(t *testing.T) {
	s := newAny(t)
	broker, manager := s.start("broker"), s.start("manager")
	r := s.requester()
	good := s.read("nowcast.yaml")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s.write("precious.txt", "my thesis\n")
	for _, c := range []struct {
		name   string
		daemon *child
		change func()
		want   []string
	}{
		{"a mistake", broker, func() { s.write("nowcast.yaml", good+"zmq: 7\n") }, []string{"the changed one has mistakes", "nowcast.yaml:"}},
		{"a port that is taken", broker, func() { s.withPorts(taken.Addr().(*net.TCPAddr).Port, freePort(t)) }, []string{"is taken", "stop the process that has it"}},
		{"ports that are exchanged, broker", broker, func() { s.write("nowcast.yaml", exchanged(t, good)) }, []string{"cannot change from workers"}},
		{"ports that are exchanged, manager", manager, func() { s.write("nowcast.yaml", exchanged(t, good)) }, []string{"cannot change from workers"}},
		{"a log file that cannot be", manager, func() {
			s.write("nowcast.yaml", strings.Replace(good, "filename: nowcast.log", "filename: gone/nowcast.log", 1))
		}, []string{"the changed logging cannot be used", "gone/nowcast.log"}},
		{"a file that is no checklist", manager, func() {
			s.write("nowcast.yaml", strings.Replace(good, "checklist.yaml", "precious.txt", 1))
		}, []string{"precious.txt is there, and this manager did not write it"}},
		{"rules that are missing", manager, func() {
			s.write("nowcast.yaml", strings.Replace(good, "next_workers.star", "gone.star", 1))
		}, []string{"gone.star, which does not exist"}},
		{"logging that changes with rules that are missing", manager, func() {
			s.write("nowcast.yaml", strings.NewReplacer("next_workers.star", "gone.star", "nowcast.log", "other.log").Replace(good))
		}, []string{"gone.star, which does not exist"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			port, before := s.port, len(s.read("nowcast.log"))
			c.change()
			hangup(c.daemon)
			s.logged(t, before, append([]string{"ERROR", "the configuration in use stays in use"}, c.want...)...)
			s.port = port
			s.write("nowcast.yaml", good)
			s.acknowledged(r)
			s.acknowledged(s.requester())
		})
	}
	if got := s.read("precious.txt"); got != "my thesis\n" {
		t.Errorf("the file that was named by mistake: got %q", got)
	}
}

func TestChecklistFileAndRulesChangeOnSIGHUP(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	r := s.requester()
	ask(t, r, message.Message{Source: "any", Type: "success", Payload: "early"})
	s.write("other.star", launches("other"))
	before := len(s.read("nowcast.log"))
	s.write("nowcast.yaml", strings.NewReplacer("checklist.yaml", "other.yaml", "next_workers.star", "other.star").Replace(s.read("nowcast.yaml")))
	hangup(manager)
	s.logged(t, before, "configuration reloaded")
	s.eventually("the other checklist file", func() bool { return strings.HasPrefix(s.read("other.yaml"), "any: early\n") })
	ask(t, r, message.Message{Source: "any", Type: "success", Payload: "late"})
	s.eventually("the next change in it", func() bool { return strings.HasPrefix(s.read("other.yaml"), "any: late\n") })
	if got := s.read("checklist.yaml"); !strings.HasPrefix(got, "any: early\n") {
		t.Errorf("the file before: got %q, want it as it was", got)
	}
	all := s.status().Launches
	if len(all) == 0 || all[len(all)-1].Args[1] != "other" {
		t.Errorf("got the launches %+v, want one of the other rules", all)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".nowcast-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "other.yaml")); err != nil {
		t.Error(err)
	}
}

// A manager in Python reads its configuration when it starts: it goes on at the old port until another is started.
func TestAPythonManagerIsNotLostByAReloadOfOurBroker(t *testing.T) {
	s := newAny(t)
	broker := s.start("broker")
	managerPort := func() string {
		_, rest, _ := strings.Cut(s.read("nowcast.yaml"), "    manager: ")
		port, _, _ := strings.Cut(rest, "\n")
		return port
	}
	start := func(name string) {
		s.interpret("-c", `
import sys, zmq
s = zmq.Context().socket(zmq.REP)
s.connect("tcp://127.0.0.1:" + sys.argv[1])
while True:
    s.recv()
    s.send(b"payload: "+sys.argv[2].encode()+b"\nsource: manager\ntype: ack\n")
`, managerPort(), name)
	}
	start("one")
	r := s.requester()
	answered := func(r *wire.Requester, by string) bool {
		return ask(t, r, message.Message{Source: "any", Type: "success"}).Payload == by
	}
	answered(r, "one")
	before := len(s.read("nowcast.log"))
	s.withPorts(freePort(t), freePort(t))
	hangup(broker)
	s.logged(t, before, "manager socket bound to port "+managerPort())
	for _, client := range []*wire.Requester{r, s.requester()} {
		if !answered(client, "one") {
			t.Error("got an answer of somebody else, want one of the manager at the old port")
		}
	}
	start("two")
	s.eventually("the new manager answers", func() bool { return answered(r, "two") })
	s.logged(t, before, "is closed: a manager is connected to the new port")
}

// exchanged has the port of the workers for the manager, and the other way round.
func exchanged(t *testing.T, text string) string {
	t.Helper()
	ports := regexp.MustCompile(`(manager: )(\d+)(\n +workers: )(\d+)`)
	if !ports.MatchString(text) {
		t.Fatalf("no ports in\n%s", text)
	}
	return ports.ReplaceAllString(text, "${1}${4}${3}${2}")
}
