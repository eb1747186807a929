package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/launch"
)

// record is what the file ID-DECIDED.run says about a launch. Lines are only added, each by one write, by whoever holds the
// lock of the file: the shim of the launch (and its worker, until it is one), or a manager that makes sure that there will be none. The time of the decision is part
// of the name because numbers come again with a new state database.
type record struct {
	file string
	size int64 // of the file when it was read; 0: there is none

	pid       int // 0: nothing was started, or exec failed
	start     uint64
	boot      string
	at        time.Time
	shim      int
	shimStart uint64
	failed    syscall.Errno // of exec
	exit      *launch.Exit  // nil: it is not known to have ended
	left      bool          // it may have left processes behind
}

func (la *Launcher) recordFile(l *launch.Launch) string {
	return filepath.Join(filepath.Dir(la.OutputFile(l)), fmt.Sprintf("%d-%x.run", l.ID, uint64(l.Decided.UnixMicro())))
}

// read returns what the record of a launch says by now.
func (la *Launcher) read(l *launch.Launch) (*record, error) {
	r := &record{file: la.recordFile(l)}
	var text []byte
	err := la.patiently(l, func() (err error) {
		text, err = os.ReadFile(r.file)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read whether launch %d was started: %w", l.ID, err)
	}
	r.parse(text)
	return r, nil
}

// parse reads the lines. What is no line of ours was cut off, by a full disk or a power cut, and counts for nothing.
func (r *record) parse(text []byte) {
	r.size = int64(len(text))
	for line := range strings.Lines(string(text)) {
		var n record
		var seconds, nanos, user, system int64
		var status, signal, left int
		e := &launch.Exit{Usage: &launch.Usage{}}
		if !strings.HasSuffix(line, "\n") {
			return
		}
		if scan(line, "started %d %d shim %d %d boot %s at %d %d\n", &n.pid, &n.start, &n.shim, &n.shimStart, &n.boot, &seconds, &nanos) {
			n.file, n.size, n.at = r.file, r.size, time.Unix(seconds, nanos).UTC()
			*r = n
		} else if scan(line, "failed %d\n", &n.failed) {
			r.pid, r.failed = 0, n.failed
		} else if scan(line, "ended %d signal %d at %d %d user %d system %d rss %d left %d\n", &status, &signal, &seconds, &nanos, &user, &system, &e.Usage.MaxRSS, &left) {
			e.Status, e.Time = status, time.Unix(seconds, nanos).UTC()
			if signal != 0 {
				e.Signal = syscall.Signal(signal).String()
			}
			e.Usage.User, e.Usage.System = time.Duration(user)*time.Microsecond, time.Duration(system)*time.Microsecond
			r.exit, r.left = e, left != 0
		}
	}
}

func scan(line, format string, to ...any) bool {
	n, err := fmt.Sscanf(line, format, to...)
	return err == nil && n == len(to)
}

// lockPatience is how long a shim may take between its lock and its worker: normally a tenth of a millisecond.
const lockPatience = 5 * time.Second

// cancel makes certain that nothing that was asked for before starts this launch any more, unless it is started already: the
// record tells. A shim that comes later finds another size than it was told, and ends.
func (la *Launcher) cancel(l *launch.Launch) (*record, error) {
	var f *os.File
	err := la.patiently(l, func() (err error) {
		f, err = os.OpenFile(la.recordFile(l), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make sure that launch %d is not started twice: %w", l.ID, err)
	}
	defer f.Close() // and with it the lock
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(time.Millisecond) {
		r, err := la.read(l)
		if err != nil || r.pid != 0 { // the shim of a running worker keeps its lock
			return r, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(deadline) {
			return nil, fmt.Errorf("launch %d is just being started, or its disk is stuck: lock %s: %w", l.ID, f.Name(), err)
		}
	}
	r, err := la.read(l)
	if err != nil || r.pid != 0 {
		return r, err
	}
	line := fmt.Sprintf("\ncancelled by %d\n", os.Getpid()) // the line before may have been cut off
	if _, err := f.WriteString(line); err != nil {
		return nil, fmt.Errorf("make sure that launch %d is not started twice: %w", l.ID, err)
	}
	r.size += int64(len(line))
	return r, nil
}

// started returns what the manager records of a process that exists, or existed.
func (r *record) started(output string) launch.Started {
	return launch.Started{PID: r.pid, PIDStart: r.start, Boot: r.boot, Time: r.at, Output: output}
}
