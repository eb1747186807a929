package launcher

// #cgo CFLAGS: -Wall -Wextra
import "C"

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// keeper is the manager's end of the process that forks for it.
//
// Only a process's parent learns its exit status, so the parent must not be the manager, which may die. For each launch the
// keeper (keeper.c) forks a shim (shim.c), which forks the worker, waits for it and writes its start and its end into the
// record of the launch (record.go). Both are this program, executed once more and taken over by C before Go starts: one
// thread, half a megabyte, nothing to go wrong with later. The keeper ends with the manager, a shim with its worker.
//
// A request is three descriptors: a memory file that says what to start, a pipe, and the output file. There is no answer but the
// end of the pipe: whoever could still start the worker holds it open. What became of the request is in the record then,
// whether shim, keeper or both are alive or not.
type keeper struct {
	env    []string
	logger *slog.Logger

	mu      sync.Mutex
	conn    *net.UnixConn // nil: none runs
	process *os.Process
	closed  bool
}

const keeperVariable = "NOWCAST_KEEPER_OF"

// start starts the process. It needs mu.
func (k *keeper) start() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket for the keeper of workers: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "keeper"), os.NewFile(uintptr(fds[1]), "manager")
	defer theirs.Close()
	defer ours.Close() // FileConn has its own
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return err
	}
	const self = "/proc/self/exe" // also if the file has been replaced since
	// ps shows what the C code writes over the arguments, and can show no more than there was room for.
	room := strings.Repeat(".", 80)
	p, err := os.StartProcess(self, []string{"nowcast-keeper", room}, &os.ProcAttr{
		Env:   withVariables(k.env, keeperVariable+"="+strconv.Itoa(os.Getpid())),
		Files: []*os.File{null, null, null, theirs},
		Sys:   &syscall.SysProcAttr{Setsid: true}, // Ctrl-C on the manager's terminal does not reach it
	})
	if err != nil {
		conn.Close()
		return fmt.Errorf("start the keeper of workers from %s: %w", self, err)
	}
	k.conn, k.process = conn.(*net.UnixConn), p
	return nil
}

// ask has one worker started and returns when it is decided. An error says why there is no process; without one the record
// tells, and if it does not, the keeper or the shim was killed before anything was started.
func (k *keeper) ask(request []byte, output *os.File) error {
	memory, err := memoryFile(request)
	if err != nil {
		return err
	}
	defer memory.Close()
	answer, reply, err := os.Pipe()
	if err != nil {
		return err
	}
	defer answer.Close()
	err = k.send(memory, reply, output)
	reply.Close()
	if err != nil {
		return err
	}
	slow := time.AfterFunc(5*time.Second, func() {
		k.logger.Error("the keeper of workers has not answered for 5 s: is it stopped (kill -CONT), or the disk stuck?", "keeper", k.pid())
	})
	defer slow.Stop()
	text, err := io.ReadAll(answer)
	if err != nil || len(text) == 0 {
		return err
	}
	return refusal(text)
}

func (k *keeper) send(files ...*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for range 3 {
		if k.closed {
			return errors.New("the launcher is closed")
		}
		if k.conn == nil {
			if err := k.start(); err != nil {
				return err
			}
		}
		_, _, err := k.conn.WriteMsgUnix([]byte{1}, unix.UnixRights(fds...), nil)
		if err == nil {
			return nil
		}
		k.logger.Error("the keeper of workers has ended and is started again; running workers are not touched", "keeper", k.process.Pid, "err", err)
		k.end()
	}
	return errors.New("the keeper of workers ends as soon as it is started")
}

// end closes the socket, which ends the process, and waits for it.
func (k *keeper) end() {
	k.conn.Close()
	k.process.Signal(syscall.SIGCONT) // one that somebody has stopped would not end
	k.process.Wait()
	k.conn = nil
}

func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if k.conn != nil {
		k.end()
	}
}

func (k *keeper) pid() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.process.Pid
}
