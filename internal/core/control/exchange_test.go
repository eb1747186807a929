package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"nowcast/internal/core/control"
)

func echo(ctx context.Context, r control.Request, a control.KillArgs) (any, error) {
	if a.Launch < 0 {
		return nil, fmt.Errorf("there is no launch %d", a.Launch)
	}
	return map[string]any{"author": r.Author, "launch": a.Launch}, nil
}

func TestACommandIsCarriedOutAndAnswered(t *testing.T) {
	p := newPlace(t)
	startBroker(t, p)
	var logged log
	s := newServer(t, p, control.ServerOptions{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	s.Handle("kill", control.Typed(echo))
	s.Handle("nothing", func(context.Context, control.Request) control.Reply { return control.Answer(nil, nil) })
	s.Handle("panic", func(context.Context, control.Request) control.Reply { panic("on the quay") })
	s.Handle("unspeakable", func(context.Context, control.Request) control.Reply { return control.Answer(func() {}, nil) })
	s.Handle("not json", func(context.Context, control.Request) control.Reply {
		return control.Reply{OK: true, Result: json.RawMessage("{")}
	})
	running(t, s.Run)
	c := dial(t, p)

	for name, test := range map[string]struct {
		command string
		args    any
		want    string // result, or
		err     string // part of the error
	}{
		"arguments and result pass":               {"kill", control.KillArgs{Launch: 17}, `{"author":"sue@salish","launch":17}`, ""},
		"an error of the handler":                 {"kill", control.KillArgs{Launch: -1}, "", "kill: there is no launch -1"},
		"arguments of the wrong type":             {"kill", []int{1}, "", "arguments of kill"},
		"no result":                               {"nothing", nil, "", ""},
		"an unknown command lists the known":      {"sink", nil, "", `the manager has no command "sink": it has kill, not json, nothing, panic, unspeakable`},
		"a panic is an error and nothing else":    {"panic", nil, "", "internal error in the manager, which goes on"},
		"a result that is not JSON":               {"unspeakable", nil, "", "the result cannot be told"},
		"a reply that is not JSON":                {"not json", nil, "", "cannot be told"},
		"arguments that are not JSON never leave": {"kill", func() {}, "", "kill: arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			var result json.RawMessage
			err := c.Call(within(t, patience), "manager", test.command, test.args, &result)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got error %v, want %q", err, test.err)
			}
			if string(result) != test.want {
				t.Errorf("got result %s, want %s", result, test.want)
			}
		})
	}
	if got := logged.String(); !strings.Contains(got, "on the quay") || !strings.Contains(got, "goroutine") {
		t.Errorf("got log %q, want the panic and its stack", got)
	}
	if err := c.Call(within(t, patience), "manager", "kill", control.KillArgs{Launch: 1}, new(int)); err == nil || !strings.Contains(err.Error(), "answer of manager") {
		t.Errorf("a result that does not fit: got error %v", err)
	}
}

func TestCommandsRunSideBySideAndAnswersFindTheirCallers(t *testing.T) {
	p := newPlace(t)
	startBroker(t, p)
	s := newServer(t, p, control.ServerOptions{})
	release := make(chan struct{})
	s.Handle("slow", func(context.Context, control.Request) control.Reply { <-release; return control.Answer("slow", nil) })
	s.Handle("kill", control.Typed(echo))
	running(t, s.Run)
	c := dial(t, p)

	var all sync.WaitGroup
	all.Go(func() {
		var got string
		if err := c.Call(within(t, patience), "manager", "slow", nil, &got); err != nil || got != "slow" {
			t.Errorf("got %q, %v, want slow", got, err)
		}
	})
	for i := range int64(100) {
		all.Go(func() {
			var got struct{ Launch int64 }
			if err := c.Call(within(t, patience), "manager", "kill", control.KillArgs{Launch: i}, &got); err != nil || got.Launch != i {
				t.Errorf("got %d, %v, want %d", got.Launch, err, i)
			}
			if i == 99 {
				close(release)
			}
		})
	}
	all.Wait()
}

func TestACallOutlivesARestartOfTheBrokerAndOfTheDaemon(t *testing.T) {
	p := newPlace(t)
	stopBroker := startBroker(t, p)
	begun := make(chan string, 10)
	var done atomic.Int32
	// The first daemon takes the command and dies without a word.
	first := newServer(t, p, control.ServerOptions{})
	first.Handle("launch", func(ctx context.Context, r control.Request) control.Reply {
		begun <- r.ID
		<-ctx.Done()
		return control.Reply{Again: true}
	})
	stopFirst := running(t, first.Run)
	c := dial(t, p)
	called := make(chan error, 1)
	go func() { called <- c.Call(within(t, patience), "manager", "launch", nil, nil) }()
	id := <-begun
	stopBroker()
	stopFirst()

	startBroker(t, p)
	second := newServer(t, p, control.ServerOptions{})
	second.Handle("launch", func(_ context.Context, r control.Request) control.Reply {
		done.Add(1)
		begun <- r.ID
		return control.Answer(nil, nil)
	})
	running(t, second.Run)
	if err := <-called; err != nil {
		t.Error(err)
	}
	if got := <-begun; got != id || done.Load() != 1 {
		t.Errorf("got request %s done %d times, want the same one, %s, once", got, done.Load(), id)
	}
}
