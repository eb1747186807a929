package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"nowcast/internal/core/engine"
)

// state is what is kept in the file.
type state struct {
	Entries []record       `json:"entries"`          // in the order of the file
	Alerts  []engine.Alert `json:"alerts,omitempty"` // open, of the last day, oldest first
}

// lock keeps a second scheduler out until the file that it returns is closed, by Close or by the end of the process.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the schedule: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another scheduler works with %s: stop it first (%w)", path, err)
	}
	return f, nil
}

// load reads the file. One that cannot be used is put aside, which the error tells, and the state is empty: a scheduler that
// has forgotten when it launched last is better than none.
func load(path string) (s state, err error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return state{}, nil
	case err == nil:
		if err = json.Unmarshal(data, &s); err == nil {
			return s, nil
		}
	}
	aside := path + ".damaged"
	err = fmt.Errorf("%s cannot be used (%w): due times count from now, holds and last runs are forgotten; the file is now %s", path, err, aside)
	return state{}, errors.Join(err, os.Rename(path, aside))
}

// save replaces the file in one step: after a power cut there is the old one or the new one.
func save(path string, s state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
