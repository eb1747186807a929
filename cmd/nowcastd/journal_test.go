package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// portOfManager returns the port on which the broker waits for a manager.
func (s *system) portOfManager() int {
	s.t.Helper()
	var port int
	_, after, _ := strings.Cut(s.read("nowcast.yaml"), "manager: ")
	if _, err := fmt.Sscan(after, &port); err != nil {
		s.t.Fatal(err)
	}
	return port
}

// dyingBroker starts a broker that dies at a step.
func (s *system) dyingBroker(step string) *child {
	s.t.Helper()
	before := s.env
	defer func() { s.env = before }()
	s.env = append(slices.Clone(before), "NOWCAST_FAULT="+step)
	return s.start("broker")
}

// holding is a manager that takes requests and answers none.
func (s *system) holding() *wire.Conn {
	s.t.Helper()
	c, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{wire.TCP("127.0.0.1", s.portOfManager())}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// manyPythonWorkers are as many REQ sockets, each with a request of its own under way, whose frames are of all sorts. They print the
// first answer.
const manyPythonWorkers = `
import sys, zmq
context, poller, sockets = zmq.Context(), zmq.Poller(), []
for i in range(int(sys.argv[2])):
    s = context.socket(zmq.REQ)
    s.connect(sys.argv[1])
    s.send_multipart([b"%d" % i] + [b"", bytes(range(256)) * i][: i % 3])
    sockets.append(s)
    poller.register(s, zmq.POLLIN)
ready = poller.poll()
print(b"|".join(ready[0][0].recv_multipart()).decode(), flush=True)
sys.stdin.read()
`

func (s *system) pythonProgram(program string, args ...string) (stdout io.Reader) {
	s.t.Helper()
	c := exec.Command("/usr/bin/python3", append([]string{"-c", program}, args...)...)
	_, err := c.StdinPipe() // open until the end
	if err == nil {
		stdout, err = c.StdoutPipe()
	}
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return stdout
}

func TestAKilledBrokerGivesAgainWhatItHadAccepted(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"journalled:20", "forwarded:20"} {
		t.Run(step, func(t *testing.T) {
			s := newSystem(t, benchWorkers, benchRules)
			broker := s.dyingBroker(step)
			manager := s.holding()
			s.pythonProgram(manyPythonWorkers, wire.TCP("127.0.0.1", s.port), "30")
			if err := broker.Wait(); err == nil {
				t.Fatal("the broker ended well, want it killed")
			}
			s.start("broker")
			go func() { _, _ = s.requester().Request(t.Context(), []byte("the last")) }() // what is new comes after what is not
			before, orphans, journal := map[string]wire.Frames{}, 0, ""
			for last := false; !last; {
				select {
				case batch := <-manager.Receive():
					for _, m := range batch {
						ticket, ok := wire.ParseTicket(m[0])
						if !ok {
							t.Fatalf("got a request without a ticket: %.300q", m)
						}
						if !ticket.Orphan {
							before[ticket.ID] = m
							last = last || string(m[len(m)-1]) == "the last"
							continue
						}
						orphans++
						journal, _, _ = strings.Cut(ticket.ID, "-")
						if !ticket.Again || !strings.HasPrefix(ticket.Peer, "127.0.0.1:") {
							t.Errorf("got ticket %+v, want Again and a peer", ticket)
						}
						if first := before[ticket.ID]; first != nil && !slices.EqualFunc(first[1:], m[1:], slices.Equal[[]byte]) {
							t.Errorf("got %.300q again, want %.300q", m[1:], first[1:])
						}
						if i, err := strconv.Atoi(string(m[3])); err != nil || !slices.EqualFunc(m[3:], framesOfWorker(i), slices.Equal[[]byte]) {
							t.Errorf("got %.300q, want the frames of a worker", m[3:])
						}
						delete(before, ticket.ID)
					}
				case <-time.After(20 * time.Second):
					t.Fatalf("got %d requests again and nothing new", orphans)
				}
			}
			for id, m := range before {
				if strings.HasPrefix(id, journal+"-") {
					t.Errorf("%.300q did not come again", m)
				}
			}
			if orphans < 20 {
				t.Errorf("got %d requests again, want at least the 20 that were accepted", orphans)
			}
		})
	}
}

// framesOfWorker are those that manyPythonWorkers sends.
func framesOfWorker(i int) wire.Frames {
	all := make([]byte, 256)
	for b := range all {
		all[b] = byte(b)
	}
	return wire.Frames{strconv.AppendInt(nil, int64(i), 10), {}, bytes.Repeat(all, i)}[:1+i%3]
}

func TestAPythonWorkerGetsItsAnswerThoughTheManagerDiesWithItsRequest(t *testing.T) {
	t.Parallel()
	s := newSystem(t, benchWorkers, benchRules)
	s.start("broker")
	first := s.holding()
	answer := s.pythonProgram(`
import sys, zmq
s = zmq.Context().socket(zmq.REQ)
s.connect(sys.argv[1])
s.send(sys.argv[2].encode())
print(s.recv().decode(), flush=True)
sys.stdin.read()
`, wire.TCP("127.0.0.1", s.port), string(message.Message{Source: "bench", Type: "success"}.Encode()))
	<-first.Receive()
	first.Close()
	s.logged(t, 0, "WARNING", "the manager went away with requests unanswered; they are given to the next one")
	s.start("manager")
	got := make([]byte, 200)
	n, err := io.ReadAtLeast(answer, got, len("payload: null\nsource: manager\ntype: ack"))
	if err != nil || !strings.Contains(string(got[:n]), "type: ack") {
		t.Errorf("got %q, %v, want ack", got[:n], err)
	}
}

// Whatever of its message the broker takes with it, a Go worker gets its answer, and what follows is launched once.
func TestAGoWorkerGetsItsAnswerThoughTheBrokerIsKilled(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"journalled:1", "forwarded:1", "answered:1"} {
		t.Run(step, func(t *testing.T) {
			s := newSystem(t, benchWorkers, benchRules)
			broker := s.dyingBroker(step)
			s.start("manager")
			done := make(chan string)
			go func() {
				out, code := s.run("send", s.config, "sleep", "success")
				done <- fmt.Sprint(code, " ", out)
			}()
			if err := broker.Wait(); err == nil {
				t.Fatal("the broker ended well, want it killed")
			}
			s.start("broker")
			if got := <-done; !strings.HasPrefix(got, "0 ") {
				t.Errorf("send: got %q, want exit code 0", got)
			}
			s.eventually("the manager", func() bool { _, code := s.run("status", s.config); return code == 0 })
			s.eventually("the requests of the dead broker are answered", func() bool {
				return len(s.status().Launches) > 0
			})
			if got := len(s.status().Launches); got != 1 {
				t.Errorf("got %d launches, want 1", got)
			}
		})
	}
}
