package main

import (
	"context"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/daemon"
)

// slowHandler is a log that takes its time, like one on a busy host.
type slowHandler struct {
	slog.Handler
	written []string // owned by whoever logs until serve returns
}

func (h *slowHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *slowHandler) Handle(_ context.Context, r slog.Record) error {
	time.Sleep(50 * time.Millisecond)
	h.written = append(h.written, r.Message)
	return nil
}

// TestTheLastLogLineIsWrittenBeforeTheDaemonEnds ends a daemon that has nothing left to do: its log is closed next.
func TestTheLastLogLineIsWrittenBeforeTheDaemonEnds(t *testing.T) {
	h := &slowHandler{}
	alerts := daemon.NewAlerts(func(string, any) {}, time.Now)
	d := &process{name: "any", alerts: alerts, logger: slog.New(h)}
	ctx, cancel := context.WithCancelCause(context.Background())
	if err := d.serve(ctx, nil, func(ctx context.Context) error {
		cancel(stopSignal{syscall.SIGTERM})
		<-ctx.Done()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := "termination signal (SIGTERM) received; shutting down"
	if len(h.written) != 1 || h.written[0] != want {
		t.Errorf("got the log lines %q when the daemon ended, want %q", h.written, want)
	}
}
