package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/control"
)

func TestWithoutAnAnswerTheErrorSaysWhatIsMissing(t *testing.T) {
	t.Run("no socket", func(t *testing.T) {
		p := newPlace(t)
		err := dial(t, p).Call(within(t, 10*time.Millisecond), "manager", "launch", nil, nil)
		want := fmt.Sprintf("launch: no answer from manager: is nowcastd up running with this configuration? nowcastd broker is missing: socket %s does not exist",
			strings.TrimPrefix(p.clients, "ipc://"))
		if err == nil || err.Error() != want || !errors.Is(err, control.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error\n%v\nwant\n%s", err, want)
		}
	})
	t.Run("a socket left by a dead broker", func(t *testing.T) {
		p := newPlace(t)
		stop := startBroker(t, p)
		c := dial(t, p)
		if err := c.Call(within(t, patience), "manager", "launch", nil, nil); err == nil {
			t.Fatal("got no error without a manager")
		}
		stop() // leaves the file behind
		err := c.Call(within(t, 10*time.Millisecond), "manager", "launch", nil, nil)
		if err == nil || !strings.Contains(err.Error(), "nobody serves") {
			t.Errorf("got error %v, want that nobody serves the socket", err)
		}
	})
	t.Run("no manager", func(t *testing.T) {
		p := newPlace(t)
		startBroker(t, p)
		err := dial(t, p).Call(within(t, patience), "manager", "launch", nil, nil)
		if err == nil || !strings.Contains(err.Error(), "no manager is connected") || !errors.Is(err, control.ErrNoAnswer) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want the broker's, well before the deadline", err)
		}
	})
	t.Run("a manager that hangs", func(t *testing.T) {
		p := newPlace(t)
		startBroker(t, p)
		s := newServer(t, p, control.ServerOptions{})
		begun := make(chan struct{}, 1)
		s.Handle("launch", func(ctx context.Context, r control.Request) control.Reply {
			begun <- struct{}{}
			<-ctx.Done()
			return control.Reply{}
		})
		running(t, s.Run)
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-begun; cancel() }()
		err := dial(t, p).Call(ctx, "manager", "launch", nil, nil)
		if err == nil || !strings.Contains(err.Error(), "manager does not answer") || !strings.Contains(err.Error(), "is not known") {
			t.Errorf("got error %v, want that the manager does not answer and that the outcome is not known", err)
		}
	})
}
