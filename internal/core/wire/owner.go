package wire

import (
	"time"

	zmq "github.com/pebbe/zmq4"
)

// owner is what only the goroutine that owns a Conn's socket may touch.
type owner struct {
	*Conn
	parts    *parts
	batch    []Frames  // taken from out
	sent     int       // how many of batch are gone
	deadline time.Time // set once closing: when to give up sending
	latest   time.Time // set once closing: what deadline may become
}

// usualFrames is what an enveloped request has: identity, empty, body.
const usualFrames = 3

// own is the life of the socket's owner: send what is queued, receive what has arrived, sleep until either can go on.
func (c *Conn) own() {
	o := &owner{Conn: c, parts: newParts(c.socket.Socket)}
	for {
		c.sleeper.hush(o.deadline)
		if o.deadline.IsZero() && isClosed(c.closing) {
			now := time.Now()
			o.deadline, o.latest = now.Add(c.socket.options.Linger), now.Add(lingerLongest)
			c.sleeper.hush(o.deadline)
		}
		stopping := !o.deadline.IsZero()
		before := o.taken.Load()
		o.send()
		if stopping && o.taken.Load() > before {
			if o.deadline = time.Now().Add(c.socket.options.Linger); o.deadline.After(o.latest) {
				o.deadline = o.latest
			}
		}
		if stopping && (o.idle() || !time.Now().Before(o.deadline)) {
			break
		}
		var wanted zmq.State
		if o.sent < len(o.batch) {
			wanted |= zmq.POLLOUT
		}
		if !stopping && o.receive() {
			wanted |= zmq.POLLIN
		}
		if c.socket.monitor != nil {
			c.socket.monitor.read()
		}
		if o.sent == len(o.batch) && !o.out.empty() {
			continue // there is more to send than one batch
		}
		c.sleeper.wait(func() bool { return c.socket.ready(wanted) })
	}
	o.parts.close()
	c.unsent = c.station.close(time.Until(o.deadline)) || !o.idle()
	c.sleeper.close()
}

// ready tells whether one of the wanted events, or one of the monitor's, is there. It must be asked before every sleep: the
// question also takes the signal off the descriptor, so that there can be another.
func (s *socket) ready(wanted zmq.State) bool {
	events, err := s.GetEvents()
	if err != nil || events&wanted != 0 {
		return true
	}
	if s.monitor == nil {
		return false
	}
	events, err = s.monitor.pair.GetEvents()
	return err != nil || events&zmq.POLLIN != 0
}

// send sends as much as the socket takes of at most one batch, so that receiving gets its turn.
func (o *owner) send() {
	if o.sent == len(o.batch) {
		o.batch, o.sent = o.out.take(o.batch), 0
	}
	for ; o.sent < len(o.batch); o.sent++ {
		frames := o.batch[o.sent]
		err := o.parts.send(frames)
		if err == errAgain && !o.socket.options.Mandatory && !o.socket.options.NoDrop {
			return
		}
		if err != nil && o.socket.options.Undelivered != nil {
			o.socket.options.Undelivered(frames, undelivered(err))
		}
		o.batch[o.sent] = nil
		o.taken.Add(1)
	}
}

// undelivered translates libzmq's reasons. A mandatory Router, or an XPub that does not drop, says "again" for a peer that does
// not read; waiting for it would hold up the others, and its poll does not tell when to go on.
func undelivered(err error) error {
	switch err {
	case zmq.EHOSTUNREACH:
		return ErrNoPeer
	case errAgain:
		return ErrPeerBusy
	}
	return err
}

// receive moves what has arrived to the inbox, and says whether there is room for more.
func (o *owner) receive() bool {
	arrived := false
	defer func() {
		if arrived {
			o.in.announce()
		}
	}()
	for o.in.room() {
		var frames Frames
		if o.tag == nil {
			frames = make(Frames, 0, usualFrames)
		} else {
			frames = append(make(Frames, 0, 1+usualFrames), o.tag)
		}
		frames, err := o.parts.receive(frames)
		if err != nil {
			return err == errAgain // otherwise this socket cannot receive (Pub), or not now (Req, before it has asked)
		}
		o.in.put(frames)
		arrived = true
	}
	return false
}

// idle says that there is nothing left to send.
func (o *owner) idle() bool { return o.sent == len(o.batch) && o.out.empty() }

// deliver offers the reader everything that has arrived, adding to the batch until the reader takes it: a reader that does
// much per batch (one commit, say) is then given few large ones. resume wakes the owners that wait for room.
func deliver(in *inbox, receive chan<- []Frames, closing <-chan struct{}, resume func()) {
	defer close(receive)
	var batch []Frames
	var bytes int
	for {
		var room bool
		if batch, bytes, room = in.take(batch, bytes); room {
			resume()
		}
		var reader chan<- []Frames
		if len(batch) > 0 {
			reader = receive
		}
		select {
		case reader <- batch:
			batch, bytes = nil, 0
		case <-in.more:
		case <-closing:
			return
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
