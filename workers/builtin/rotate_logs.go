package builtin

import (
	"context"
	"time"

	"nowcast/workers"
)

// rotateLogs begins new log files.
func rotateLogs() workers.Worker {
	return workers.Worker{
		Name: "rotate_logs",
		Description: "Begin new log files: roll the file of each RotatingFileHandler in the logging configuration to .1, .1 to .2, " +
			"and so on up to its backupCount. Usually launched at the end of the day, after clear_checklist.",
		Work: rotate,
		Success: func(w *workers.Run) string {
			w.Log.Info("log files rotated")
			return "success"
		},
		Failure: func(w *workers.Run) string {
			w.Critical("failed to rotate log files")
			return "failure"
		},
	}
}

func rotate(_ context.Context, w *workers.Run) (any, error) {
	w.Log.Info("rotating log files")
	logs, err := w.RotatingLogs()
	if err != nil {
		return nil, workers.Errorf("find the log files: %w", err)
	}
	rolled := []string{}
	for _, l := range logs {
		// If one cannot be rolled, the others still want to be; the failure is reported when they are done.
		if err := l.Roll(); err != nil {
			w.Log.Error(err.Error())
			continue
		}
		rolled = append(rolled, l.Path)
	}
	// What follows belongs in the new files, and our own log notices within this time that it has one.
	time.Sleep(10 * time.Millisecond)
	for _, path := range rolled {
		w.Log.Info("log file rotated: " + path)
		w.Log.Debug("new " + path + " log file permissions set to rw-rw-r--")
	}
	if failed := len(logs) - len(rolled); failed > 0 {
		return nil, workers.Errorf("%d of %d log files could not be rotated", failed, len(logs))
	}
	return map[string]any{"log files": rolled}, nil
}
