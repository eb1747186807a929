package builtin

import (
	"context"
	"fmt"
	"time"

	"nowcast/workers"
)

// sleep waits for a number of seconds.
func sleep() workers.Worker {
	seconds := func(w *workers.Run) int { return w.Int("sleep-time") }
	return workers.Worker{
		Name:        "sleep",
		Description: "Sleep for a number of seconds, and do nothing else. An example, and half of the smallest chain: sleep, then awaken.",
		Flags: func(f *workers.Flags) {
			f.Int("sleep-time", 5, "number of seconds to sleep for; defaults to 5")
		},
		Work: func(ctx context.Context, w *workers.Run) (any, error) {
			if seconds(w) < 0 {
				return nil, workers.Errorf("sleep time is negative: %d seconds", seconds(w))
			}
			select {
			case <-time.After(time.Duration(seconds(w)) * time.Second):
			case <-ctx.Done():
			}
			return map[string]any{"sleep time": seconds(w)}, ctx.Err()
		},
		Success: func(w *workers.Run) string {
			w.Log.Info(fmt.Sprintf("slept for %d seconds", seconds(w)))
			return "success"
		},
		Failure: func(w *workers.Run) string {
			w.Critical(fmt.Sprintf("failed to sleep for %d seconds", seconds(w)))
			return "failure"
		},
	}
}
