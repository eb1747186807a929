package wire

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// sleeper is how the owner of a Conn waits for its sockets and for other goroutines: in the Go runtime's poller, as any
// network connection does. A goroutine that waits in zmq_poll is to the runtime one in a long system call, which it looks
// after every 20 µs; that was a tenth of the manager's processor time.
//
// libzmq signals through a descriptor for each socket that becomes readable when the socket's events may have changed. They
// are put into an epoll descriptor of our own, which is what the runtime watches: it would else also wake when libzmq takes
// a signal, as that makes the descriptor writable.
type sleeper struct {
	epoll *os.File
	raw   syscall.RawConn

	mu    sync.Mutex
	rung  bool      // somebody wants the owner awake
	until time.Time // as last set by hush
}

func newSleeper(sockets ...*zmq.Socket) (*sleeper, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an epoll descriptor: %w", err)
	}
	err = unix.SetNonblock(fd, true) // the runtime only watches descriptors that say so
	epoll := os.NewFile(uintptr(fd), "epoll")
	for _, s := range sockets {
		var signals int
		if err == nil {
			signals, err = s.GetFd()
		}
		if err == nil {
			err = unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, signals, &unix.EpollEvent{Events: unix.EPOLLIN})
		}
	}
	var raw syscall.RawConn
	if err == nil {
		raw, err = epoll.SyscallConn()
	}
	if err != nil {
		_ = epoll.Close()
		return nil, fmt.Errorf("watch a socket: %w", err)
	}
	return &sleeper{epoll: epoll, raw: raw}, nil
}

// wait returns when ready does, asking it now and whenever a socket signals, when somebody has rung since the last hush, or when
// the time that hush was given has come.
func (s *sleeper) wait(ready func() bool) {
	// The error says that a deadline has passed, which is how both of the latter end a read.
	_ = s.raw.Read(func(uintptr) bool { return ready() })
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// ring wakes the owner. Any goroutine may call it, also after close.
func (s *sleeper) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rung {
		s.rung = true
		_ = s.epoll.SetReadDeadline(past) // fails once closed, when nobody waits
	}
}

// hush forgets that somebody rang and says how long wait may take; the zero time is for ever. The owner must call it before
// it looks at what others left for it: the next ring after hush is for what they leave from then on.
func (s *sleeper) hush(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rung || !until.Equal(s.until) {
		s.rung, s.until = false, until
		_ = s.epoll.SetReadDeadline(until)
	}
}

func (s *sleeper) close() { _ = s.epoll.Close() }
