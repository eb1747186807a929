package builtin

import (
	"context"

	"nowcast/workers"
)

// clearChecklist ends the day: the manager forgets what was done.
func clearChecklist() workers.Worker {
	return workers.Worker{
		Name: "clear_checklist",
		Description: "Ask the manager to write the checklist to its log and to empty it. " +
			"Usually launched at the end of the day, before rotate_logs.",
		Work: func(_ context.Context, w *workers.Run) (any, error) {
			w.Log.Info("requesting that manager clear system state checklist")
			_, err := w.Tell("clear checklist", nil)
			return nil, err // nothing for the checklist: it was just cleared
		},
		Success: func(w *workers.Run) string {
			w.Log.Info("nowcast system checklist cleared")
			return "success"
		},
		Failure: func(w *workers.Run) string {
			w.Critical("failed to clear nowcast system checklist")
			return "failure"
		},
	}
}
