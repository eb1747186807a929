package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Trunk is a connection that can move to another endpoint without losing a message: for a while it is several Conns, read and
// written as one. Each message received begins with a frame that names its Conn; whoever answers sends that frame first, as
// with a Router, and Send finds the way back by it.
//
// The old Conn goes on until its peer has left and the new one has a peer: only the peer knows when nothing more will come.
// Methods are safe for concurrent use.
type Trunk struct {
	options TrunkOptions
	in      *inbox
	receive chan []Frames
	patient time.Duration // how long a peer may be away

	closeOnce sync.Once
	closing   chan struct{}
	running   sync.WaitGroup
	news      chan struct{} // a token: somebody came or left, or there is another member

	moving sync.Mutex // held by Move, Leave and Return, one of which must not undo half of another
	left   []string   // guarded by moving: where Return leads to, the newest last; nil but between Leave and Return

	mu      sync.Mutex
	members []*member // guarded by mu; the newest last, and there is one but between Leave and Return
	opened  int       // guarded by mu
}

// TrunkOptions say what each of the Conns is, and who wants to know of them.
type TrunkOptions struct {
	Conn Options // a Dealer's; without Connect, Bind and Watch

	// Tell is told what becomes of an endpoint after Move. It is called by a goroutine of the Trunk and must not call Close.
	Tell func(endpoint string, n TrunkNews)
}

// TrunkNews is what has become of an endpoint.
type TrunkNews int

// What TrunkOptions.Tell is told.
const (
	TrunkConnected TrunkNews = iota // somebody is there
	TrunkWaiting                    // nobody was there so far; the old ones are used meanwhile, and it is tried on
	TrunkClosed                     // everybody has left an old one, and it was closed
)

// member is one Conn.
type member struct {
	*Conn
	endpoint string
	peers    int       // guarded by Trunk.mu
	alone    time.Time // guarded by Trunk.mu: since when there have been no peers
	told     bool      // guarded by Trunk.mu: of its first peer
	remote   string    // guarded by Trunk.mu: the address that it has reached; "": none, or not known
	warned   bool      // guarded by Trunk.mu: that there is none so far
}

const (
	// maxMembers bounds the Conns of a Trunk; Move refuses one more.
	maxMembers = 4
	// peerAway is longer than a broker takes to start again, and than a Conn waits between two attempts to connect: one that is
	// closed may be about to be given messages.
	peerAway = 5 * time.Second
)

// OpenTrunk connects to an endpoint.
func OpenTrunk(endpoint string, o TrunkOptions) (*Trunk, error) {
	return openTrunk(endpoint, o, peerAway)
}

func openTrunk(endpoint string, o TrunkOptions, patient time.Duration) (*Trunk, error) {
	t := &Trunk{options: o, in: newInbox(), receive: make(chan []Frames), patient: patient,
		closing: make(chan struct{}), news: make(chan struct{}, 1)}
	if err := t.add(endpoint); err != nil {
		return nil, err
	}
	t.members[0].told = true
	t.running.Go(func() { deliver(t.in, t.receive, t.closing, t.ring) })
	t.running.Go(t.tend)
	return t, nil
}

// Receive is that of a Conn.
func (t *Trunk) Receive() <-chan []Frames { return t.receive }

// Send is that of a Conn; the first frame of each message is that of the message it answers. What answers a Conn that has been
// closed is dropped: its peer had left.
func (t *Trunk) Send(batch ...Frames) error {
	for len(batch) > 0 {
		tag := batch[0][0]
		n := 0
		for n < len(batch) && bytes.Equal(batch[n][0], tag) {
			batch[n] = batch[n][1:]
			n++
		}
		if m := t.member(tag); m != nil {
			// ErrClosed: it was closed this moment, or all of the Trunk, which the reader learns anyway.
			if err := m.Send(batch[:n]...); err != nil && err != ErrClosed {
				return err
			}
		}
		batch = batch[n:]
	}
	return nil
}

func (t *Trunk) member(tag []byte) *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.members {
		if bytes.Equal(m.tag, tag) {
			return m
		}
	}
	return nil
}

// Move connects to another endpoint, too, and leaves the others as soon as they are not needed.
func (t *Trunk) Move(endpoint string) error {
	t.moving.Lock()
	defer t.moving.Unlock()
	if t.left != nil {
		t.left = append(slices.DeleteFunc(t.left, func(e string) bool { return e == endpoint }), endpoint)
		t.left = t.left[max(0, len(t.left)-maxMembers):]
		return nil
	}
	t.mu.Lock()
	if i := slices.IndexFunc(t.members, func(m *member) bool { return m.endpoint == endpoint }); i >= 0 {
		m := t.members[i]
		m.told, m.warned = false, false
		t.members = append(slices.Delete(t.members, i, i+1), m)
		t.mu.Unlock()
		t.wake()
		return nil
	}
	var gone *member
	if len(t.members) == maxMembers {
		i := slices.IndexFunc(t.members, func(m *member) bool { return m.peers == 0 })
		if i < 0 {
			t.mu.Unlock()
			return fmt.Errorf("connect to %s: there are %d connections to earlier brokers, and all are in use; stop those brokers first", endpoint, maxMembers)
		}
		gone = t.members[i]
		t.members = slices.Delete(t.members, i, i+1)
	}
	t.mu.Unlock()
	if gone != nil {
		gone.Close()
	}
	err := t.add(endpoint)
	t.wake()
	return err
}

// Leave disconnects until Return. What was received and not answered the peer gives to somebody else, or again; answers to it are dropped.
func (t *Trunk) Leave() {
	t.moving.Lock()
	defer t.moving.Unlock()
	t.leave()
}

// leave is called with moving held.
func (t *Trunk) leave() {
	t.mu.Lock()
	members := t.members
	t.members = nil
	t.mu.Unlock()
	endpoints := make([]string, 0, len(members)+len(t.left))
	for _, m := range members {
		endpoints = append(endpoints, m.endpoint)
		m.Close()
	}
	t.left = append(endpoints, t.left...)
}

// Return connects again, to all endpoints that there were and to where Move has led meanwhile, or to none. It may be called again after
// an error.
func (t *Trunk) Return() error {
	t.moving.Lock()
	defer t.moving.Unlock()
	defer t.wake()
	for len(t.left) > 0 {
		if err := t.add(t.left[0]); err != nil {
			t.leave()
			return err
		}
		t.left = t.left[1:]
	}
	t.left = nil
	return nil
}

// add opens a Conn and makes it the newest.
func (t *Trunk) add(endpoint string) error {
	m := &member{endpoint: endpoint, alone: time.Now()}
	o := t.options.Conn
	o.Connect = []string{endpoint}
	o.Watch = func(e Event) { t.count(m, e) }
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opened++
	var err error
	if m.Conn, err = newConn(o, t.in, []byte(strconv.Itoa(t.opened))); err != nil {
		return err
	}
	t.members = append(t.members, m)
	return nil
}

// count is called by the owner of a member's socket.
func (t *Trunk) count(m *member, e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case PeerReady:
		m.peers++
		m.remote = e.Remote
	case PeerLost:
		m.peers--
		m.remote = ""
		m.alone = time.Now()
	}
	t.wake()
}

func (t *Trunk) wake() {
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// tend closes what is not needed any more.
func (t *Trunk) tend() {
	for {
		gone, next := t.look(time.Now())
		if gone == nil {
			gone = t.twin()
		}
		if gone != nil {
			gone.Close()
			t.tell(gone, TrunkClosed)
			continue
		}
		var later <-chan time.Time
		if next > 0 {
			later = time.After(next)
		}
		select {
		case <-t.news:
		case <-later:
		case <-t.closing:
			return
		}
	}
}

// look tells what is to be told, takes one member out that is not needed any more, and returns when to look again; 0: when
// there is news.
func (t *Trunk) look(now time.Time) (gone *member, next time.Duration) {
	t.mu.Lock()
	if len(t.members) == 0 {
		t.mu.Unlock()
		return nil, 0
	}
	newest := t.members[len(t.members)-1]
	connected, waited := newest.peers > 0, now.Sub(newest.alone)
	tell, news := false, TrunkConnected
	switch {
	case newest.told:
	case connected:
		tell, newest.told = true, true
	case newest.warned:
	case waited >= t.patient:
		tell, news, newest.warned = true, TrunkWaiting, true
	default:
		next = t.patient - waited
	}
	for i, m := range t.members {
		if m == newest || !connected || m.peers > 0 {
			continue
		}
		left := t.patient - now.Sub(m.alone)
		if left <= 0 {
			gone = m
			t.members = slices.Delete(t.members, i, i+1)
			break
		}
		if next == 0 || left < next {
			next = left
		}
	}
	t.mu.Unlock()
	if tell {
		t.tell(newest, news)
	}
	return gone, next
}

func (t *Trunk) tell(m *member, n TrunkNews) {
	if t.options.Tell != nil {
		t.options.Tell(m.endpoint, n)
	}
}

// ring wakes all owners.
func (t *Trunk) ring() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.members {
		m.sleeper.ring()
	}
}

// Close is that of a Conn.
func (t *Trunk) Close() error {
	t.closeOnce.Do(func() { close(t.closing) })
	t.running.Wait()
	t.mu.Lock()
	members := slices.Clone(t.members)
	t.mu.Unlock()
	for _, m := range members {
		m.Close()
	}
	return nil
}
