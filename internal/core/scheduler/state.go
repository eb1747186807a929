package scheduler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"syscall"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/statefile"
)

// state is what is kept in the file, and once more in a copy of it: nobody else knows what operators hold.
type state struct {
	Entries []record       `json:"entries"`          // in the order of the file
	Alerts  []engine.Alert `json:"alerts,omitempty"` // open, of the last day, oldest first
}

func copyOf(path string) string { return path + ".copy" }

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

// loaded is what came of reading the state.
type loaded struct {
	state
	damage    error // of the file, or of its copy
	forgotten bool  // neither could be used: nobody knows what was held
}

// load reads the file or, if that cannot be used, its copy. What cannot be used is put aside.
func load(path string, now time.Time) (l loaded) {
	var err, copyErr error
	if l.state, err = read(path); err == nil {
		return l
	}
	if l.state, copyErr = read(copyOf(path)); copyErr == nil {
		l.damage = fmt.Errorf("%w: its copy is used, which is the same unless it could not be written at the end", putAside(path, err, now))
		return l
	}
	if errors.Is(err, fs.ErrNotExist) && errors.Is(copyErr, fs.ErrNotExist) {
		return loaded{} // the first start
	}
	l = loaded{forgotten: true}
	if !errors.Is(err, fs.ErrNotExist) {
		l.damage = putAside(path, err, now)
	}
	if !errors.Is(copyErr, fs.ErrNotExist) {
		if of := putAside(copyOf(path), copyErr, now); l.damage == nil {
			l.damage = of
		} else {
			l.damage = fmt.Errorf("%w, and %w", l.damage, of)
		}
	}
	return l
}

// putAside says why a file cannot be used and where it is now.
func putAside(path string, why error, now time.Time) error {
	if errors.Is(why, fs.ErrNotExist) {
		return fmt.Errorf("%s is gone", path)
	}
	aside, err := statefile.PutAside(path, now)
	if err != nil {
		return fmt.Errorf("%s cannot be used (%w) and could not be put aside (%w)", path, why, err)
	}
	return fmt.Errorf("%s cannot be used (%w); it is now %s", path, why, aside)
}

// A sum begins the file: a flipped bit in the name of a key leaves JSON that looks sound, and a hold that nobody sees.
const (
	sumBegins = `{"sum":"`
	sumDigits = 8
	sumEnds   = `",`
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// read returns the state in a file. Of a former version there is no sum.
func read(path string) (s state, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return state{}, err
	}
	if rest, summed := bytes.CutPrefix(data, []byte(sumBegins)); summed {
		if len(rest) < sumDigits+len(sumEnds) || string(rest[:sumDigits]) != sumOf(rest[sumDigits:]) {
			return state{}, errors.New("its checksum is wrong")
		}
	} else if !bytes.HasPrefix(data, []byte(`{"entries":`)) {
		return state{}, errors.New("it is not the state of a scheduler")
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return state{}, err
	}
	return s, nil
}

func sumOf(data []byte) string {
	return fmt.Sprintf("%0*x", sumDigits, crc32.Checksum(data, castagnoli))
}

// save replaces the file and then the copy, each in one step: at any moment one of them is sound, and when it returns both are as new.
func save(path string, s state) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	rest := append([]byte(sumEnds), body[1:]...) // without its brace
	data := append([]byte(sumBegins+sumOf(rest)), rest...)
	if err := statefile.Replace(path, data); err != nil {
		return err
	}
	return statefile.Replace(copyOf(path), data)
}
