package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"nowcast/internal/core/config"
)

// RotatingFile is a log file of a RotatingFileHandler, which the worker rotate_logs rolls.
type RotatingFile struct {
	Path    string // absolute
	Backups int    // backupCount
}

// RotatingFiles returns the files of all RotatingFileHandlers of a configuration with local logging; with distributed logging
// those of the aggregator, and that of the checklist handler.
func RotatingFiles(c *config.Config) ([]RotatingFile, error) {
	role := Aggregator
	if !c.Distributed() {
		role = Worker
	}
	s, err := parseSection(c, role)
	if err != nil {
		return nil, err
	}
	handlers := s.handlers
	if c.Distributed() {
		publisher, err := parseSection(c, Worker)
		if err != nil {
			return nil, err
		}
		for _, h := range publisher.handlers {
			if h.name == "checklist" {
				handlers = append(handlers, h)
			}
		}
	}
	var files []RotatingFile
	for _, h := range handlers {
		if h.class == classRotating {
			files = append(files, RotatingFile{h.path, h.backups})
		}
	}
	return files, nil
}

// rolledMode is what a log file has after it was rolled: owner and group may write.
const rolledMode = 0o664

// Rollover renames the file to .1, .1 to .2 and so on up to Backups, the oldest is gone, and makes a new empty file
// that its group may write to. Without backups, or without a file, only the mode is set.
func (r RotatingFile) Rollover() error {
	old, err := os.OpenFile(r.Path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, rolledMode)
	if err != nil {
		return fmt.Errorf("roll log file: %w", err)
	}
	defer old.Close()
	if r.Backups > 0 {
		if err := rollover(r.Path, old, shift(r.Path, r.Backups)); err != nil {
			return err
		}
	}
	// Somebody who logs may have made the new file by now; then it only gets its mode.
	f, err := os.OpenFile(r.Path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, rolledMode)
	if err != nil {
		return fmt.Errorf("make new log file: %w", err)
	}
	defer f.Close()
	if err := f.Chmod(rolledMode); err != nil {
		return fmt.Errorf("set permissions of new log file: %w", err)
	}
	return nil
}

// rollover renames, unless the path names another file than the open one: then somebody else has just rolled it.
func rollover(path string, open *os.File, rename func() error) error {
	if err := syscall.Flock(int(open.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock log file %s: %w", path, err)
	}
	defer func() { _ = syscall.Flock(int(open.Fd()), syscall.LOCK_UN) }()
	ours, err := open.Stat()
	if err != nil {
		return fmt.Errorf("roll log file: %w", err)
	}
	if named, err := os.Stat(path); err != nil || !os.SameFile(ours, named) {
		return nil
	}
	if err := rename(); err != nil {
		return fmt.Errorf("roll log file: %w", err)
	}
	return nil
}

// shift returns what renames a file to .1, and .1 to .2 and so on.
func shift(path string, backups int) func() error {
	return func() error {
		for i := backups - 1; i >= 0; i-- {
			from := path
			if i > 0 {
				from = path + "." + strconv.Itoa(i)
			}
			if err := os.Rename(from, path+"."+strconv.Itoa(i+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	}
}

// absolute makes a file name of the configuration absolute: it is relative to the configuration's directory.
func absolute(c *config.Config, name string) string {
	if filepath.IsAbs(name) || c.File == "" {
		return filepath.Clean(name)
	}
	return filepath.Join(filepath.Dir(c.File), name)
}
