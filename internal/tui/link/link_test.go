package link

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/broker"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// callee answers every command with what it is told to.
type callee struct {
	target, command string
	args            any
	answer          string // JSON
	err             error
}

func (c *callee) Call(_ context.Context, target, command string, args, result any) error {
	c.target, c.command, c.args = target, command, args
	if c.err != nil || c.answer == "" {
		return c.err
	}
	return json.Unmarshal([]byte(c.answer), result)
}

func TestAStormOfEventsIsFewFrames(t *testing.T) {
	events := make(chan []feed.Event)
	l := New(t.Context(), events, &callee{})
	const batches = 10_000
	go func() {
		for i := range batches {
			events <- []feed.Event{{Seq: uint64(i + 1)}}
		}
	}()
	start := time.Now()
	frames, next := 0, uint64(1)
	for next <= batches {
		f := l.Next().(Frame)
		frames++
		for _, e := range f.Events {
			if e.Seq != next {
				t.Fatalf("event %d comes where %d is due", e.Seq, next)
			}
			next++
		}
	}
	if most := int(time.Since(start)/frame) + 2; frames > most {
		t.Errorf("%d events came in %d frames, want at most %d", batches, frames, most)
	}
}

func TestAnIdleFeedStillMovesTheClock(t *testing.T) {
	l := New(t.Context(), make(chan []feed.Event), &callee{})
	f, ok := l.Next().(Frame)
	if !ok || f.Now.IsZero() || len(f.Events) != 0 {
		t.Errorf("without events the frame is %+v", f)
	}
	if late := f.Now.Nanosecond(); late > 500_000_000 {
		t.Errorf("the frame comes %v after the second", time.Duration(late))
	}
}

func TestNextEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := New(ctx, make(chan []feed.Event), &callee{})
	cancel()
	if msg := l.Next(); msg != nil {
		t.Errorf("it returns %v, want nothing", msg)
	}
}

func TestAMissingSocketIsNamed(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := New(t.Context(), make(chan []feed.Event), &callee{}, there, there+"-not")
	if f := l.Next().(Frame); f.Missing != there+"-not" {
		t.Errorf("missing is %q, want %q", f.Missing, there+"-not")
	}
}

func TestCommandsGoToTheDaemonTheyAreFor(t *testing.T) {
	for _, tc := range []struct {
		name            string
		do              func(l *Link) tea.Cmd
		target, command string
	}{
		{"a snapshot", func(l *Link) tea.Cmd { return l.AskSnapshot(Manager) }, "manager", "snapshot"},
		{"the history", func(l *Link) tea.Cmd { return l.AskHistory() }, "log_aggregator", "logs"},
		{"the schedule", func(l *Link) tea.Cmd { return l.AskSchedule(time.Now()) }, "scheduler", "schedule"},
		{"the incidents", func(l *Link) tea.Cmd { return l.AskIncidents(time.Now()) }, "alerter", "incidents"},
		{"an operator's command", func(l *Link) tea.Cmd { return l.Do(Manager, "x", control.CmdKill, control.KillArgs{Launch: 1}) }, "manager", "kill"},
	} {
		c := &callee{err: errors.New("no")}
		msg := tc.do(New(t.Context(), nil, c))()
		if c.target != tc.target || c.command != tc.command {
			t.Errorf("%s: %s to %s, want %s to %s", tc.name, c.command, c.target, tc.command, tc.target)
		}
		var err error
		switch msg := msg.(type) {
		case Snapshot:
			err = msg.Err
		case History:
			err = msg.Err
		case Schedule:
			err = msg.Err
		case Incidents:
			err = msg.Err
		case Answer:
			err = msg.Err
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the error is %v, want %v", tc.name, err, c.err)
		}
	}
}

func TestTheEndOfAnOutputFileIsRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) Output { return New(t.Context(), nil, &callee{}).ReadOutput(7, path)().(Output) }

	small := write("small", "one\ntwo\n")
	if diff := cmp.Diff(Output{Launch: 7, Path: small, Text: "one\ntwo\n"}, read(small)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := read(write("large", strings.Repeat("x", tail)+"the end")); got.Skipped != 7 || !strings.HasSuffix(got.Text, "the end") || len(got.Text) != tail {
		t.Errorf("of a large file %d bytes are skipped and %d read, want 7 and %d", got.Skipped, len(got.Text), tail)
	}
	if got := read(filepath.Join(dir, "none")); !errors.Is(got.Err, os.ErrNotExist) {
		t.Errorf("of no file the error is %v", got.Err)
	}
	if got := read(dir); got.Err == nil || !strings.Contains(got.Err.Error(), "not a file") {
		t.Errorf("of a directory the error is %v", got.Err)
	}
}

// The console is opened first, the daemons come later, the broker restarts.
func TestARealSystemIsReachedHoweverLateItComes(t *testing.T) {
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := func(name string) string { return filepath.Join(dir, name) }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	l, closeLink, err := Open(ctx, Options{Feed: path("feed"), Control: path("control"), Author: "sue@salish"})
	if err != nil {
		t.Fatal(err)
	}
	if f := l.Next().(Frame); f.Missing != path("feed") {
		t.Errorf("before there are daemons, missing is %q, want %q", f.Missing, path("feed"))
	}

	start := func() (stop func()) {
		b, err := broker.New(broker.Options{
			Logger: slog.New(slog.DiscardHandler), Workers: "tcp://127.0.0.1:0", Manager: "tcp://127.0.0.1:0",
			FeedIn: "ipc://" + path("feed-in"), FeedOut: "ipc://" + path("feed"),
			ControlClients: "ipc://" + path("control"), ControlDaemons: "ipc://" + path("daemons"),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	stop := start()
	pub, err := feed.NewPublisher("ipc://"+path("feed-in"), Manager, feed.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	server, err := control.NewServer(control.ServerOptions{Endpoint: "ipc://" + path("daemons"), Name: Manager, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.Handle(control.CmdRelaunch, control.Typed(func(_ context.Context, r control.Request, a control.RelaunchArgs) (any, error) {
		return launch.Launch{ID: a.Launch + 1, Cause: r.Author}, nil
	}))
	serving, stopServing := context.WithCancel(ctx)
	served := make(chan error)
	go func() { served <- server.Run(serving) }()

	for _, when := range []string{"at first", "after a restart of the broker"} {
		receive(t, l, pub, when)
		msg := l.Do(Manager, "launch", control.CmdRelaunch, control.RelaunchArgs{Launch: 4})().(Answer)
		var got launch.Launch
		if err := json.Unmarshal(msg.Result, &got); msg.Err != nil || err != nil || got.ID != 5 || got.Cause != "sue@salish" {
			t.Errorf("%s the answer is %s, %v, %v", when, msg.Result, msg.Err, err)
		}
		stop()
		stop = start()
	}
	stopServing()
	if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	stop()
	if err := closeLink(); err != nil {
		t.Error(err)
	}
}

// receive publishes until something arrives: a subscription takes a moment to reach the hub.
func receive(t *testing.T, l *Link, pub *feed.Publisher, when string) {
	t.Helper()
	for range 20 {
		pub.Publish(feed.StreamDaemon, feed.Heartbeat{Name: Manager})
		f, ok := l.Next().(Frame)
		if !ok {
			break
		}
		if len(f.Events) > 0 {
			return
		}
	}
	t.Fatalf("%s nothing arrives", when)
}
