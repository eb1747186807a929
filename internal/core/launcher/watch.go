package launcher

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/launch"
)

// errAdopted is the Err of the Exit of a process that was not our child.
var errAdopted = errors.New("ended while or after the manager was restarted; its exit status is not known")

// watch waits for the end of a process in a goroutine that is parked in the Go poller, not in a thread, and sends what
// ended returns. It owns pidfd. After Close it does nothing.
func (la *Launcher) watch(id int64, pidfd int, ended func() launch.Exit) {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		la.options.Logger.Error("cannot watch a process without blocking", "launch", id, "err", err)
	}
	f := os.NewFile(uintptr(pidfd), "pidfd")
	la.mu.Lock()
	defer la.mu.Unlock()
	if la.watched == nil {
		f.Close()
		return
	}
	la.watched[id] = f
	la.waiting.Go(func() {
		err := waitReadable(f)
		la.mu.Lock()
		delete(la.watched, id)
		la.mu.Unlock()
		f.Close()
		if err == nil {
			la.send(ended())
		}
	})
}

// waitReadable returns nil when the process of a pidfd has ended, an error when the file was closed before.
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
	e.Time = la.options.Now().UTC()
	select {
	case la.exits <- e:
	case <-la.closed:
	}
}

// reap takes the exit status of a child that has ended.
func reap(id int64, process *os.Process) launch.Exit {
	e := launch.Exit{ID: id, Status: -1}
	state, err := process.Wait()
	if err != nil {
		e.Unseen, e.Err = true, fmt.Errorf("its exit status cannot be learned: %w", err)
		return e
	}
	e.Status = state.ExitCode()
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		e.Status, e.Signal = -1, w.Signal().String()
	}
	return e
}

// Adopt watches the process of a launch that an earlier manager started. Its Exit is Unseen, with an Err that
// says why; it comes at once if the process has ended already, or if its PID belongs to another process by now.
func (la *Launcher) Adopt(l *launch.Launch) {
	gone := launch.Exit{ID: l.ID, Status: -1, Unseen: true, Err: errAdopted}
	// First hold on to whoever has the PID, then see who it is: the other way round it could change in between.
	pidfd, err := unix.PidfdOpen(l.PID, 0)
	if err == nil && !alive(l) {
		unix.Close(pidfd)
		err = unix.ESRCH
	}
	if err == nil {
		la.watch(l.ID, pidfd, func() launch.Exit { return gone })
		return
	}
	if !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EINVAL) {
		gone.Err = fmt.Errorf("cannot be watched after the restart of the manager: %w", err)
	}
	la.mu.Lock()
	defer la.mu.Unlock()
	if la.watched != nil {
		la.waiting.Go(func() { la.send(gone) }) // in its own goroutine: who calls Adopt may be the one who reads Exits
	}
}
