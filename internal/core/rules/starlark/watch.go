package starlark

import (
	"bytes"
	"crypto/sha256"
	"os"
	"syscall"
	"time"
)

// stamp is what a file looked like when it was read.
type stamp struct {
	file    string
	exists  bool
	size    int64
	inode   uint64
	written time.Time
	sum     [sha256.Size]byte
	settled bool // it was written long enough before it was read: a later change shows in written
}

// settling is how long after a change of a file another one may leave the same time on it. File systems count in
// ticks of some milliseconds.
const settling = 100 * time.Millisecond

// readStamped reads a file. The stamp is taken before the contents, so that a change in between is seen later as one.
func readStamped(file string) ([]byte, stamp, error) {
	s := stampOf(file)
	text, err := os.ReadFile(file)
	s.sum = sha256.Sum256(text)
	return text, s, err
}

func stampOf(file string) stamp {
	s := stamp{file: file, settled: true}
	info, err := os.Stat(file)
	if err != nil {
		return s
	}
	s.exists, s.size, s.written = true, info.Size(), info.ModTime()
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	s.settled = time.Since(s.written) > settling
	return s
}

// changed tells whether any of the files differs from its stamp. It costs a stat for each, and reads a file only while its
// time is too fresh to be trusted.
func changed(seen []stamp) bool {
	for i := range seen {
		was := &seen[i]
		is := stampOf(was.file)
		if is.exists != was.exists || is.size != was.size || is.inode != was.inode || !is.written.Equal(was.written) {
			return true
		}
		if was.settled {
			continue
		}
		text, err := os.ReadFile(was.file)
		sum := sha256.Sum256(text)
		if err != nil || !bytes.Equal(sum[:], was.sum[:]) {
			return true
		}
		was.settled = is.settled
	}
	return false
}
