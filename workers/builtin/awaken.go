package builtin

import (
	"context"

	"nowcast/workers"
)

// awaken says that it was called.
func awaken() workers.Worker {
	return workers.Worker{
		Name:        "awaken",
		Description: "Say that it was launched, and do nothing else. An example: the worker that is launched when sleep has finished.",
		Work: func(context.Context, *workers.Run) (any, error) {
			return map[string]any{"awoke": true}, nil
		},
		Success: func(w *workers.Run) string {
			w.Log.Info("awoke")
			return "success"
		},
		Failure: func(w *workers.Run) string {
			w.Critical("failed to awaken")
			return "failure"
		},
	}
}
