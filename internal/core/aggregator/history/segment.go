package history

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// segment is a file of records. Its name is its number, which counts up, and when it was begun, for people.
type segment struct {
	number  int64
	path    string
	size    int64     // bytes of whole lines
	begun   time.Time // no record in it came before, though one may be of before
	written time.Time // of the last write: no record in it is younger, unless the clock was wrong
}

const (
	nameFormat = "20060102T150405Z"
	suffix     = ".log"
)

func segmentName(number int64, begun time.Time) string {
	return fmt.Sprintf("%08d-%s%s", number, begun.UTC().Format(nameFormat), suffix)
}

// parseName reads a segment's number and when it was begun.
func parseName(name string) (s segment, ok bool) {
	digits, begun, _ := strings.Cut(strings.TrimSuffix(name, suffix), "-")
	var errs [2]error
	s.number, errs[0] = strconv.ParseInt(digits, 10, 64)
	s.begun, errs[1] = time.Parse(nameFormat, begun)
	return s, errs == [2]error{} && strings.HasSuffix(name, suffix)
}

// segments returns those in a directory, oldest first. Other files there are left alone.
func segments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []segment
	for _, e := range entries {
		s, ok := parseName(e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // removed in between, or not a file
		}
		s.path, s.size, s.written = filepath.Join(dir, e.Name()), info.Size(), info.ModTime()
		found = append(found, s)
	}
	slices.SortFunc(found, func(a, b segment) int { return cmp.Compare(a.number, b.number) })
	return found, nil
}

// resume opens the last segment of an earlier life for writing. A line that was cut by the end of that life is ended, so that
// the next one stands by itself.
func (s *segment) resume() (*os.File, error) {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	last := []byte{'\n'}
	if s.size > 0 {
		_, err = f.ReadAt(last, s.size-1)
	}
	if err == nil && last[0] != '\n' {
		if _, err = f.WriteAt([]byte{'\n'}, s.size); err == nil {
			s.size++
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func create(dir string, number int64, now time.Time) (*os.File, segment, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return nil, segment{}, err
	}
	now = now.Round(0) // what a clock shows that is put back, and not the time that has passed
	s := segment{number: number, path: filepath.Join(dir, segmentName(number, now)), begun: now, written: now}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return f, s, err
}
