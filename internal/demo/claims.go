package demo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Claims is the directory in which the stand-ins of one day agree on who is who. Each is a process of its own that knows only
// its module and arguments; when launches are alike, the first to claim a script gets the first.
type Claims struct{ dir string }

// OpenClaims makes the directory if it is not there.
func OpenClaims(dir string) (Claims, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Claims{}, fmt.Errorf("directory for the stand-ins' claims: %w", err)
	}
	return Claims{dir}, nil
}

// Take returns which of the launches with this module and arguments the caller is, counted from 0.
func (c Claims) Take(module string, args []string) (int, error) {
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(Key(module, args))))[:16]
	for k := 0; ; k++ {
		made, err := c.make(name+"."+strconv.Itoa(k), Key(module, args))
		if made || err != nil {
			return k, err
		}
	}
}

// startFile holds when the day began.
const startFile = "start"

// Begin sets the time of the day's first message. It does nothing if that is set already.
func (c Claims) Begin(t time.Time) error {
	_, err := c.make(startFile, t.Format(time.RFC3339Nano))
	return err
}

// Started returns when the day began; the first who asks without anybody having begun it begins it now.
func (c Claims) Started(now time.Time) (time.Time, error) {
	if err := c.Begin(now); err != nil {
		return time.Time{}, err
	}
	text, err := os.ReadFile(filepath.Join(c.dir, startFile))
	if err != nil {
		return time.Time{}, fmt.Errorf("when the day began: %w", err)
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return time.Time{}, fmt.Errorf("when the day began, in %s: %w", filepath.Join(c.dir, startFile), err)
	}
	return t, nil
}

// make creates a file with its contents in one step, and tells whether it was not there before.
func (c Claims) make(name, text string) (bool, error) {
	file := filepath.Join(c.dir, name)
	draft, err := os.CreateTemp(c.dir, ".draft")
	if err != nil {
		return false, fmt.Errorf("claim %s: %w", file, err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(text)
	if err := errors.Join(err, draft.Close()); err != nil {
		return false, fmt.Errorf("claim %s: %w", file, err)
	}
	// A hard link is made only if there is no such file, and the file has its contents from the start.
	switch err := os.Link(draft.Name(), file); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	default:
		return false, fmt.Errorf("claim %s: %w", file, err)
	}
}

// Due returns when a report is to be sent in a day that began at start and runs speed times as fast as real. It is never
// earlier than soonest: a stand-in that was launched late still takes its time.
func (r Report) Due(start time.Time, speed float64, soonest time.Time) time.Time {
	due := start.Add(time.Duration(float64(r.At) / speed))
	if due.Before(soonest) {
		return soonest
	}
	return due
}
