package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// shimPatience is how long the end of a process may be known without its exit status.
const shimPatience = 2 * time.Second

// watch is the wait for the end of one launch.
type watch struct {
	mu     sync.Mutex
	closed bool
	files  []*os.File // pidfds: of the process and, after its end, of its shim
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, f := range w.files {
		f.Close()
	}
}

// hold returns a pidfd of the very process, nil if it has ended. First it holds on to whoever has the PID, then sees who it
// is: the other way round it could change in between.
func (w *watch) hold(pid int, start uint64) (*os.File, error) {
	if pid <= 0 || start == 0 {
		return nil, nil
	}
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	s, err := process.Read(pid)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || err == nil && (s.Start != start || s.Dead()) {
		f.Close()
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || err != nil {
		f.Close()
		return nil, err
	}
	w.files = append(w.files, f)
	return f, nil
}

// follow sends the Exit of a launch's process when it ends. It waits in a goroutine that is parked in the Go poller, not in a
// thread. After Close it does nothing.
func (la *Launcher) follow(l *launch.Launch, r *record) {
	w := &watch{}
	la.mu.Lock()
	defer la.mu.Unlock()
	if la.watched == nil {
		return
	}
	la.watched[l.ID] = w
	la.waiting.Go(func() {
		e, ok := la.await(l, r, w)
		la.mu.Lock()
		delete(la.watched, l.ID)
		la.mu.Unlock()
		w.close()
		if ok {
			la.send(e)
		}
	})
}

// await returns the end of a process; false if the launcher was closed before.
func (la *Launcher) await(l *launch.Launch, r *record, w *watch) (launch.Exit, bool) {
	own, ok := la.holdOn(l, w, l.PID, l.PIDStart)
	if !ok || own != nil && waitReadable(own) != nil {
		return launch.Exit{}, false
	}
	shim, ok := la.holdOn(l, w, r.shim, r.shimStart)
	if !ok {
		return launch.Exit{}, false
	}
	if shim != nil {
		shim.SetReadDeadline(time.Now().Add(shimPatience))
		if err := waitReadable(shim); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return launch.Exit{}, false
		}
	}
	unknown := errShim
	if own == nil && shim == nil {
		unknown = errAdopted
	}
	return la.ending(l, unknown), true
}

// holdOn is hold; false if the launcher was closed meanwhile.
func (la *Launcher) holdOn(l *launch.Launch, w *watch, pid int, start uint64) (f *os.File, ok bool) {
	err := la.patiently(l, func() (err error) {
		f, err = w.hold(pid, start)
		return err
	})
	if err != nil {
		la.options.Logger.Error("the end of a process may not be noticed", "worker", l.Name(), "launch", l.ID, "err", err)
	}
	return f, !la.isClosed()
}

// patiently does something again while there are no descriptors for it: that a process cannot be seen does not mean that it has
// ended, or was not started.
func (la *Launcher) patiently(l *launch.Launch, act func() error) error {
	for logged := false; ; logged = true {
		err := act()
		if !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE) && !errors.Is(err, unix.ENOMEM) {
			return err
		}
		if !logged {
			la.options.Logger.Error("there are no descriptors left to watch a launch with; it is tried again until there are (ulimit -n)",
				"worker", l.Name(), "launch", l.ID, "err", err)
		}
		select {
		case <-la.closed:
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// waitReadable returns nil when the process of a pidfd has ended, an error when the file was closed or its time is over.
func waitReadable(pidfd *os.File) error {
	conn, err := pidfd.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(poll, 0)
			if !errors.Is(err, unix.EINTR) {
				return n > 0
			}
		}
	})
}

// send waits until there is room: an end is never lost while the launcher is open.
func (la *Launcher) send(e launch.Exit) {
	select {
	case la.exits <- e:
	case <-la.closed:
	}
}
