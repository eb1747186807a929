package manager

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// Flags of a ticket; see wire/ticket.go.
const (
	again  = 1
	orphan = 2
)

// ticket is the frame that the broker puts in front of a request.
func ticket(number uint64, flags byte, peer string) []byte {
	b := append([]byte("\x01nwt"), flags)
	b = binary.BigEndian.AppendUint64(b, 7)
	b = binary.BigEndian.AppendUint64(b, number)
	return append(b, peer...)
}

// give sends a request with a ticket and returns its reply.
func (w *world) give(ticket []byte, m message.Message) message.Message {
	w.t.Helper()
	return w.askRaw([]byte("1"), ticket, []byte("client"), nil, m.Encode())
}

// snapshot returns what the manager shows.
func (w *world) shown() feed.Snapshot {
	w.t.Helper()
	var s feed.Snapshot
	if err := json.Unmarshal(w.do(control.CmdSnapshot, "{}").Result, &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// alert returns the open alert with this key.
func (w *world) alert(key string) (engine.Alert, bool) {
	w.t.Helper()
	alerts := w.shown().Alerts
	i := slices.IndexFunc(alerts, func(a engine.Alert) bool { return a.Key == key && a.Open() })
	if i < 0 {
		return engine.Alert{}, false
	}
	return alerts[i], true
}

func (w *world) count(entry string) (n int) {
	for _, e := range w.all() {
		if strings.HasPrefix(e, entry) {
			n++
		}
	}
	return n
}

func TestARequestThatComesAgainIsAnsweredAgainAndDoneOnce(t *testing.T) {
	named := message.Message{Source: "sleep", Type: "success", Payload: pyyaml.MapOf("n", int64(1)), ID: "host:7:1"}
	for name, tc := range map[string]struct {
		one, two message.Message
		tickets  [2][]byte
	}{
		"by the broker's ticket":                             {report("sleep", "x"), report("sleep", "x"), [2][]byte{ticket(1, 0, ""), ticket(1, again, "")}},
		"by the worker's own name for it":                    {named, named, [2][]byte{ticket(1, 0, ""), ticket(2, 0, "")}},
		"by the worker's own name, through a Python broker":  {named, named, [2][]byte{[]byte("x"), []byte("x")}},
		"by the ticket, though the broker was another by it": {named, named, [2][]byte{ticket(1, 0, ""), ticket(1, again|orphan, "")}},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				w := newWorld(t)
				w.start(false)
				first := w.give(tc.tickets[0], tc.one)
				w.eventually("the start", w.launchIs(1, launch.Running))
				if restart {
					w.stop()
					w.start(false)
				}
				if second := w.give(tc.tickets[1], tc.two); second.Type != first.Type {
					t.Errorf("got reply %s to the double, want %s", second.Type, first.Type)
				}
				w.stop()
				if n := len(w.store.messages); n != 1 {
					t.Errorf("got %d messages stored, want 1", n)
				}
				if n := len(w.store.launches); n != 1 || w.count("start ") != 1 {
					t.Errorf("got %d launches, %d starts, want 1 of each", n, w.count("start "))
				}
			})
		}
	}
}

func TestAMessageWithTheIDOfAnotherIsNotLost(t *testing.T) {
	named := message.Message{Source: "sleep", Type: "success", Payload: pyyaml.MapOf("n", int64(1)), ID: "host:7:1"}
	another, payload := named, named
	another.Source, payload.Payload = "awaken", pyyaml.MapOf("n", int64(2))
	for name, other := range map[string]message.Message{"of another worker": another, "with another payload": payload} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				w := newWorld(t)
				w.start(false)
				w.ask(named)
				if restart {
					w.stop()
					w.start(false)
				}
				w.ask(other)
				if !w.logs.has("a message has the id of an earlier one") {
					t.Error("nobody is told")
				}
				w.stop()
				if n := len(w.store.messages); n != 2 {
					t.Errorf("got %d messages stored, want 2: acknowledged is done", n)
				}
			})
		}
	}
}

func TestADoubleWithinOneBatchWaitsForTheSameCommit(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.store.mu.Lock()
	w.store.fail = 1
	w.store.mu.Unlock()
	one := wire.Frames{ticket(1, 0, ""), []byte("client"), nil, report("sleep", true).Encode()}
	two := wire.Frames{ticket(1, again, ""), []byte("client"), nil, report("sleep", true).Encode()}
	w.hand(one, two)
	for range 2 {
		if got := w.reply(); got.Type != message.Ack {
			t.Errorf("got %s, want ack", got.Type)
		}
	}
	all := w.all()
	commit := slices.IndexFunc(all, func(e string) bool { return strings.HasPrefix(e, "commit 1 messages") })
	if reply := slices.IndexFunc(all, func(e string) bool { return strings.HasPrefix(e, "reply") }); commit < 0 || reply < commit {
		t.Errorf("got %q, want one message committed before both replies", all)
	}
}

func TestADoubleOfANeedGetsWhatIsThereNow(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	need := message.Message{Source: "sleep", Type: "need", Payload: "awaken key"}
	w.ask(report("awaken", "early"))
	if got := w.give(ticket(1, 0, ""), need); got.Payload != "early" {
		t.Fatalf("got %v", got.Payload)
	}
	w.ask(report("awaken", "late"))
	if got := w.give(ticket(1, again, ""), need); got.Type != "ack" || got.Payload != "late" {
		t.Errorf("got %s %v, want ack late", got.Type, got.Payload)
	}
}

func TestTheSameNameForAnotherMessageIsAnotherMessage(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(message.Message{Source: "awaken", Type: "success", Payload: "one", ID: "same"})
	w.ask(message.Message{Source: "awaken", Type: "success", Payload: "two", ID: "same"})
	w.fileBecomes(pyyaml.MapOf("awaken key", "two")) // the second one counts
	if !w.logs.has("WARN a message has the id of an earlier one") {
		t.Errorf("it is not in the log: %q", w.logs.text)
	}
}

func TestGarbageThatComesAgainIsNotRecordedTwice(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	for range 2 {
		if got := w.askRaw(ticket(1, 0, ""), []byte("client"), nil, []byte("a: [")); got.Type != message.UnregisteredType {
			t.Errorf("got %s", got.Type)
		}
	}
	w.stop()
	if n := len(w.store.messages); n != 1 {
		t.Errorf("got %d records, want 1", n)
	}
}

func TestOnlyTheNewestHandledRequestsAreKnown(t *testing.T) {
	h := newHandled(nil)
	for i := range int64(engine.KeepHandled + 10) {
		h.add(&engine.Message{ID: i, Request: fmt.Sprint("r", i), Sender: fmt.Sprint("s", i), Type: "success"}, nil)
	}
	if len(h.ring) != engine.KeepHandled || len(h.tickets) != engine.KeepHandled || len(h.senders) != engine.KeepHandled {
		t.Errorf("got %d, %d and %d entries, want %d of each", len(h.ring), len(h.tickets), len(h.senders), engine.KeepHandled)
	}
	if b, _ := h.find(&request{ticket: wire.Ticket{ID: "r9"}}); b != nil {
		t.Errorf("r9 is still known: %+v", b)
	}
	if b, _ := h.find(&request{ticket: wire.Ticket{ID: "r10"}}); b == nil || b.Message != 10 {
		t.Errorf("got %+v, want message 10", b)
	}
}

func TestAPythonWorkerThatWaitsForADeadBrokerIsReported(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the start", w.launchIs(1, launch.Running))
	if got := w.give(ticket(5, again|orphan, ""), report("awaken", "done")); got.Type != message.Ack {
		t.Fatalf("got %s", got.Type)
	}
	a, ok := w.alert("waits launch 1")
	if !ok || a.Kind != "worker waits in vain" || a.Offer != control.CmdKill || !strings.Contains(a.Message, "safe to kill") {
		t.Fatalf("got %+v, want an alert that it is safe to kill", a)
	}
	if r := w.do(a.Offer, string(a.Args)); !r.OK {
		t.Errorf("what is offered fails: %s", r.Error)
	}
	w.processes.exits <- launch.Exit{ID: 1, Time: time.Now(), Status: -1, Signal: "terminated"}
	w.eventually("the outcome that it reported", w.launchIs(1, launch.Succeeded))
	if a, ok := w.alert("waits launch 1"); ok {
		t.Errorf("the alert is still open: %+v", a)
	}
	if w.count("kill") != 1 {
		t.Errorf("got %q, want that only the operator has killed it", w.all())
	}
}

func TestAWorkerOfOursAsksAgainByItselfAndIsNoAlert(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.give(ticket(5, again|orphan, ""), message.Message{Source: "awaken", Type: "success", ID: "host:7:1"})
	if alerts := w.shown().Alerts; len(alerts) != 0 {
		t.Errorf("got %+v, want no alert", alerts)
	}
}

func TestAWorkerThatWaitsInVainAndWasLaunchedByNobodyIsNamed(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.give(ticket(5, again|orphan, ""), report("awaken", nil))
	if a, ok := w.alert("waits awaken"); !ok || a.Offer != "" || !strings.Contains(a.Message, "look for the process of awaken") {
		t.Errorf("got %+v", a)
	}
	w.give(ticket(6, 0, ""), report("awaken", nil))
	if _, ok := w.alert("waits awaken"); ok {
		t.Error("it has been started anew, and the alert is still open")
	}
}

func TestWaitingWorkersEnd(t *testing.T) {
	w := newWorld(t)
	w.config.Waiting = config.WaitingEnd
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the start", w.launchIs(1, launch.Running))
	w.give(ticket(5, again|orphan, ""), report("awaken", "done"))
	w.eventually("SIGTERM", func() bool { return w.count("kill 1001 TERM") == 1 })
	all := w.all()
	if stored := slices.Index(all, "reply ack to client"); stored < 0 || stored > slices.Index(all, "kill 1001 TERM") {
		t.Errorf("got %q, want that its report is durable first", all)
	}
	// A double says nothing certain: its first answer may have arrived.
	w.give(ticket(5, again|orphan, ""), report("awaken", "done"))
	w.stop()
	if n := w.count("kill"); n != 1 {
		t.Errorf("got %d signals, want 1", n)
	}
}

func TestAWorkerThatIsStillThereAfterItsReportWasAnsweredTwiceIsEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		typ    string
		policy config.WaitingPolicy
		behind int64 // the connection; 0: it is gone already, as a manager that was stopped finds it
		want   int
	}{
		"it has said how its work went": {"success", config.WaitingEnd, 1, 1},
		"nobody was seen to say it":     {"success", config.WaitingEnd, 0, 1},
		"it has not":                    {"progress", config.WaitingEnd, 1, 0},
		"an operator shall do it":       {"success", config.WaitingReport, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, config.Policy{}, func(t *testing.T, s *scene) {
				if err := s.stop(); err != nil {
					t.Fatal(err)
				}
				s.config.Waiting = tc.policy
				s.world.start(false)
				s.pass(time.Millisecond)
				s.launch("w.awaken")
				s.pass(time.Second)
				m := message.Message{Source: "awaken", Type: tc.typ}
				if tc.behind != 0 {
					s.processes.behind = map[string]int64{byLaunch: tc.behind}
				}
				s.give(ticket(5, 0, byLaunch), m)
				s.give(ticket(5, again|orphan, ""), m) // by the next broker: whether the first answer arrived is not known
				s.pass(4 * time.Second)
				if n := s.count("kill"); n != 0 {
					t.Errorf("got %d signals before it can be certain, want none", n)
				}
				s.pass(2 * time.Second)
				s.pass(time.Hour)
				if n := s.count("kill 1001 TERM"); n != tc.want {
					t.Errorf("got %d signals, want %d", n, tc.want)
				}
			})
		})
	}
}

// A broker of an earlier version passes such a request on, and has it in hand until its ticket comes back.
func TestARequestWithoutAnEnvelopeIsAnsweredAllTheSame(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	if got := w.askRaw([]byte("1"), ticket(1, 0, ""), []byte("client"), []byte("no delimiter")); got.Type != message.UnregisteredType {
		t.Errorf("got %q, want %q", got.Type, message.UnregisteredType)
	}
	if got := w.askRaw([]byte("1"), ticket(2, 0, "")); got.Type != message.UnregisteredType {
		t.Errorf("a ticket alone: got %q, want %q", got.Type, message.UnregisteredType)
	}
}

func TestATicketThatAWorkerHasForgedIsNone(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	for range 2 { // behind a broker that gives no tickets
		w.askRaw([]byte("client"), ticket(1, 0, ""), nil, report("sleep", true).Encode())
	}
	w.eventually("both are handled", func() bool { return w.store.launch(2).ID == 2 })
}
