package logging

import (
	"fmt"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"
)

// file is logging.FileHandler, and with watch logging.handlers.WatchedFileHandler, and with limit and backups
// logging.handlers.RotatingFileHandler, and with timed logging.handlers.TimedRotatingFileHandler. Each record is one write
// with O_APPEND, and only in a burst several are (burst.go), so processes can share the file.
type file struct {
	path     string
	truncate bool  // mode w: empty it when it is first opened
	watch    bool  // reopen when the path names another file
	limit    int64 // roll before it grows beyond this; 0 never
	backups  int
	timed    *timed // when to roll; nil never
	bursts   bool   // some lines may wait for others; not in a worker, which may end without closing anything
	format   *formatter
	trouble  *trouble

	mu     sync.Mutex
	f      *os.File // guarded by mu, as is what follows; nil if it is not open
	dev    uint64   // of f
	inode  uint64
	due    int64     // with timed: the second from which on it is to be rolled
	looked time.Time // when the path was last compared with f
	torn   bool      // the last line is incomplete: the disk was full
	burst  burst
	closed bool
}

// lookEvery is how long a file is believed to be where it was. A look costs as much as a write, and at thousands of
// records a second it need not be taken for each: the few that come after a rename go to the renamed file.
const lookEvery = 10 * time.Millisecond

func (f *file) emit(r *record) {
	line := r.line(f.format)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gathers(r, line) {
		return
	}
	f.flush()
	age := r.time.Sub(f.looked)
	_, err := f.write(line, r.time, age >= lookEvery || age < 0)
	f.trouble.report(err)
}

func (f *file) formatter() *formatter { return f.format }

// emitLines writes the lines of a batch in one go.
func (f *file) emitLines(b *lines) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	n, err := f.write(b.text, b.at, true)
	f.trouble.reportAll(len(b.ends)-sort.SearchInts(b.ends, n+1), err)
}

// write writes text of the given time, and says how much of it got there.
func (f *file) write(text []byte, now time.Time, look bool) (int, error) {
	if f.closed {
		return 0, os.ErrClosed
	}
	if f.f != nil && f.watch && look {
		f.looked = now
		f.forgetIfMoved()
	}
	if f.f == nil {
		if err := f.open(); err != nil {
			return 0, err
		}
	}
	if err := f.roll(len(text), now); err != nil {
		return 0, err
	}
	if f.torn {
		if _, err := f.f.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		f.torn = false
	}
	n, err := f.f.Write(text)
	f.torn = err != nil && n > 0 && text[n-1] != '\n'
	return n, err
}

func (f *file) roll(more int, now time.Time) error {
	switch {
	case f.limit > 0 && f.backups > 0:
		return f.rollIfFull(more)
	case f.timed != nil:
		return f.rollIfDue(now)
	}
	return nil
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
	f.f, f.dev, f.inode, f.truncate, f.torn = opened, st.Dev, st.Ino, false, false
	if f.timed != nil {
		f.due = f.timed.next(st.Mtim.Sec) // also if another process has just rolled: then the file is new, and due later
	}
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
	if err := rollover(f.path, f.f, shift(f.path, f.backups)); err != nil {
		return err
	}
	return f.reopen()
}

// rollIfDue rolls the file if its time has come. If somebody else has rolled it, it only goes on in the new one.
func (f *file) rollIfDue(now time.Time) error {
	if now.Unix() < f.due {
		return nil
	}
	if info, err := f.f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.due = f.timed.next(now.Unix())
		return err
	}
	if err := rollover(f.path, f.f, f.timed.rename(f.path, f.due, now)); err != nil {
		return err
	}
	if err := f.reopen(); err != nil {
		return err
	}
	f.due = f.timed.after(now)
	return nil
}

func (f *file) reopen() error {
	_ = f.f.Close()
	f.f = nil
	return f.open()
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.flush()
	}
	f.closed = true
	f.trouble.end()
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
