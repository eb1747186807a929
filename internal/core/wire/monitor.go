package wire

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"syscall"

	zmq "github.com/pebbe/zmq4"
)

// EventKind says what happened to a peer.
type EventKind int

// What Options.Watch is told.
const (
	PeerReady   EventKind = iota // a ZeroMQ peer is connected
	PeerLost                     // a peer that was ready is gone
	PeerRefused                  // somebody connected, or was connected to, who does not speak ZeroMQ or left before saying so
)

// Event is one change among the peers of a socket.
type Event struct {
	Kind EventKind
	// Peer is the address: for a socket that connected, the endpoint; for one that was bound, the other side's host and
	// port, or "" where that is not known (unix sockets; a peer gone before it could be asked; PeerReady and PeerLost, for
	// which libzmq does not say).
	Peer string
	// Remote is, with PeerReady of a socket that connected, the other side's host and port, or "" where that is not known.
	Remote string
}

// monitor turns libzmq's events about one socket into ours. Its owner is the owner of the socket.
//
// libzmq names a connection by its file descriptor in some events (accepted, disconnected) and not at all in others (the
// handshake's), so a little bookkeeping tells which disconnected ones never were peers.
type monitor struct {
	pair     *zmq.Socket
	tell     func(Event)
	strange  map[int]peer // by descriptor: accepted or connected, handshake not yet accounted for
	ready    map[int]peer // known to have finished the handshake
	unplaced int          // handshakes that succeeded for one of strange, not known which
	failed   bool         // a handshake failed: the next disconnect is that one
}

// peer is the other side of a connection.
type peer struct {
	address string
	port    int    // ours, where it was accepted
	remote  string // where it was connected to
}

const monitored = zmq.EVENT_ACCEPTED | zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED |
	zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH

func (st *station) watch(s *socket, address string) (*monitor, error) {
	if err := s.Monitor(address, monitored); err != nil {
		return nil, fmt.Errorf("watch a %s socket: %w", s.options.Kind, err)
	}
	pair, err := st.context.NewSocket(zmq.PAIR)
	if err == nil {
		if err = pair.Connect(address); err != nil {
			_ = pair.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("watch a %s socket: %w", s.options.Kind, err)
	}
	return &monitor{pair: pair, tell: s.options.Watch, strange: map[int]peer{}, ready: map[int]peer{}}, nil
}

// read handles all events that have arrived.
func (m *monitor) read() {
	for {
		event, endpoint, value, err := m.pair.RecvEvent(zmq.DONTWAIT)
		if err != nil {
			return
		}
		m.handle(event, endpoint, value)
	}
}

// handle does the bookkeeping. All events of a socket come from one thread of libzmq, which reports a failed handshake and
// the disconnect that follows from it in one go; that is what failed relies on.
func (m *monitor) handle(event zmq.Event, endpoint string, value int) {
	switch event {
	case zmq.EVENT_ACCEPTED:
		m.strange[value] = peer{address: peerAddress(value), port: Port(endpoint)}
	case zmq.EVENT_CONNECTED:
		m.strange[value] = peer{address: endpoint, remote: peerAddress(value)}
	case zmq.EVENT_HANDSHAKE_SUCCEEDED:
		m.unplaced++
		remote := m.onlyRemote()
		m.place()
		m.tell(Event{Kind: PeerReady, Remote: remote})
	case zmq.EVENT_DISCONNECTED:
		m.disconnected(value)
	default:
		m.failed = true
	}
}

func (m *monitor) disconnected(fd int) {
	gone, stranger := m.strange[fd]
	switch {
	case stranger && (m.failed || m.unplaced == 0):
		delete(m.strange, fd)
		m.place()
		m.tell(Event{Kind: PeerRefused, Peer: gone.address})
	case stranger: // some of the strangers have become peers; taken for one of those, as a warning must be certain
		delete(m.strange, fd)
		m.unplaced--
		m.tell(Event{Kind: PeerLost, Peer: gone.address})
	default:
		gone = m.ready[fd]
		delete(m.ready, fd)
		m.tell(Event{Kind: PeerLost, Peer: gone.address})
	}
	m.failed = false
}

// connected counts those who were accepted at one of our ports and have not left, whether or not they are peers yet.
func (m *monitor) connected(port int) (n int) {
	m.read()
	for _, all := range []map[int]peer{m.strange, m.ready} {
		for _, p := range all {
			if p.port == port {
				n++
			}
		}
	}
	return n
}

// addresses returns where those who have not left are, in order. Somebody who is no peer may be among them for a moment.
func (m *monitor) addresses() (all []string) {
	for _, some := range []map[int]peer{m.strange, m.ready} {
		for _, p := range some {
			all = append(all, cmp.Or(p.address, "unknown address"))
		}
	}
	slices.Sort(all)
	return all
}

// forget is for a port that is not bound any more: libzmq does not tell of the connections that ends.
func (m *monitor) forget(port int) {
	gone := func(_ int, p peer) bool { return p.port == port }
	maps.DeleteFunc(m.strange, gone)
	maps.DeleteFunc(m.ready, gone)
	m.place()
}

// onlyRemote returns where the only stranger is whom we have connected to; "" if there are several, or none.
func (m *monitor) onlyRemote() (remote string) {
	for _, p := range m.strange {
		remote = p.remote
	}
	if len(m.strange) != 1 {
		return ""
	}
	return remote
}

// place makes all strangers peers once as many handshakes have succeeded as there are strangers.
func (m *monitor) place() {
	if m.unplaced < len(m.strange) {
		return
	}
	for fd, p := range m.strange {
		m.ready[fd] = p
		delete(m.strange, fd)
	}
	m.unplaced = 0
}

// peerAddress asks the system who is at the other end of libzmq's descriptor. The connection may be gone by now; then
// nobody knows.
func peerAddress(fd int) string {
	name, err := syscall.Getpeername(fd)
	if err != nil {
		return ""
	}
	switch a := name.(type) {
	case *syscall.SockaddrInet4:
		return net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *syscall.SockaddrInet6:
		return net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	}
	return ""
}
