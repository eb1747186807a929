package workers

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSignalsEndTheWorkWithoutAMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		signal os.Signal
		work   func(context.Context, *Run) (any, error)
		want   string
	}{
		{"SIGTERM", syscall.SIGTERM,
			func(ctx context.Context, w *Run) (any, error) {
				<-ctx.Done()
				w.Log.Info("tidying up")
				return "x", nil
			},
			"INFO [test_worker] termination signal (SIGTERM) received; shutting down\nINFO [test_worker] tidying up\n"},
		{"SIGINT", syscall.SIGINT,
			func(ctx context.Context, _ *Run) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
			"INFO [test_worker] interrupt signal (SIGINT or Ctrl-C) received; shutting down\n"},
		{"SIGTERM while the manager does not answer", syscall.SIGTERM,
			func(_ context.Context, w *Run) (any, error) { _, err := w.Tell("need", "x"); return nil, err },
			"DEBUG [test_worker] sent message: (need) asking for something\nINFO [test_worker] termination signal (SIGTERM) received; shutting down\n"},
		{"work that does not listen is abandoned", syscall.SIGTERM,
			func(context.Context, *Run) (any, error) { select {} },
			"INFO [test_worker] termination signal (SIGTERM) received; shutting down\n" +
				"WARNING [test_worker] test_worker is still at work 50ms after the signal; it is abandoned\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := startManager(t, "late")
			s := newSite(t, m.port)
			c := newConsole(nil, s.config)
			c.Process.grace = 50 * time.Millisecond
			started := make(chan bool)
			w := worker(func(ctx context.Context, w *Run) (any, error) { close(started); return tt.work(ctx, w) })
			go func() {
				<-started
				if strings.Contains(tt.want, "sent message") {
					m.next(t)
				}
				c.signals <- tt.signal
			}()
			if got := w.Execute(c.Process); got != 0 {
				t.Errorf("got status %d, want 0", got)
			}
			m.none(t)
			want := begin("test_worker") + tt.want + "DEBUG [test_worker] shutting down\n"
			if diff := cmp.Diff(want, s.lines(t)); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManagerThatDoesNotAnswerIsComplainedAbout(t *testing.T) {
	m := startManager(t, "late")
	s := newSite(t, m.port)
	c := newConsole(nil, s.config)
	c.Process.warnEvery = 20 * time.Millisecond
	done := make(chan int)
	go func() {
		done <- worker(func(context.Context, *Run) (any, error) { return nil, nil }).Execute(c.Process)
	}()
	m.next(t)
	deadline := time.Now().Add(patience)
	for strings.Count(s.lines(t), "still waiting: is the broker running?") < 2 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	fmt.Fprintln(m.stdin, "answer")
	if got := <-done; got != 0 {
		t.Errorf("got status %d, want 0", got)
	}
	if got, want := s.lines(t), "WARNING [test_worker] no reply from the manager at localhost:"; strings.Count(got, want) < 2 {
		t.Errorf("got log\n%s\nwant it to say twice %q", got, want)
	}
}
