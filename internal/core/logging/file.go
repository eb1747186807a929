package logging

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// file is logging.FileHandler, and with watch logging.handlers.WatchedFileHandler, and with limit and backups
// logging.handlers.RotatingFileHandler. Each record is one write with O_APPEND, so processes can share the file.
type file struct {
	path     string
	truncate bool  // mode w: empty it when it is first opened
	watch    bool  // reopen when the path names another file
	limit    int64 // roll before it grows beyond this; 0 never
	backups  int
	format   *formatter
	trouble  *trouble

	mu     sync.Mutex
	f      *os.File // guarded by mu; nil if it is not open
	dev    uint64   // of f
	inode  uint64
	looked time.Time // when the path was last compared with f
	closed bool
}

// lookEvery is how long a file is believed to be where it was. A look costs as much as a write, and at thousands of
// records a second it need not be taken for each: the few that come after a rename go to the renamed file.
const lookEvery = 10 * time.Millisecond

func (f *file) emit(r *record) {
	line := r.line(f.format)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble.report(f.write(line, r.time))
}

func (f *file) write(line []byte, now time.Time) error {
	if f.closed {
		return os.ErrClosed
	}
	if age := now.Sub(f.looked); f.f != nil && f.watch && (age >= lookEvery || age < 0) {
		f.looked = now
		f.forgetIfMoved()
	}
	if f.f == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.limit > 0 && f.backups > 0 {
		if err := f.rollIfFull(len(line)); err != nil {
			return err
		}
	}
	_, err := f.f.Write(line)
	return err
}

// forgetIfMoved closes the file if its path does not name it any more.
func (f *file) forgetIfMoved() {
	var st syscall.Stat_t
	if err := syscall.Stat(f.path, &st); err == nil && st.Dev == f.dev && st.Ino == f.inode {
		return
	}
	_ = f.f.Close()
	f.f = nil
}

func (f *file) open() error {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if f.truncate {
		flags |= os.O_TRUNC
	}
	opened, err := os.OpenFile(f.path, flags, 0o666)
	if err != nil {
		return err
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(int(opened.Fd()), &st); err != nil {
		_ = opened.Close()
		return err
	}
	f.f, f.dev, f.inode, f.truncate = opened, st.Dev, st.Ino, false
	return nil
}

// rollIfFull rolls the file if the line would fill it. The other processes that write to it may think the same at the same
// moment: whoever gets the lock rolls, and the others find that it has been done.
func (f *file) rollIfFull(line int) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.f.Fd()), &st); err != nil {
		return err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG || st.Size+int64(line) < f.limit {
		return nil
	}
	if err := rollover(f.path, f.backups, f.f); err != nil {
		return err
	}
	_ = f.f.Close()
	f.f = nil
	return f.open()
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	if err != nil {
		return fmt.Errorf("close log file: %w", err)
	}
	return nil
}
