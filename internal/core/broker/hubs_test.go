package broker

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/wire"
)

func open(t testing.TB, o wire.Options) *wire.Conn {
	t.Helper()
	c, err := wire.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func sendTo(t testing.TB, c *wire.Conn, parts ...string) {
	t.Helper()
	var f wire.Frames
	for _, p := range parts {
		f = append(f, []byte(p))
	}
	if err := c.Send(f); err != nil {
		t.Fatal(err)
	}
}

// only returns the one message of the next batch, for exchanges where no second one can be under way.
func only(t testing.TB, c *wire.Conn) []string {
	t.Helper()
	batch := <-c.Receive()
	if len(batch) != 1 {
		t.Fatalf("got %d messages, want 1", len(batch))
	}
	var s []string
	for _, p := range batch[0] {
		s = append(s, string(p))
	}
	return s
}

// publisher opens a publisher.
func publisher(t testing.TB, e Endpoints) *wire.Conn {
	t.Helper()
	return open(t, wire.Options{Kind: wire.Dealer, Connect: []string{e.FeedIn}})
}

// probe publishes on the topic "probe" until seen says that a subscription has reached the hub, of which nobody is told.
func probe(t testing.TB, pub *wire.Conn, seen <-chan struct{}) {
	t.Helper()
	for {
		sendTo(t, pub, "probe")
		select {
		case <-seen:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// subscriber opens a subscriber and probes until it is heard of.
func subscriber(t testing.TB, e Endpoints, pub *wire.Conn, queue int, topics ...string) *wire.Conn {
	t.Helper()
	sub := open(t, wire.Options{Kind: wire.Sub, Connect: []string{e.FeedOut}, Subscribe: append(topics, "probe"), ReceiveQueue: queue})
	probe(t, pub, arrived(sub))
	return sub
}

// arrived is closed after the first batch.
func arrived(c *wire.Conn) <-chan struct{} {
	seen := make(chan struct{})
	go func() { <-c.Receive(); close(seen) }()
	return seen
}

// published returns the next message that is not a probe.
func published(sub *wire.Conn) []string {
	for batch := range sub.Receive() {
		for _, f := range batch {
			if string(f[0]) != "probe" {
				var s []string
				for _, p := range f {
					s = append(s, string(p))
				}
				return s
			}
		}
	}
	return nil
}

func TestTheFeedReachesSubscribersOfItsTopicAlsoPythonOnes(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	out, wait := python(t, `
s = ctx.socket(zmq.SUB)
s.setsockopt(zmq.SUBSCRIBE, b"launch")
s.setsockopt(zmq.SUBSCRIBE, b"probe")
s.connect(sys.argv[1])
m = s.recv_multipart()
print("subscribed", flush=True)
while m[0] == b"probe":
    m = s.recv_multipart()
print(m, flush=True)
`, e.FeedOut)
	pub := publisher(t, e)
	subscribed := make(chan struct{})
	go func() { line(t, out); close(subscribed) }()
	probe(t, pub, subscribed)
	sendTo(t, pub, "checklist", "not wanted")
	sendTo(t, pub, "launch", "wanted", "3rd frame")
	if got, want := line(t, out), "[b'launch', b'wanted', b'3rd frame']"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wait()
}

func TestNothingIsLostOfAPublisherThatLivesForAnInstant(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	sub := subscriber(t, e, publisher(t, e), -1, "log")
	for i := range 20 {
		c, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{e.FeedIn}, Linger: patient})
		if err != nil {
			t.Fatal(err)
		}
		sendTo(t, c, "log", fmt.Sprint("last words ", i))
		c.Close()
		if diff := cmp.Diff([]string{"log", fmt.Sprint("last words ", i)}, published(sub)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestASlowSubscriberNeverSlowsAPublisherOrOtherSubscribers(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	pub := publisher(t, e)
	slow := subscriber(t, e, pub, 1, "log")
	quick := subscriber(t, e, pub, -1, "log", "end")
	body := bytes.Repeat([]byte("x"), 1000)
	const n = 50_000
	for i := range n {
		sendTo(t, pub, "log", fmt.Sprint(i), string(body))
	}
	ended := make(chan struct{})
	seen := 0
	go func() {
		defer close(ended)
		for published(quick)[0] != "end" {
			seen++
		}
	}()
	for waiting := true; waiting; {
		sendTo(t, pub, "end") // the first may be one too many for a subscriber that is as slow as this machine
		select {
		case <-ended:
			waiting = false
		case <-time.After(time.Millisecond):
		}
	}
	if seen == 0 {
		t.Error("the quick subscriber saw only the end, want log messages before it")
	}
	if first := published(slow); first[0] != "log" {
		t.Errorf("the slow subscriber saw %v, want the first messages", first)
	}
}

func TestTheFeedComesBackAfterARestart(t *testing.T) {
	e, _, stop := started(t, Endpoints{})
	pub := publisher(t, e)
	sub := subscriber(t, e, pub, 0, "launch")
	sendTo(t, pub, "launch", "before")
	if diff := cmp.Diff([]string{"launch", "before"}, published(sub)); diff != "" {
		t.Error(diff)
	}
	stop()
	started(t, e)
	probe(t, pub, arrived(sub)) // probes that were under way are gone with the broker
	sendTo(t, pub, "launch", "after")
	if diff := cmp.Diff([]string{"launch", "after"}, published(sub)); diff != "" {
		t.Error(diff)
	}
}

func daemon(t testing.TB, e Endpoints, name string) *wire.Conn {
	t.Helper()
	ready := make(chan struct{}, 8)
	c := open(t, wire.Options{Kind: wire.Dealer, Identity: name, Connect: []string{e.ControlDaemons}, Watch: func(ev wire.Event) {
		if ev.Kind == wire.PeerReady {
			ready <- struct{}{}
		}
	}})
	<-ready
	return c
}

// resend is when a client in these tests sends a command again.
const resend = 500 * time.Millisecond

// reach sends a command until the daemon has it: its name is known to the hub a moment after it is connected.
func reach(t testing.TB, client, d *wire.Conn, name, request string) []string {
	t.Helper()
	for {
		sendTo(t, client, request, name, "command")
		select {
		case batch := <-d.Receive():
			var s []string
			for _, p := range batch[0] {
				s = append(s, string(p))
			}
			return s
		case answer := <-client.Receive():
			if !strings.Contains(string(answer[0][1]), "no "+name+" is connected") {
				t.Fatalf("answer: got %q", answer[0])
			}
		case <-time.After(resend): // lost with the connection to a broker that was being restarted
		}
	}
}

func TestACommandReachesItsDaemonAndTheAnswerItsClient(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	manager, scheduler := daemon(t, e, "manager"), daemon(t, e, "scheduler")
	one := open(t, wire.Options{Kind: wire.Dealer, Connect: []string{e.ControlClients}})
	two := open(t, wire.Options{Kind: wire.Dealer, Connect: []string{e.ControlClients}})
	first := reach(t, one, manager, "manager", "1")
	second := reach(t, two, scheduler, "scheduler", "2")
	if diff := cmp.Diff([]string{"1", "command", "2", "command"}, append(first[1:], second[1:]...)); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	sendTo(t, scheduler, second[0], second[1], "answer 2")
	sendTo(t, manager, first[0], first[1], "answer 1")
	if diff := cmp.Diff([]string{"1", "answer 1"}, only(t, one)); diff != "" {
		t.Errorf("client one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2", "answer 2"}, only(t, two)); diff != "" {
		t.Errorf("client two (-want +got):\n%s", diff)
	}
}

func TestACommandForAnAbsentDaemonIsAnsweredAtOnce(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	client := open(t, wire.Options{Kind: wire.Dealer, Connect: []string{e.ControlClients}})
	sendTo(t, client, "7", "manager", "relaunch")
	want := []string{"7", `{"ok":false,"error":"no manager is connected: start it with nowcastd up or nowcastd manager, then try again","again":true}`}
	if diff := cmp.Diff(want, only(t, client)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMalformedControlMessagesAreDroppedAndTheNextIsServed(t *testing.T) {
	e, logged, _ := started(t, Endpoints{})
	client := open(t, wire.Options{Kind: wire.Dealer, Connect: []string{e.ControlClients}})
	manager := daemon(t, e, "manager")
	sendTo(t, client, "only one")
	sendTo(t, client, "1", "manager", "body", "too many")
	sendTo(t, manager, "too few")
	command := reach(t, client, manager, "manager", "8")
	sendTo(t, manager, command[0], command[1], "fine")
	if diff := cmp.Diff([]string{"8", "fine"}, only(t, client)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := strings.Count(logged.String(), "malformed"); got != 3 {
		t.Errorf("debug lines about malformed messages: got %d, want 3", got)
	}
}

func TestARestartedDaemonTakesItsNameBack(t *testing.T) {
	e, logged, stop := started(t, Endpoints{})
	client := open(t, wire.Options{Kind: wire.Dealer, Connect: []string{e.ControlClients}})
	// The old one still has its connection but will never use it again, as when its host has vanished.
	out, _ := python(t, `
import os, signal
s = ctx.socket(zmq.DEALER)
s.identity = b"manager"
s.connect(sys.argv[1])
print(s.recv_multipart()[1:], flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
`, e.ControlDaemons)
	heard := make(chan string)
	go func() { heard <- line(t, out) }()
	for old := ""; old == ""; {
		sendTo(t, client, "1", "manager", "command")
		select {
		case old = <-heard:
			if want := "[b'1', b'command']"; old != want {
				t.Fatalf("the old daemon: got %s, want %s", old, want)
			}
		case <-client.Receive():
		}
	}
	renewed := daemon(t, e, "manager")
	sendTo(t, renewed, "hello") // once this has arrived, the hub knows whose the name is
	eventually(t, "the hub has heard the new daemon", func() bool { return strings.Contains(logged.String(), "malformed answer") })
	sendTo(t, client, "2", "manager", "command")
	if diff := cmp.Diff([]string{"2", "command"}, only(t, renewed)[1:]); diff != "" {
		t.Errorf("the new daemon (-want +got):\n%s", diff)
	}
	// And over a restart of the broker, nobody has to do anything.
	stop()
	started(t, e)
	command := reach(t, client, renewed, "manager", "3")
	sendTo(t, renewed, command[0], command[1], "answer")
	for {
		for _, answer := range <-client.Receive() {
			if string(answer[1]) == "answer" {
				return
			}
		}
	}
}
