package workers

import "nowcast/internal/core/logging"

// RotatingLog is a log file that is to be rolled from time to time.
type RotatingLog struct {
	Path string // absolute
	file logging.RotatingFile
}

// RotatingLogs returns the files of the RotatingFileHandlers of the configuration: those of the log aggregator and
// of the handler checklist where logging is distributed, all of them otherwise.
func (r *Run) RotatingLogs() ([]RotatingLog, error) {
	files, err := logging.RotatingFiles(r.cfg)
	if err != nil {
		return nil, err
	}
	logs := make([]RotatingLog, len(files))
	for i, f := range files {
		logs[i] = RotatingLog{f.Path, f}
	}
	return logs, nil
}

// Roll renames the file to .1, .1 to .2 and so on, and makes a new file with the mode rw-rw-r--. Whoever logs to it goes on
// in the new file with the next record.
func (l RotatingLog) Roll() error { return l.file.Rollover() }
