package wire

import (
	"fmt"
	"slices"
	"strings"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Frames is one multi-part message. Who sends it gives it away: neither the slice nor the bytes may change afterwards.
type Frames [][]byte

// size is what a message weighs in a bounded queue; the constant stands for slice headers, so that a million empty
// messages are not free.
func (f Frames) size() int {
	n := 64
	for _, part := range f {
		n += len(part)
	}
	return n
}

// Kind is a ZeroMQ socket type.
type Kind int

// The socket types in use.
const (
	Dealer Kind = iota // asynchronous requests and replies with any number of peers
	Router             // the same, the first frame names the peer
	Req                // one request, one reply; see Requester
	Pub                // to all subscribers, never waits
	Sub                // subscribes with Options.Subscribe
	XPub               // Pub that hands subscriptions on
)

var kinds = [...]struct {
	name  string
	zmq   zmq.Type
	sends bool
}{
	Dealer: {"DEALER", zmq.DEALER, true},
	Router: {"ROUTER", zmq.ROUTER, true},
	Req:    {"REQ", zmq.REQ, true},
	Pub:    {"PUB", zmq.PUB, true},
	Sub:    {"SUB", zmq.SUB, false},
	XPub:   {"XPUB", zmq.XPUB, true},
}

// String returns the name ZeroMQ's own manual uses.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kinds) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kinds[k].name
}

// Options say what a socket is and to what it is bound and connected.
type Options struct {
	Kind      Kind
	Identity  string   // the name under which a Router knows this peer; "" lets it choose one
	Bind      []string // endpoints, any number of each
	Connect   []string
	Subscribe []string // for Sub: topic prefixes; "" is everything

	ReceiveQueue, SendQueue int   // high-water marks in messages per peer; 0 libzmq's default (1000), below 0 unlimited
	MaxMessage              int64 // a peer that sends a larger frame is disconnected; 0 no limit
	KeepaliveIdle           time.Duration
	Silent                  time.Duration // a peer whose libzmq does not answer for so long is disconnected; 0 that is left to TCP
	Linger                  time.Duration // how long Close waits for unsent messages while none is taken; 0 not at all
	Reconnect               time.Duration // between two tries, however many; 0 begins with reconnectFirst and slows down

	Mandatory bool // Router: report what cannot be delivered (Undelivered) instead of dropping it
	Handover  bool // Router: a new peer takes the name from an old one, as a restarted daemon must
	NoDrop    bool // XPub: report what a subscriber's full queue cannot take (Undelivered) instead of dropping it; then nobody gets it

	// Undelivered is told of each message the socket refused: ErrNoPeer or ErrPeerBusy for a mandatory Router, ErrPeerBusy for
	// an XPub with NoDrop. It is called by the goroutine that owns the socket, so it must be quick and must not call Send or
	// Close of the same Conn.
	Undelivered func(Frames, error)

	// Watch is told when peers come and go. The rules for Undelivered hold.
	Watch func(Event)
}

// Reconnecting starts quickly, because a restarted broker should not be noticed, and slows down, because one that stays
// away should not cost anything.
const (
	reconnectFirst = 50 * time.Millisecond
	reconnectMax   = 500 * time.Millisecond
)

// handshake is how long a new peer may take to introduce itself: libzmq's own bound.
const handshake = 30 * time.Second

// apply sets everything that has to be set before bind and connect.
func (o Options) apply(s *zmq.Socket) error {
	var err error
	set := func(option string, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("set %s of a %s socket: %w", option, o.Kind, e)
		}
	}
	set("linger", s.SetLinger(0))
	if o.Reconnect > 0 {
		set("reconnect interval", s.SetReconnectIvl(o.Reconnect))
	} else {
		set("reconnect interval", s.SetReconnectIvl(reconnectFirst))
		set("maximal reconnect interval", s.SetReconnectIvlMax(reconnectMax))
	}
	if o.Identity != "" {
		set("identity", s.SetIdentity(o.Identity))
	}
	if o.ReceiveQueue != 0 {
		set("receive queue", s.SetRcvhwm(max(o.ReceiveQueue, 0)))
	}
	if o.SendQueue != 0 {
		set("send queue", s.SetSndhwm(max(o.SendQueue, 0)))
	}
	if o.MaxMessage > 0 {
		set("maximal message size", s.SetMaxmsgsize(o.MaxMessage))
	}
	if o.KeepaliveIdle > 0 {
		set("TCP keepalive", s.SetTcpKeepalive(1))
		set("TCP keepalive idle time", s.SetTcpKeepaliveIdle(max(1, int(o.KeepaliveIdle/time.Second))))
	}
	if o.Silent > 0 {
		set("heartbeat interval", s.SetHeartbeatIvl(o.Silent/3))
		set("heartbeat timeout", s.SetHeartbeatTimeout(o.Silent-o.Silent/3))
		set("handshake interval", s.SetHandshakeIvl(min(o.Silent, handshake))) // before it is over there are no heartbeats
	}
	if o.Mandatory {
		set("router mandatory", s.SetRouterMandatory(1))
	}
	if o.NoDrop {
		set("xpub nodrop", s.SetXpubNodrop(true))
	}
	if o.Handover {
		set("router handover", s.SetRouterHandover(true))
	}
	if len(o.Bind) > 0 {
		// A ZAP domain without a ZAP handler authenticates nobody, but makes libzmq refuse the unversioned protocol of
		// 2009. Without it, whatever raw bytes reach a port are read as ZMTP 1.0, and become messages.
		set("ZAP domain", s.SetZapDomain("nowcast"))
	}
	for _, e := range slices.Concat(o.Bind, o.Connect) {
		if strings.HasPrefix(e, "tcp://[") {
			set("IPv6", s.SetIpv6(true))
		}
	}
	for _, topic := range o.Subscribe {
		set("subscription", s.SetSubscribe(topic))
	}
	return err
}
