package manager

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

func report(source string, payload pyyaml.Value) message.Message {
	return message.Message{Source: source, Type: "success", Payload: payload}
}

func TestAReportIsDurableThenAcknowledgedThenActedUpon(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	if got := w.ask(report("sleep", pyyaml.MapOf("sleep time", int64(5)))); got.Type != "ack" || got.Payload != nil || got.Source != "manager" {
		t.Fatalf("got reply %+v, want ack without payload from manager", got)
	}
	want := pyyaml.MapOf("sleep key", pyyaml.MapOf("sleep time", int64(5)))
	if w.slow {
		w.fileBecomes(want)
	} else if got := w.checklistFile(); !pyyaml.Equal(got, want) {
		t.Errorf("checklist file after the ack: got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(want))
	}
	w.eventually("the launch", w.launchIs(1, launch.Running))
	order := []string{"commit 1 messages 1 launches", "reply ack to client", "commit 0 messages 1 launches", "start w.awaken early", "commit 0 messages 1 launches"}
	if got := w.all(); !slices.Equal(got, order) {
		t.Errorf("got %q\nwant %q", got, order)
	}
	if l := w.store.launch(1); l.Cause != "sleep: success" || l.Message != 1 || l.PID != 1001 {
		t.Errorf("got launch %+v, want its cause, message and process recorded", l)
	}
}

func TestNothingIsAcknowledgedUntilItIsDurable(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.store.fail = 1
	w.ask(report("awaken", true))
	want := []string{"commit fails", "commit 1 messages 0 launches", "reply ack to client"}
	if got := w.all(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if !w.logs.has("ERROR+4 state could not be made durable") {
		t.Errorf("the failed commit is not in the log: %q", w.logs.text)
	}
}

func TestStateAfterARestartIsTheStateBefore(t *testing.T) {
	w := newWorld(t)
	w.rule("a", launch.Next{Await: []string{"b", "sleep"}, Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	w.start(false)
	w.ask(report("awaken", pyyaml.MapOf("x", "y")))
	w.ask(report("awaken", pyyaml.MapOf("z", []pyyaml.Value{int64(1), nil})))
	w.ask(report("a", "text"))
	w.ask(report("sleep", nil)) // held by the barrier
	w.eventually("the launch", w.launchIs(1, launch.Running))
	before := w.do(control.CmdSnapshot, "{}")
	w.stop()
	w.start(false)
	after := w.do(control.CmdSnapshot, "{}")
	var s1, s2 feed.Snapshot
	for text, s := range map[string]*feed.Snapshot{string(before.Result): &s1, string(after.Result): &s2} {
		if err := json.Unmarshal([]byte(text), s); err != nil {
			t.Fatal(err)
		}
		s.Time = time.Time{}
	}
	one, _ := json.Marshal(s1)
	two, _ := json.Marshal(s2)
	if string(one) != string(two) {
		t.Errorf("got\n%s\nwant\n%s", two, one)
	}
	if !slices.Contains(w.all(), "adopt w.b") {
		t.Errorf("the running launch was not adopted: %q", w.all())
	}
	w.ask(report("b", nil))
	w.eventually("release of what the barrier held", func() bool { return slices.Contains(w.all(), "start w.awaken early") })
}

func TestWhatWasDecidedAndNotStartedIsStartedAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.store.launches[3] = &launch.Launch{ID: 3, NextWorker: launch.NextWorker{Module: "w.b"}, Argv: []string{"w.b"}, State: launch.Decided}
	w.start(false)
	w.eventually("the start", w.launchIs(3, launch.Running))
}

func TestTheChecklistFileAtStart(t *testing.T) {
	stored := pyyaml.MapOf("awaken key", "from the store")
	for name, tc := range map[string]struct {
		file   string // "" none
		ignore bool
		want   *pyyaml.Map
		log    string
	}{
		"a file that somebody edited wins":                       {"edited: true\n", false, pyyaml.MapOf("edited", true), "INFO checklist read from"},
		"a file that lost its end leaves what the store has":     {"awaken key", false, stored, "WARN checklist load failed:"},
		"a file that lost all leaves what the store has":         {" ", false, stored, "WARN checklist load failed:"},
		"an empty mapping is what an operator meant":             {"{}\n", false, pyyaml.NewMap(0), "INFO checklist read from"},
		"a file that cannot be read leaves what the store has":   {"a: [", false, stored, "WARN checklist load failed:"},
		"a file that is not a mapping leaves what the store has": {"- a\n", false, stored, "WARN checklist load failed:"},
		"without a file there is what the store has":             {"", false, stored, "WARN checklist load failed:"},
		"--ignore-checklist empties it":                          {"edited: true\n", true, pyyaml.NewMap(0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(false)
			w.ask(report("awaken", "from the store"))
			w.stop()
			os.Remove(w.config.ChecklistFile)
			if tc.file != "" {
				if err := os.WriteFile(w.config.ChecklistFile, []byte(tc.file), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			w.start(tc.ignore)
			if got := w.Manager.checklist.Map(); !pyyaml.Equal(got, tc.want) {
				t.Errorf("got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(tc.want))
			}
			if !w.logs.has(tc.log) {
				t.Errorf("no %q in the log %q", tc.log, w.logs.text)
			}
			w.stop()
			if got := w.checklistFile(); !pyyaml.Equal(got, tc.want) {
				t.Errorf("file: got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(tc.want))
			}
			w.start(false)
			if got := w.Manager.checklist.Map(); !pyyaml.Equal(got, tc.want) {
				t.Errorf("after one more start: got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(tc.want))
			}
			damaged, _ := filepath.Glob(w.config.ChecklistFile + ".damaged-*")
			if want := tc.file != "" && strings.HasPrefix(tc.log, "WARN"); (len(damaged) == 1) != want {
				t.Errorf("put aside: got %q, want one file: %v", damaged, want)
			}
		})
	}
}

func TestAnAddedLineMakesTheFileSomebodysWork(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", "x"))
	w.stop()
	f, err := os.OpenFile(w.config.ChecklistFile, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("added: true\n")
	f.Close()
	w.start(false)
	if got, want := w.Manager.checklist.Map(), pyyaml.MapOf("awaken key", "x", "added", true); !pyyaml.Equal(got, want) {
		t.Errorf("got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(want))
	}
}

func TestTheFileIsReplacedAtomicallyKeepsItsModeAndIsFoundThroughALink(t *testing.T) {
	w := newWorld(t)
	real := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(real, []byte("{}\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, w.config.ChecklistFile); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	open, err := os.Open(real) // a reader that has begun
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	before, err := open.Stat()
	if err != nil {
		t.Fatal(err)
	}
	w.ask(report("awaken", "x"))
	after := before
	w.eventually("another file: one written in place shows a reader half of it", func() bool {
		after, err = os.Stat(real) // may be behind the acknowledgement where the disk is slow
		if err != nil {
			t.Fatal(err) // an atomic replacement leaves no moment without a file
		}
		return !os.SameFile(before, after)
	})
	if after.Mode().Perm() != 0o640 {
		t.Errorf("mode: got %v, want 0640", after.Mode().Perm())
	}
	if info, err := os.Lstat(w.config.ChecklistFile); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info, err)
	}
}

func TestAnOlderFileOfOursIsNotTakenAndWrittenAnew(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", "old"))
	old, err := os.ReadFile(w.config.ChecklistFile)
	if err != nil {
		t.Fatal(err)
	}
	w.ask(report("awaken", "new"))
	w.stop()
	if err := os.WriteFile(w.config.ChecklistFile, old, 0o666); err != nil {
		t.Fatal(err)
	}
	w.start(false)
	if !w.logs.has("WARN the checklist file is as of message 1, the state database as of message 2") {
		t.Errorf("got log %q", w.logs.text)
	}
	w.stop()
	if got, want := w.checklistFile(), pyyaml.MapOf("awaken key", "new"); !pyyaml.Equal(got, want) {
		t.Errorf("got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(want))
	}
}

func TestWhileTheStoreFailsTheOperatorSeesItAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.store.mu.Lock()
	w.store.fail = 1 << 30
	w.store.mu.Unlock()
	w.line.in <- []wire.Frames{{[]byte("client"), nil, report("awaken", true).Encode()}}
	w.eventually("the alert", func() bool {
		var s feed.Snapshot
		return json.Unmarshal(w.do(control.CmdSnapshot, "{}").Result, &s) == nil && len(s.Alerts) == 1 && s.Alerts[0].Kind == "state store"
	})
	if r := w.do(control.CmdLaunch, `{"module":"w.b"}`); r.OK || !strings.Contains(r.Error, "could not be recorded: disk full") {
		t.Errorf("launch: got %+v", r)
	}
	w.store.mu.Lock()
	w.store.fail = 0
	w.store.mu.Unlock()
	if got := w.reply(); got.Type != "ack" {
		t.Errorf("after recovery: got %s, want ack", got.Type)
	}
	w.eventually("commands", func() bool { return w.do(control.CmdLaunch, `{"module":"w.b"}`).OK })
}

func TestNothingBuiltOnWhatWasGivenUpIsAcknowledged(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", "durable"))
	w.store.mu.Lock()
	w.store.poison = 2 // what comes after it could be committed
	w.store.mu.Unlock()
	for range 3 {
		w.line.in <- []wire.Frames{{[]byte("client"), nil, report("awaken", "lost").Encode()}}
	}
	w.eventually("a failed commit", func() bool { return slices.Contains(w.all(), "commit fails") })
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(w.line.out); n != 0 {
		t.Errorf("got %d replies for what is not durable", n)
	}
	if got, want := w.checklistFile(), pyyaml.MapOf("awaken key", "durable"); !pyyaml.Equal(got, want) {
		t.Errorf("file: got %s, want %s", pyyaml.Repr(got), pyyaml.Repr(want))
	}
}

func TestRequestsThatWereHandedOverAreAnsweredBeforeTheEnd(t *testing.T) {
	w := newWorld(t)
	w.line.in = make(chan []wire.Frames, 100)
	w.start(false)
	for range 50 {
		w.line.in <- []wire.Frames{{[]byte("client"), nil, report("awaken", true).Encode()}}
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(w.line.out); n != 50 {
		t.Errorf("got %d answers, want 50", n)
	}
}

func TestALaunchThatWasBeingStartedIsInDoubtAndNotStartedAgain(t *testing.T) {
	w := newWorld(t)
	w.store.launches[3] = &launch.Launch{ID: 3, NextWorker: launch.NextWorker{Module: "w.b"}, Argv: []string{"w.b"}, State: launch.Starting}
	w.processes = &processes{journal: w.journal, doubt: errors.New("look whether it runs")}
	w.start(false)
	w.eventually("lost", w.launchIs(3, launch.Lost))
	if slices.Contains(w.all(), "start w.b") {
		t.Errorf("it was started again: %q", w.all())
	}
	if note := w.store.launch(3).Note; !strings.Contains(note, "look whether it runs") {
		t.Errorf("got note %q", note)
	}
}

func TestHowALaunchEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		report *message.Message
		exit   launch.Exit
		want   launch.State
		alert  bool
	}{
		"success":              {&message.Message{Source: "awaken", Type: "success"}, launch.Exit{}, launch.Succeeded, false},
		"failure":              {&message.Message{Source: "awaken", Type: "failure"}, launch.Exit{}, launch.Failed, true},
		"death without a word": {nil, launch.Exit{Status: 3}, launch.Crashed, true},
		"silence":              {nil, launch.Exit{}, launch.Lost, true},
		"killed by somebody":   {nil, launch.Exit{Status: -1, Signal: "killed"}, launch.Killed, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(false)
			w.ask(report("sleep", nil))
			w.eventually("the start", w.launchIs(1, launch.Running))
			if tc.report != nil {
				w.ask(*tc.report)
			}
			tc.exit.ID, tc.exit.Time = 1, time.Now()
			w.processes.exits <- tc.exit
			w.eventually(string(tc.want), w.launchIs(1, tc.want))
			w.stop()
			if got := len(w.Manager.alerts) == 1; got != tc.alert {
				t.Errorf("alerts: got %v, want one: %v", w.Manager.alerts, tc.alert)
			}
		})
	}
}

func TestAnEndThatIsKnownBeforeTheStartIsNotUndone(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the start", w.launchIs(1, launch.Running))
	w.stop()
	m := w.Manager
	turn := m.turn()
	m.recordExit(turn, launch.Exit{ID: 1, Status: 1, Time: time.Now()})
	m.recordStart(turn, startResult{id: 1, Started: launch.Started{PID: 5, Time: time.Now()}})
	if got := m.launches[1].State; got != launch.Crashed {
		t.Errorf("got %s, want crashed", got)
	}
}

func TestALaunchThatCannotBeStartedIsSeen(t *testing.T) {
	t.Run("no such host", func(t *testing.T) {
		w := newWorld(t)
		w.rule("a", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: "nowhere"}}})
		w.start(false)
		w.ask(report("a", nil))
		if l := w.store.launch(1); l.State != launch.Crashed || !strings.Contains(l.Note, "run: enabled hosts") {
			t.Errorf("got %s %q, want crashed with the reason", l.State, l.Note)
		}
	})
	t.Run("no such program", func(t *testing.T) {
		w := newWorld(t)
		w.start(false)
		w.processes.refuse = errors.New("fork/exec: no such file")
		w.ask(report("sleep", nil))
		w.eventually("the failure", w.launchIs(1, launch.Crashed))
	})
}

func TestRulesThatFailCostOnlyTheirMessage(t *testing.T) {
	w := newWorld(t)
	w.rules.after["a"] = func(message.Message, *pyyaml.Map) (launch.Next, error) {
		return launch.Next{}, errors.New("next_workers.star:7: division by zero")
	}
	w.start(false)
	if got := w.ask(report("a", "payload")); got.Type != "ack" {
		t.Errorf("got %s, want ack", got.Type)
	}
	if !w.logs.has("ERROR+4 after_a failed on (success): nothing was launched\nnext_workers.star:7") {
		t.Errorf("no traceback in the log: %q", w.logs.text)
	}
	if got := w.ask(report("b", nil)); got.Type != "no after_worker function" {
		t.Errorf("got %s, want no after_worker function", got.Type)
	}
	if !w.logs.has("ERROR+4 could not find after_b in next_workers module") {
		t.Errorf("the missing function is not in the log: %q", w.logs.text)
	}
	w.rule("a", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	var s feed.Snapshot
	if err := json.Unmarshal(w.do(control.CmdSnapshot, "{}").Result, &s); err != nil || len(s.Alerts) != 2 || s.Alerts[0].Offer != control.CmdEvaluate || s.Alerts[1].Offer != control.CmdEvaluate {
		t.Fatalf("got alerts %+v %v, want two that offer to evaluate again", s.Alerts, err)
	}
	if r := w.do(control.CmdEvaluate, string(s.Alerts[0].Args)); !r.OK {
		t.Fatalf("evaluate again: %s", r.Error)
	}
	w.eventually("the launch", func() bool { return slices.Contains(w.all(), "start w.b") })
}

func TestBadInputIsAnsweredAndTheNextGoodMessageIsServed(t *testing.T) {
	w := newWorld(t)
	w.config.MessageLimit = 1 << 20
	w.start(false)
	client := []byte("client")
	for name, frames := range map[string]wire.Frames{
		"not UTF-8":              {client, nil, {0xff, 0xfe, 0xfd}},
		"not YAML":               {client, nil, []byte("a: [")},
		"empty":                  {client, nil, nil},
		"a scalar":               {client, nil, []byte("hello")},
		"a list":                 {client, nil, []byte("- 1")},
		"a missing key":          {client, nil, []byte("{source: sleep, type: success}")},
		"a source that is a map": {client, nil, []byte("{source: {a: b}, type: success, payload: 1}")},
		"a Python object":        {client, nil, []byte("{source: sleep, type: success, payload: !!python/object/apply:os.system [ls]}")},
		"deep nesting":           {client, nil, []byte("{source: sleep, type: success, payload: " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}")},
		"an alias bomb":          {client, nil, bomb()},
		"two frames":             {client, nil, report("sleep", nil).Encode(), []byte("and more")},
		"no frame":               {client, nil},
		"too large":              {client, nil, make([]byte, 1<<20+1)},
	} {
		w.logs.mu.Lock()
		w.logs.text = nil
		w.logs.mu.Unlock()
		if got := w.askRaw(frames...); got.Type != "unregistered message type" {
			t.Errorf("%s: got reply %s, want unregistered message type", name, got.Type)
		}
		if !w.logs.has("ERROR not a message") {
			t.Errorf("%s: got log %q, want an ERROR", name, w.logs.text)
		}
		if got := w.ask(report("awaken", nil)); got.Type != "ack" {
			t.Errorf("after %s: got %s, want ack", name, got.Type)
		}
	}
	w.line.in <- []wire.Frames{{[]byte("nobody to answer to")}}
	if got := w.ask(report("awaken", nil)); got.Type != "ack" {
		t.Errorf("after a request without envelope: got %s, want ack", got.Type)
	}
}

func bomb() []byte {
	var b strings.Builder
	b.WriteString("source: sleep\ntype: success\npayload:\n  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		n := strings.Repeat("*a"+string(rune('0'+(i-1)%10))+",", 10)
		b.WriteString("  a" + string(rune('0'+i%10)) + ": &a" + string(rune('0'+i%10)) + " [" + n + "]\n")
	}
	return []byte(b.String())
}

func TestNeedGivesBackWhatWasReported(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	payload := pyyaml.MapOf("text", "norwegian: no", int64(7), []pyyaml.Value{nil, 2.5, true})
	w.ask(report("awaken", payload))
	got := w.ask(message.Message{Source: "sleep", Type: "need", Payload: "awaken key"})
	if got.Type != "ack" || !pyyaml.Equal(got.Payload, payload) {
		t.Errorf("got %s %s, want ack %s", got.Type, pyyaml.Repr(got.Payload), pyyaml.Repr(payload))
	}
}

func TestAttribution(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("sleep", nil))
	w.ask(report("sleep", nil))
	w.eventually("two starts", w.launchIs(2, launch.Running))
	w.ask(message.Message{Source: "awaken", Type: "success", Launch: 2})
	if got := w.store.launch(2).Reports; len(got) != 1 || got[0].Guess {
		t.Errorf("named launch: got %+v, want one report that is no guess", got)
	}
	w.ask(message.Message{Source: "awaken", Type: "need"})
	if m, _, _ := w.store.Message(context.Background(), 4); m.Type != "need" || m.Launch != 1 {
		t.Errorf("only one left: got message %+v, want it attributed to launch 1", m)
	}
	if got := w.store.launch(1).Reports; len(got) != 0 {
		t.Errorf("a question is not a report: got %+v", got)
	}
	w.ask(report("sleep", nil))
	w.ask(report("awaken", nil))
	if got := w.store.launch(1).Reports; len(got) != 1 || !got[0].Guess {
		t.Errorf("two running: got %+v, want a guess for the oldest", got)
	}
}

func TestAGuessGoesByWhatTheMessageIsAbout(t *testing.T) {
	one := &launch.Launch{ID: 1, NextWorker: launch.NextWorker{Args: []string{"host", "forecast2"}}}
	two := &launch.Launch{ID: 2, NextWorker: launch.NextWorker{Args: []string{"host", "nowcast"}}}
	for typ, want := range map[string]*launch.Launch{"success nowcast": two, "failure forecast2": one, "success": one, "success other": one} {
		if got := likeliest([]*launch.Launch{one, two}, typ); got != want {
			t.Errorf("%s: got launch %d, want %d", typ, got.ID, want.ID)
		}
	}
}

func TestCommands(t *testing.T) {
	w := newWorld(t)
	w.rule("a", launch.Next{Await: []string{"b"}})
	w.start(false)
	for name, tc := range map[string]struct{ command, args, err string }{
		"no such command":     {"dance", "{}", "the manager has no command"},
		"bad arguments":       {control.CmdKill, "[]", "arguments of kill"},
		"unregistered worker": {control.CmdLaunch, `{"module":"w.stranger"}`, "stranger is not in message registry"},
		"unknown host":        {control.CmdLaunch, `{"module":"w.b","host":"nowhere"}`, "host nowhere"},
		"unknown launch":      {control.CmdRelaunch, `{"launch":99}`, "there is no launch 99"},
		"unknown barrier":     {control.CmdRelease, `{"barrier":99}`, "barrier 99 is not open"},
		"unknown message":     {control.CmdEvaluate, `{"message":99}`, "there is no message 99"},
	} {
		if r := w.do(tc.command, tc.args); r.OK || !strings.Contains(r.Error, tc.err) {
			t.Errorf("%s: got %+v, want error with %q", name, r, tc.err)
		}
	}
	if r := w.do(control.CmdLaunch, `{"module":"w.awaken","args":["x"]}`); !r.OK {
		t.Fatal(r.Error)
	}
	w.eventually("the start", w.launchIs(1, launch.Running))
	if r := w.do(control.CmdRelaunch, `{"launch":1,"args":["y"]}`); !r.OK {
		t.Fatal(r.Error)
	}
	w.eventually("the start", w.launchIs(2, launch.Running))
	if l := w.store.launch(2); l.Parent != 1 || l.Args[0] != "y" || l.Cause != "relaunch of 1 by sue@host" {
		t.Errorf("got %+v, want parent 1, args y and the author", l)
	}
	if r := w.do(control.CmdKill, `{"launch":2,"signal":"SEGV"}`); r.OK {
		t.Error("kill with SEGV was accepted")
	}
	if r := w.do(control.CmdKill, `{"launch":2,"signal":"TERM"}`); !r.OK {
		t.Error(r.Error)
	}
	w.processes.exits <- launch.Exit{ID: 2, Time: time.Now()}
	w.eventually("killed", w.launchIs(2, launch.Killed))
	if r := w.do(control.CmdKill, `{"launch":2,"signal":"TERM"}`); r.OK || !strings.Contains(r.Error, "is over") {
		t.Errorf("kill of a finished launch: got %+v", r)
	}
	w.ask(report("a", nil))
	w.rule("b", launch.Next{})
	if r := w.do(control.CmdRelease, `{"barrier":1}`); !r.OK {
		t.Error(r.Error)
	}
}

func TestACommandSentTwiceIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	r := control.Request{ID: "same", Command: control.CmdLaunch, Author: "sue@host", Args: []byte(`{"module":"w.awaken"}`)}
	one := w.Do(context.Background(), r)
	two := w.Do(context.Background(), r)
	w.stop()
	w.start(false)
	three := w.Do(context.Background(), r)
	if string(one.Result) != string(two.Result) || string(one.Result) != string(three.Result) {
		t.Errorf("got answers\n%s\n%s\n%s", one.Result, two.Result, three.Result)
	}
	if n := len(w.store.launches); n != 1 {
		t.Errorf("got %d launches, want 1", n)
	}
}

func TestClearChecklistIsDumpedFirst(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	w.ask(report("awaken", "x"))
	if got := w.ask(message.Message{Source: "sleep", Type: "clear checklist"}); got.Type != "checklist cleared" {
		t.Errorf("got %s", got.Type)
	}
	if !w.logs.has("INFO writing checklist to log file") || !w.logs.has("INFO checklist:\n{'awaken key': 'x'}") || !w.logs.has("INFO checklist cleared") {
		t.Errorf("got log %q", w.logs.text)
	}
	w.fileBecomes(pyyaml.NewMap(0))
}

func TestALargeChecklistIsWrittenBehind(t *testing.T) {
	w := newWorld(t)
	big := pyyaml.NewMap(50_000)
	for i := range 50_000 {
		big.Set(int64(i), strings.Repeat("x", 100))
	}
	w.start(false)
	w.ask(report("awaken", big))
	w.ask(report("a", "small"))
	w.eventually("the file", func() bool {
		text, err := os.ReadFile(w.config.ChecklistFile)
		return err == nil && strings.HasPrefix(string(text), "a key: small\n")
	})
	w.stop()
	if got := w.checklistFile(); !pyyaml.Equal(got, w.Manager.checklist.Map()) {
		t.Error("the file differs from the checklist after the end")
	}
}
