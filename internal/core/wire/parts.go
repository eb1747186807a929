package wire

import (
	"errors"
	"syscall"

	zmq "github.com/pebbe/zmq4"
)

// ErrNoPeer is why a mandatory Router could not deliver: nobody with that name is connected.
var ErrNoPeer = errors.New("no such peer is connected")

// ErrPeerBusy is why a mandatory Router, or an XPub with NoDrop, could not deliver: the peer's queue is full, so it is alive
// but does not read, or not fast enough.
var ErrPeerBusy = errors.New("the peer's queue is full")

// errAgain is "not now" of a call that does not wait.
const errAgain = zmq.Errno(syscall.EAGAIN)

// receive appends one whole message to frames if there is one; errAgain if not.
func receive(s *socket, frames Frames) (Frames, error) {
	flags := zmq.DONTWAIT
	for {
		part, err := s.RecvBytes(flags)
		if err != nil {
			return nil, err
		}
		frames = append(frames, part)
		more, err := s.GetRcvmore()
		if err != nil || !more {
			return frames, err
		}
		flags = 0 // ZeroMQ delivers all parts or none, so the others do not wait either
	}
}

// send sends one whole message or nothing; errAgain if it cannot be now.
func send(s *socket, frames Frames) error {
	last := len(frames) - 1
	for i, part := range frames {
		flags := zmq.DONTWAIT
		if i < last {
			flags |= zmq.SNDMORE
		}
		if _, err := s.SendBytes(part, flags); err != nil {
			return err
		}
	}
	return nil
}
