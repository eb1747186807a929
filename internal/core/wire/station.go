package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// station is a libzmq context with the sockets of one owner, and the bell by which other goroutines wake it.
type station struct {
	context *zmq.Context
	sockets []*socket
	bell    *zmq.Socket // the owner's end

	mu     sync.Mutex
	ringer *zmq.Socket // the other end; guarded by mu, nil once closed
	rung   bool        // guarded by mu: one ring wakes the owner for any number of reasons
}

// socket is one bound and connected socket and what is known of its peers.
type socket struct {
	*zmq.Socket
	options   Options
	endpoints []string // the real ones, in the order of Options.Bind
	monitor   *monitor // nil unless somebody watches
}

func newStation() (*station, error) {
	context, err := zmq.NewContext()
	if err != nil {
		return nil, fmt.Errorf("start ZeroMQ: %w", err)
	}
	st := &station{context: context}
	if st.bell, err = context.NewSocket(zmq.PAIR); err == nil {
		if st.ringer, err = context.NewSocket(zmq.PAIR); err == nil {
			if err = st.bell.Bind("inproc://bell"); err == nil {
				err = st.ringer.Connect("inproc://bell")
			}
		}
	}
	if err != nil {
		st.close(0)
		return nil, fmt.Errorf("start ZeroMQ: make the wake-up pair: %w", err)
	}
	return st, nil
}

// ring wakes the owner. Any goroutine may call it; after close it does nothing.
func (st *station) ring() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ringer == nil || st.rung {
		return
	}
	// A full pair is impossible: at most one ring is unread.
	if _, err := st.ringer.SendBytes(nil, zmq.DONTWAIT); err == nil {
		st.rung = true
	}
}

// hush takes the ring, if there was one. The owner must call it before it looks at what others left for it: the next ring
// after hush is for what they leave from then on.
func (st *station) hush() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.rung {
		return
	}
	// Taken while the lock is held, and sent while it was held, so it is there.
	if _, err := st.bell.RecvBytes(zmq.DONTWAIT); err == nil {
		st.rung = false
	}
}

// open makes a socket with its options, watches it if wanted, binds and connects it.
func (st *station) open(o Options) (*socket, error) {
	if o.Kind < 0 || int(o.Kind) >= len(kinds) {
		return nil, fmt.Errorf("open socket: unknown kind %d", int(o.Kind))
	}
	raw, err := st.context.NewSocket(kinds[o.Kind].zmq)
	if err != nil {
		return nil, fmt.Errorf("open %s socket: %w", o.Kind, err)
	}
	s := &socket{Socket: raw, options: o}
	st.sockets = append(st.sockets, s)
	if err := o.apply(raw); err != nil {
		return nil, err
	}
	if o.Watch != nil {
		if s.monitor, err = st.watch(s, fmt.Sprintf("inproc://monitor-%d", len(st.sockets))); err != nil {
			return nil, err
		}
	}
	for _, endpoint := range o.Bind {
		if err := s.bind(endpoint); err != nil {
			return nil, err
		}
	}
	for _, endpoint := range o.Connect {
		if err := raw.Connect(endpoint); err != nil {
			return nil, fmt.Errorf("connect to %s: %w; check the host name and port", endpoint, err)
		}
	}
	return s, nil
}

// bind binds to one endpoint and learns its real name.
func (s *socket) bind(endpoint string) error {
	path, unix := strings.CutPrefix(endpoint, "ipc://")
	if unix && listening(path) {
		// libzmq removes the file and binds, which would silently cut off a living process.
		return fmt.Errorf("bind %s: another process is listening there; stop it first", endpoint)
	}
	if err := s.Bind(endpoint); err != nil {
		return bindError(endpoint, err)
	}
	real, err := s.GetLastEndpoint()
	if err != nil {
		return fmt.Errorf("bind %s: %w", endpoint, err)
	}
	s.endpoints = append(s.endpoints, real)
	if unix {
		if err := os.Chmod(path, 0o700); err != nil {
			return fmt.Errorf("bind %s: keep others out: %w", endpoint, err)
		}
	}
	return nil
}

// listening says whether a process serves the unix socket at path; a file left behind by a dead one refuses.
func listening(path string) bool {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// bindError adds what the operator can do.
func bindError(endpoint string, err error) error {
	switch {
	case errors.Is(err, zmq.EADDRINUSE):
		port := endpoint[strings.LastIndexByte(endpoint, ':')+1:]
		return fmt.Errorf("bind %s: port %s is taken: %w; stop the process that has it (ss -ltnp 'sport = :%s' shows which) or choose another port in the configuration (zmq: ports:)", endpoint, port, err, port)
	case errors.Is(err, zmq.Errno(syscall.EACCES)):
		return fmt.Errorf("bind %s: %w; ports below 1024 need root, and a socket file needs a directory you may write", endpoint, err)
	case errors.Is(err, zmq.Errno(syscall.ENODEV)), errors.Is(err, zmq.EADDRNOTAVAIL):
		return fmt.Errorf("bind %s: this machine has no such address: %w; check zmq: host: and zmq: bind: in the configuration", endpoint, err)
	}
	return fmt.Errorf("bind %s: %w; check the address and that its directory exists", endpoint, err)
}

// close closes every socket and waits until libzmq has sent what it can within linger and has let go of everything.
func (st *station) close(linger time.Duration) {
	for _, s := range st.sockets {
		// Errors of these calls cannot be acted upon: the sockets are ours, open, and go away now.
		_ = s.SetLinger(max(linger, 0))
		_ = s.Close()
		if s.monitor != nil {
			_ = s.monitor.pair.Close()
		}
	}
	st.mu.Lock()
	for _, s := range []*zmq.Socket{st.ringer, st.bell} {
		if s != nil {
			_ = s.Close()
		}
	}
	st.ringer = nil
	st.mu.Unlock()
	_ = st.context.Term()
}

// patience is how long an owner may sleep in poll: until the deadline, without one for ever.
func patience(deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return -1
	}
	return max(time.Until(deadline), time.Millisecond) // libzmq counts in whole milliseconds; 0 would spin
}
