// Tracer runs a program and writes down, in order, what it does to files: tracer LOG PREFIX PROGRAM ARGS..., for the files whose name
// begins with PREFIX. What the disk would have after a power cut at any moment follows from that (disk.go in package faults). It uses
// ptrace: nothing in the program, its libraries or the kernel's cache can pretend that something was synced.
//
// The file LOG.slow, if there is one, says how long each sync takes, such as 2s, also those on their way: the disk is slow, and only for
// the thread that waits for it.
package main

import (
	"encoding/gob"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"nowcast/internal/faults"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: tracer LOG PREFIX PROGRAM ARGS...")
		os.Exit(2)
	}
	status, err := trace(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		os.Exit(2)
	}
	os.Exit(status)
}

type tracer struct {
	pid     int
	prefix  string
	log     *gob.Encoder
	entered map[int]*faults.DiskEvent // by thread: what its system call will have done if it succeeds
	known   map[int]bool              // threads that have stopped before
	slow    string                    // a file with the duration of a sync
	held    map[int]time.Time         // threads whose sync is held up, since when
}

func trace(log, prefix string, argv []string) (status int, err error) {
	runtime.LockOSThread() // only the thread that traces may ask
	file, err := os.Create(log)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	attr := &os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, os.NewFile(3, "ready")},
		Sys: &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}}
	process, err := os.StartProcess(argv[0], argv, attr)
	if err != nil {
		return 0, err
	}
	attr.Files[3].Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		syscall.Kill(process.Pid, syscall.SIGTERM)
	}()
	t := &tracer{pid: process.Pid, prefix: prefix, log: gob.NewEncoder(file), entered: map[int]*faults.DiskEvent{}, known: map[int]bool{}, slow: log + ".slow", held: map[int]time.Time{}}
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(t.pid, &ws, 0, nil); err != nil {
		return 0, err
	}
	t.known[t.pid] = true
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return 0, err
	}
	for thread, signal := t.pid, 0; ; {
		if _, held := t.held[thread]; !held {
			if err := syscall.PtraceSyscall(thread, signal); err != nil && err != syscall.ESRCH {
				return 0, err
			}
		}
		for {
			if thread, err = t.wait(&ws); err != nil {
				return 0, err
			}
			if ws.Stopped() {
				break
			}
			if thread == t.pid {
				return ws.ExitStatus(), nil // -1 if it was a signal
			}
		}
		signal = t.stopped(thread, ws)
	}
}

// wait waits until a thread stops or ends, and lets those go on whose sync is over.
func (t *tracer) wait(ws *syscall.WaitStatus) (thread int, err error) {
	for len(t.held) > 0 {
		takes := t.sync()
		for id, since := range t.held {
			if time.Since(since) < takes {
				continue
			}
			delete(t.held, id)
			if err := syscall.PtraceSyscall(id, 0); err != nil && err != syscall.ESRCH {
				return 0, err
			}
		}
		if thread, err = syscall.Wait4(-1, ws, unix.WALL|unix.WNOHANG, nil); thread != 0 || err != nil {
			return thread, err
		}
		time.Sleep(time.Millisecond)
	}
	return syscall.Wait4(-1, ws, unix.WALL, nil)
}

// sync is how long one takes.
func (t *tracer) sync() time.Duration {
	text, _ := os.ReadFile(t.slow)
	d, _ := time.ParseDuration(string(text)) // without the file: 0
	return d
}

// stopped deals with a stop of a thread, and returns the signal that it is to get.
func (t *tracer) stopped(thread int, ws syscall.WaitStatus) int {
	first := !t.known[thread]
	t.known[thread] = true
	switch s := ws.StopSignal(); {
	case s == syscall.SIGTRAP|0x80:
		t.call(thread)
	case s == syscall.SIGTRAP, s == syscall.SIGSTOP && first: // a thread was made, and begins
	default:
		return int(s)
	}
	return 0
}

// call is struct ptrace_syscall_info, at the entry or, with the result in the place of the number, at the exit of a system call.
type call struct {
	op   uint8
	_    [3]uint8
	arch uint32
	_    [2]uint64
	nr   uint64
	args [6]uint64
	_    [2]uint64
}

func (t *tracer) call(thread int) {
	var c call
	if _, _, e := syscall.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(thread), unsafe.Sizeof(c), uintptr(unsafe.Pointer(&c)), 0, 0); e != 0 {
		return
	}
	switch c.op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		t.entered[thread] = t.decode(c.nr, c.args)
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		e := t.entered[thread]
		if e == nil || int64(c.nr) < 0 {
			return
		}
		if e.Op == faults.DiskWrite {
			e.Data = e.Data[:c.nr:c.nr] // it may have written less
		}
		e.Time = time.Now()
		if e.Op == faults.DiskSync && t.sync() > 0 {
			t.held[thread] = time.Now()
		}
		if err := t.log.Encode(e); err != nil {
			panic(err)
		}
	}
}

// decode says what a system call does to our files, nil if nothing.
func (t *tracer) decode(nr uint64, a [6]uint64) *faults.DiskEvent {
	switch nr {
	case unix.SYS_WRITE, unix.SYS_PWRITE64:
		path := t.descriptor(a[0])
		if path == "" {
			return nil
		}
		e := &faults.DiskEvent{Op: faults.DiskWrite, Path: path, Data: t.memory(a[1], a[2]), Offset: int64(a[3])}
		if nr == unix.SYS_WRITE {
			e.Offset = t.position(a[0])
		}
		return e
	case unix.SYS_FTRUNCATE:
		return about(faults.DiskTruncate, t.descriptor(a[0]), int64(a[1]))
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		path := t.descriptor(a[0])
		if dir := t.target(a[0]); path == "" && dir == filepath.Dir(t.prefix) {
			path = dir
		}
		return about(faults.DiskSync, path, 0)
	case unix.SYS_OPENAT:
		if a[2]&unix.O_CREAT != 0 {
			return about(faults.DiskCreate, t.name(a[1]), 0)
		}
	case unix.SYS_UNLINKAT:
		return about(faults.DiskRemove, t.name(a[1]), 0)
	case unix.SYS_WRITEV, unix.SYS_PWRITEV, unix.SYS_FALLOCATE, unix.SYS_COPY_FILE_RANGE:
		if path := t.descriptor(a[0]); path != "" {
			panic(fmt.Sprintf("system call %d changes %s, which is not understood", nr, path))
		}
	}
	if old := olderCalls[nr]; old != "" {
		return about(old, t.name(a[0]), 0)
	}
	return nil
}

func about(op, path string, size int64) *faults.DiskEvent {
	if path == "" {
		return nil
	}
	return &faults.DiskEvent{Op: op, Path: path, Offset: size}
}

func (t *tracer) ours(path string) string {
	if strings.HasPrefix(path, t.prefix) {
		return path
	}
	return ""
}

func (t *tracer) target(fd uint64) string {
	path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, fd))
	return path
}

func (t *tracer) descriptor(fd uint64) string { return t.ours(t.target(fd)) }

// name reads the name of a file.
func (t *tracer) name(address uint64) string {
	b := t.memory(address, 4096-address%4096) // to the end of the page, at least
	path, _, _ := strings.Cut(string(b), "\x00")
	return t.ours(path)
}

func (t *tracer) memory(address, length uint64) []byte {
	b := make([]byte, length)
	if length == 0 {
		return b
	}
	local := []unix.Iovec{{Base: &b[0], Len: length}}
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: int(length)}}
	n, err := unix.ProcessVMReadv(t.pid, local, remote, 0)
	if err != nil {
		return nil
	}
	return b[:n]
}

// position is where the next write goes.
func (t *tracer) position(fd uint64) (at int64) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", t.pid, fd))
	fmt.Sscanf(string(b), "pos:\t%d", &at)
	return at
}
