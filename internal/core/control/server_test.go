package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/wire"
)

func TestARequestThatWasAnsweredIsCarriedOutAgain(t *testing.T) {
	p := newPlace(t)
	startBroker(t, p)
	s := newServer(t, p, control.ServerOptions{})
	var times atomic.Int32
	s.Handle("snapshot", func(context.Context, control.Request) control.Reply { return control.Answer(times.Add(1), nil) })
	running(t, s.Run)

	one, two := dialRaw(t, p), dialRaw(t, p)
	for i, c := range []raw{one, one, two} {
		got, want := c.ask("7", `{"command":"snapshot"}`), fmt.Sprintf(`{"ok":true,"result":%d}`, i+1)
		if got != want {
			t.Errorf("got %s, want %s, what is true now", got, want)
		}
	}
}

func TestARequestThatIsInHandIsNotBegunAgain(t *testing.T) {
	p := newPlace(t)
	startBroker(t, p)
	s := newServer(t, p, control.ServerOptions{})
	var times atomic.Int32
	begun, release := make(chan struct{}, 10), make(chan struct{})
	s.Handle("launch", func(context.Context, control.Request) control.Reply {
		begun <- struct{}{}
		<-release
		return control.Answer(times.Add(1), nil)
	})
	s.Handle("look", func(context.Context, control.Request) control.Reply { return control.Answer("seen", nil) })
	running(t, s.Run)
	one, two := dialRaw(t, p), dialRaw(t, p)
	one.ask("ready?", `{"command":"look"}`)
	two.ask("ready??", `{"command":"look"}`)

	launch := wire.Frames{[]byte("7"), []byte("manager"), []byte(`{"command":"launch"}`)}
	one.Send(launch)
	<-begun
	one.Send(launch, wire.Frames{[]byte("8"), []byte("manager"), []byte(`{"command":"look"}`)})
	two.Send(launch, wire.Frames{[]byte("9"), []byte("manager"), []byte(`{"command":"look"}`)})
	// Commands of one client are taken in order: once the look is answered, the launch before it was seen.
	for _, c := range []raw{one, two} {
		if got := string((<-c.Receive())[0][1]); got != `{"ok":true,"result":"seen"}` {
			t.Fatalf("got %s, want the answer to look", got)
		}
	}
	close(release)
	for _, c := range []raw{one, two} {
		if got := string((<-c.Receive())[0][1]); got != `{"ok":true,"result":1}` {
			t.Errorf("got %s, want the one result", got)
		}
	}
	if got := times.Load(); got != 1 {
		t.Errorf("done %d times, want 1", got)
	}
}

func TestWhatTheServerRefusesIsAnsweredWithAReason(t *testing.T) {
	p := newPlace(t)
	startBroker(t, p)
	var logged log
	s := newServer(t, p, control.ServerOptions{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	s.Handle("launch", func(context.Context, control.Request) control.Reply {
		t.Error("it was carried out")
		return control.Reply{}
	})
	running(t, s.Run)
	c := dialRaw(t, p)
	for _, test := range []struct{ body, want string }{
		{`{`, "the command cannot be read"},
		{``, "the command cannot be read"},
		{`[1]`, "the command cannot be read"},
		{`{}`, `has no command \"\"`},
		{`{"command":"launch","expires":"2001-01-01T00:00:00Z"}`, "nothing was done"},
	} {
		if got := c.ask("id of "+test.body, test.body); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.body, got, test.want)
		}
	}
	if got := logged.String(); !strings.Contains(got, "too late") {
		t.Errorf("got log %q, want the command that came too late", got)
	}
}

func TestAServerThatIsToldToStopAnswersWhatItHasInHand(t *testing.T) {
	p := newPlace(t)
	startBroker(t, p)
	s := newServer(t, p, control.ServerOptions{})
	begun := make(chan struct{})
	s.Handle("launch", func(ctx context.Context, r control.Request) control.Reply {
		close(begun)
		<-ctx.Done()
		return control.Answer("launched", nil)
	})
	stop := running(t, s.Run)
	called := make(chan error, 1)
	var got string
	c := dial(t, p)
	go func() { called <- c.Call(within(t, patience), "manager", "launch", nil, &got) }()
	<-begun
	stop()
	if err := <-called; err != nil || got != "launched" {
		t.Errorf("got %q, %v, want launched", got, err)
	}
}

func FuzzServer(f *testing.F) {
	p := newPlace(f)
	startBroker(f, p)
	s := newServer(f, p, control.ServerOptions{})
	s.Handle("kill", control.Typed(echo))
	running(f, s.Run)
	c := dialRaw(f, p)
	n := 0
	f.Add(`{"command":"kill","author":"sue","args":{"launch":1}}`)
	f.Add(`{"command":"kill","args":"no"}`)
	f.Fuzz(func(t *testing.T, body string) {
		n++
		var r control.Reply
		if answer := (raw{t, c.Conn}).ask(fmt.Sprint(n), body); json.Unmarshal([]byte(answer), &r) != nil || r.OK == (r.Error != "") {
			t.Errorf("got answer %s", answer)
		}
	})
}

func BenchmarkCall(b *testing.B) {
	p := newPlace(b)
	startBroker(b, p)
	s := newServer(b, p, control.ServerOptions{})
	s.Handle("kill", control.Typed(echo))
	running(b, s.Run)
	c := dial(b, p)
	ctx := within(b, time.Hour)
	for b.Loop() {
		if err := c.Call(ctx, "manager", "kill", control.KillArgs{Launch: 1}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
