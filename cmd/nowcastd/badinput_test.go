package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

const hardyWorkers = `
    good: {checklist key: good, success: it went well, need: wants to know}
    raises: {checklist key: raises, success: it went well}
    fails: {checklist key: fails, success: it went well}
    loops: {checklist key: loops, success: it went well}
    recurses: {checklist key: recurses, success: it went well}
    number: {checklist key: number, success: it went well}
    strings: {checklist key: strings, success: it went well}
    elsewhere: {checklist key: elsewhere, success: it went well}
    unstartable: {checklist key: unstartable, success: it went well}
    missing: {checklist key: missing, success: it went well, command: [./no-such-program]}
    changed: {checklist key: changed, success: it went well}
`

const hardyRules = `
def after_good(msg, config, checklist):
    return []

def after_raises(msg, config, checklist):
    return [NextWorker(msg.payload["no such key"])]

def after_fails(msg, config, checklist):
    fail("on purpose")

def after_loops(msg, config, checklist):
    n = 0
    while True:
        n += 1

def after_recurses(msg, config, checklist):
    return after_recurses(msg, config, checklist)

def after_number(msg, config, checklist):
    return 42

def after_strings(msg, config, checklist):
    return ["sleep", "awaken"]

def after_elsewhere(msg, config, checklist):
    return [NextWorker("good", host="no-such-host")]

def after_unstartable(msg, config, checklist):
    return [NextWorker("somewhere.unheard_of")]

def after_missing(msg, config, checklist):
    return [NextWorker("missing")]
`

// hardy is a running system that is offered what it should not be.
type hardy struct {
	*system
	good *wire.Requester
	n    int64
}

// goodMessageIsServed sends a message and looks whether it arrived.
func (h *hardy) goodMessageIsServed(t *testing.T) {
	t.Helper()
	h.n++
	if got := ask(t, h.good, message.Message{Source: "good", Type: "success", Payload: pyyaml.MapOf("n", h.n)}); got.Type != message.Ack {
		t.Errorf("a good message got the reply %+v, want ack", got)
	}
	got := ask(t, h.good, message.Message{Source: "good", Type: "need", Payload: "good"})
	if want := pyyaml.MapOf("n", h.n); got.Type != message.Ack || !pyyaml.Equal(got.Payload, want) {
		t.Errorf("need got the reply %+v, want ack with %d", got, h.n)
	}
}

// send sends frames as a REQ socket would and returns the reply.
func (h *hardy) send(t *testing.T, frames ...[]byte) message.Message {
	t.Helper()
	c, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{wire.TCP("127.0.0.1", h.port)}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Send(append(wire.Frames{{}}, frames...)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case batch := <-c.Receive():
		if len(batch) != 1 || len(batch[0]) != 2 || len(batch[0][0]) != 0 {
			t.Fatalf("got the reply %q, want one of an empty frame and one more", batch)
		}
		m, err := message.Decode(batch[0][1], message.DefaultLimit)
		if err != nil {
			t.Fatal(err)
		}
		return m
	case <-ctx.Done():
		t.Fatal("got no reply")
	}
	panic("not reached")
}

func from(worker, payload string) []byte {
	return []byte("payload: " + payload + "\nsource: " + worker + "\ntype: success\n")
}

// aliasBomb has nine times nine times ... one text.
func aliasBomb() string {
	bomb := "\n  a0: &a0 lol\n"
	for i := range 12 {
		refs := strings.Repeat(fmt.Sprintf("*a%d, ", i), 9)
		bomb += fmt.Sprintf("  a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(refs, ", "))
	}
	return strings.TrimSuffix(bomb, "\n")
}

func TestBadInputNeverStopsAnything(t *testing.T) {
	s := newSystem(t, hardyWorkers, hardyRules)
	broker, manager := s.start("broker"), s.start("manager")
	h := &hardy{system: s, good: s.requester()}
	const malformed = message.UnregisteredType
	for _, tc := range []struct {
		name  string
		send  []byte
		reply string
		log   []string
	}{
		{"bytes that are not UTF-8", []byte("payload: \xff\xfe\nsource: good\ntype: success\n"), malformed, []string{"ERROR", "not UTF-8", `\xff\xfe`}},
		{"zero bytes", make([]byte, 1000), malformed, []string{"ERROR", "not a message", `\x00\x00`}},
		{"text that is not YAML", []byte("payload: [1, 2\nsource: good\ntype: success\n"), malformed, []string{"ERROR", "not a message from", "good"}},
		{"two documents", []byte("--- {payload: null, source: good, type: success}\n--- {}\n"), malformed, []string{"ERROR", "not a message"}},
		{"nothing", nil, malformed, []string{"ERROR", "not a mapping with the keys payload, source and type"}},
		{"a scalar", []byte("hello\n"), malformed, []string{"ERROR", "not a mapping", `"hello\n"`}},
		{"a list", []byte("[payload, source, type]\n"), malformed, []string{"ERROR", "not a mapping", "[payload"}},
		{"JSON of something else", []byte(`{"hello": "world"}`), malformed, []string{"ERROR", "the key source is missing", "world"}},
		{"no payload", []byte("source: good\ntype: success\n"), malformed, []string{"ERROR", "not a message from", "good", "the key payload is missing"}},
		{"no source", []byte("payload: 1\ntype: success\n"), malformed, []string{"ERROR", "the key source is missing"}},
		{"no type", []byte("payload: 1\nsource: good\n"), malformed, []string{"ERROR", "the key type is missing"}},
		{"a source that is a mapping", []byte("payload: 1\nsource: {a: b}\ntype: success\n"), malformed, []string{"ERROR", "the value of source is not a string"}},
		{"a type that is a list", []byte("payload: 1\nsource: good\ntype: [success]\n"), malformed, []string{"ERROR", "not a message from", "good", "the value of type is not a string"}},
		{"a source that is null", []byte("payload: 1\nsource: null\ntype: success\n"), malformed, []string{"ERROR", "the value of source is not a string"}},
		{"a Python object", from("good", "!!python/object:os.system {}"), malformed, []string{"ERROR", "not a message from", "good", "python/object"}},
		{"a call of a Python function", from("good", "!!python/object/apply:os.system ['touch pwned']"), malformed, []string{"ERROR", "not a message from", "good", "os.system"}},
		{"a Python tuple", from("good", "!!python/tuple [1, 2]"), malformed, []string{"ERROR", "not a message from", "good", "python/tuple"}},
		{"lists nested 20,000 deep", from("good", strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)), malformed, []string{"ERROR", "not a message from", "good"}},
		{"mappings nested 20,000 deep", from("good", strings.Repeat("{a: ", 20_000)+strings.Repeat("}", 20_000)), malformed, []string{"ERROR", "not a message from", "good"}},
		{"sequences nested 20,000 deep without brackets", from("good", "\n  "+strings.Repeat("- ", 20_000)+"x"), malformed, []string{"ERROR", "not a message from", "good"}},
		{"an alias bomb", from("good", aliasBomb()), malformed, []string{"ERROR", "not a message from", "good"}},
		{"a list that contains itself", from("good", "&a [*a]"), malformed, []string{"ERROR", "not a message from", "good"}},
		{"an alias of nothing", from("good", "*nowhere"), malformed, []string{"ERROR", "not a message from", "good", "nowhere"}},
		{"a key that is a mapping", from("good", "{? {a: b} : c}"), malformed, []string{"ERROR", "not a message from", "good"}},
		{"a stranger", from("stranger", "null"), message.UnregisteredWork, []string{"ERROR", "message received from unregistered worker: stranger"}},
		{"a stranger with a line break in the name", from(`"two\nlines"`, "null"), message.UnregisteredWork, []string{"ERROR", `message received from unregistered worker: "two\nlines"`}},
		{"a type nobody knows", []byte("payload: null\nsource: good\ntype: sneezed\n"), malformed, []string{"ERROR", "unregistered message type received from good worker: sneezed"}},
		{"need of a missing key", []byte("payload: no such key\nsource: good\ntype: need\n"), message.Ack, []string{"ERROR", "no such key"}},
		{"need of a list", []byte("payload: [good]\nsource: good\ntype: need\n"), message.Ack, []string{"ERROR", "['good']"}},
		{"no rule for the worker", from("changed", "1"), message.NoAfterWorker, []string{"CRITICAL", "could not find after_changed in "}},
		{"a rule that raises", from("raises", "{a: 1}"), message.Ack, []string{"next_workers.star:6:", "after_raises", "no such key"}},
		{"a rule that calls fail", from("fails", "1"), message.Ack, []string{"next_workers.star:9:", "on purpose"}},
		{"a rule that loops for ever", from("loops", "1"), message.Ack, []string{"next_workers.star:", "limit"}},
		{"a rule that calls itself for ever", from("recurses", "1"), message.Ack, []string{"next_workers.star:", "nested"}},
		{"a rule that returns a number", from("number", "1"), message.Ack, []string{"next_workers.star:", "after_number", "42"}},
		{"a rule that returns texts", from("strings", "1"), message.Ack, []string{"next_workers.star:", "after_strings", "sleep"}},
		{"a rule that launches on an unknown host", from("elsewhere", "1"), message.Ack, []string{"ERROR", "no-such-host", "run: enabled hosts"}},
		{"a rule that launches what cannot be started", from("unstartable", "1"), message.Ack, []string{"ERROR", "unheard_of", "add one of the two"}},
		{"a rule that launches a program that is not there", from("missing", "1"), message.Ack, []string{"ERROR", "no-such-program"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(s.read("nowcast.log"))
			if got := h.send(t, tc.send); got.Type != tc.reply || got.Payload != nil || got.Source != "manager" {
				t.Errorf("got the reply %+v, want %s", got, tc.reply)
			}
			h.logged(t, before, tc.log...)
			h.goodMessageIsServed(t)
		})
	}
	t.Run("two frames", func(t *testing.T) {
		before := len(s.read("nowcast.log"))
		if got := h.send(t, from("good", "1"), []byte("and more")); got.Type != malformed {
			t.Errorf("got the reply %+v, want %s", got, malformed)
		}
		h.logged(t, before, "ERROR", "more than one part", "payload: 1")
		h.goodMessageIsServed(t)
	})
	t.Run("100 MB", func(t *testing.T) {
		before := len(s.read("nowcast.log"))
		if got := h.send(t, from("good", strings.Repeat("x", 100<<20))); got.Type != malformed {
			t.Errorf("got the reply %+v, want %s", got, malformed)
		}
		h.logged(t, before, "ERROR", "more than the limit", "message size limit", "payload: xxx")
		h.goodMessageIsServed(t)
	})
	t.Run("a message of almost the size limit", func(t *testing.T) {
		if got := h.send(t, from("good", strings.Repeat("x", 60<<20))); got.Type != message.Ack {
			t.Errorf("got the reply %+v, want ack", got)
		}
		h.goodMessageIsServed(t)
	})
	for name, garbage := range map[string]string{
		"a web browser": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"garbage":       string(bytes.Repeat([]byte{0xff, 0x00, 0x7f, 0x13}, 100)),
	} {
		t.Run(name+" at the workers' port", func(t *testing.T) {
			before := len(s.read("nowcast.log"))
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte(garbage)); err != nil {
				t.Fatal(err)
			}
			h.logged(t, before, "WARNING", "[message_broker]", "not a ZeroMQ peer")
			h.goodMessageIsServed(t)
		})
	}
	for _, d := range []*child{broker, manager} {
		if err := d.stop(); err != nil {
			t.Errorf("%v ended with %v\n%s", d.Args, err, d.output)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(s.dir, "pwned")); len(files) > 0 {
		t.Error("a Python function was called")
	}
}

// TestWhatARuleCannotLaunchIsALaunchThatCrashed looks at what the operator is shown.
func TestWhatARuleCannotLaunchIsALaunchThatCrashed(t *testing.T) {
	s := newSystem(t, hardyWorkers, hardyRules)
	s.start("broker")
	s.start("manager")
	r := s.requester()
	for _, worker := range []string{"elsewhere", "unstartable", "missing", "raises"} {
		askRaw(t, r, from(worker, "1"))
	}
	s.eventually("three launches that crashed", func() bool {
		n := 0
		for _, l := range s.status().Launches {
			if l.State == launch.Crashed {
				n++
			}
		}
		return n == 3
	})
	status := s.status()
	for i, want := range []string{"host no-such-host is not in run: enabled hosts", "unheard_of cannot be started", "no-such-program"} {
		if l := status.Launches[i]; !strings.Contains(l.Note, want) || l.PID != 0 {
			t.Errorf("launch %d: got the note %q and process %d, want %q and none", l.ID, l.Note, l.PID, want)
		}
	}
	kinds := map[string]int{}
	for _, a := range status.Alerts {
		kinds[a.Kind+" -> "+a.Offer]++
	}
	if kinds["worker crashed -> relaunch"] != 3 || kinds["rule error -> evaluate"] != 1 {
		t.Errorf("got the alerts %v, want three for the launches and one for the rule", kinds)
	}
}

// TestARequestThatIsNoRequestIsLoggedAndDropped sends what a REQ socket cannot: nobody waits for an answer.
func TestARequestThatIsNoRequestIsLoggedAndDropped(t *testing.T) {
	for _, tc := range []struct {
		name   string
		frames wire.Frames
	}{
		{"without envelope", wire.Frames{[]byte("lost"), []byte("sheep")}},
		{"an envelope with nothing in it", wire.Frames{{}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &hardy{system: newSystem(t, hardyWorkers, hardyRules)}
			h.start("broker")
			h.start("manager")
			h.good = h.requester()
			h.goodMessageIsServed(t)
			c, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{wire.TCP("127.0.0.1", h.port)}, Linger: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Send(tc.frames); err != nil {
				t.Fatal(err)
			}
			h.logged(t, 0, "WARNING", "[message_broker] a request was refused, as nobody could answer it: it has no empty frame before the message")
			h.goodMessageIsServed(t)
		})
	}
}
