package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// journal keeps what is logged, a line each: level and message.
type journal struct {
	slog.Handler // for what is not asked here

	mu    sync.Mutex
	lines strings.Builder // guarded by mu
}

func newJournal() *journal { return &journal{Handler: slog.DiscardHandler} }

func (j *journal) logger() *slog.Logger { return slog.New(j) }

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(&j.lines, "%s %s\n", r.Level, r.Message)
	return nil
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}
