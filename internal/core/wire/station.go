package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// station is a libzmq context with the sockets of one owner.
type station struct {
	context *zmq.Context
	sockets []*socket
	opened  int // sockets so far
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
	startThreads(context)
	return &station{context: context}, nil
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
	st.opened++
	if err := st.setUp(s); err != nil {
		st.drop(s)
		return nil, err
	}
	return s, nil
}

func (st *station) setUp(s *socket) error {
	if err := s.options.apply(s.Socket); err != nil {
		return err
	}
	if s.options.Watch != nil {
		var err error
		if s.monitor, err = st.watch(s, fmt.Sprintf("inproc://monitor-%d", st.opened)); err != nil {
			return err
		}
	}
	for _, endpoint := range s.options.Bind {
		if err := s.bind(endpoint); err != nil {
			return err
		}
	}
	for _, endpoint := range s.options.Connect {
		if err := s.Connect(endpoint); err != nil {
			return fmt.Errorf("connect to %s: %w; check the host name and port", endpoint, err)
		}
	}
	return nil
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

// drop closes one socket at once. Its port comes free a moment later.
func (st *station) drop(s *socket) {
	s.release(0)
	st.sockets = slices.DeleteFunc(st.sockets, func(other *socket) bool { return other == s })
}

// close closes every socket and waits until libzmq has sent what it can within linger and has let go of everything. gaveUp tells
// that it has taken all of linger, so that something may not have been sent; libzmq does not say what.
func (st *station) close(linger time.Duration) (gaveUp bool) {
	began := time.Now()
	for _, s := range st.sockets {
		s.release(linger)
	}
	_ = st.context.Term()
	return linger > 0 && time.Since(began) >= linger
}

// release closes a socket. Errors of these calls cannot be acted upon: the socket is ours, open, and goes away now.
func (s *socket) release(linger time.Duration) {
	if s.monitor != nil {
		// In this order: libzmq's thread waits for ever to tell a monitor of something when nobody is at its other end.
		_ = s.Monitor("", 0)
		_ = s.monitor.pair.Close()
	}
	_ = s.SetLinger(max(linger, 0))
	_ = s.Close()
}
