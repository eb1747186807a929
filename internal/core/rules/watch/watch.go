// Package watch tells when the files of a set of rules have changed, at the cost of a stat for each.
package watch

import (
	"crypto/sha256"
	"os"
	"syscall"
	"time"
)

// Stamp is what a file looked like when it was read.
type Stamp struct {
	File    string
	Exists  bool
	Size    int64
	Inode   uint64
	Written time.Time
	Sum     [sha256.Size]byte
	Settled bool // it was written long enough before it was read: a later change shows in Written
}

// Settling is how long after a change of a file another one may leave the same time on it. File systems count in
// ticks of some milliseconds.
const Settling = 100 * time.Millisecond

// Read reads a file. The stamp is taken before the contents, so that a change in between is seen later as one.
func Read(file string) ([]byte, Stamp, error) {
	s := stampOf(file)
	text, err := os.ReadFile(file)
	s.Sum = sha256.Sum256(text)
	return text, s, err
}

func stampOf(file string) Stamp {
	s := Stamp{File: file, Settled: true}
	info, err := os.Stat(file)
	if err != nil {
		return s
	}
	s.Exists, s.Size, s.Written = true, info.Size(), info.ModTime()
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode = sys.Ino
	}
	s.Settled = time.Since(s.Written) > Settling
	return s
}

// Changed tells whether any of the files differs from its stamp. It reads a file only while its time is too fresh to be
// trusted.
func Changed(seen []Stamp) bool {
	for i := range seen {
		was := &seen[i]
		is := stampOf(was.File)
		if is.Exists != was.Exists || is.Size != was.Size || is.Inode != was.Inode || !is.Written.Equal(was.Written) {
			return true
		}
		if was.Settled {
			continue
		}
		text, err := os.ReadFile(was.File)
		if err != nil || sha256.Sum256(text) != was.Sum {
			return true
		}
		was.Settled = is.Settled
	}
	return false
}
