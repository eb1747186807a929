package wirebench

import (
	"fmt"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Flood is how much is published, by PUB sockets as Python has them, which drop what their queues of 1000 have no room for.
type Flood struct {
	Endpoints []string // one publisher binds each
	PerSecond int      // messages of all together
	For       time.Duration
	Message   func(publisher, i int) (topic string, text []byte)
}

// tick is how often each publisher has its turn.
const tick = 5 * time.Millisecond

// Publish waits until each publisher has a subscriber and publishes evenly. It returns how many messages were given to
// libzmq, and how long that took.
func (f Flood) Publish() (sent int, took time.Duration, err error) {
	context, err := zmq.NewContext()
	if err != nil {
		return 0, 0, err
	}
	defer context.Term()
	var sockets []*zmq.Socket
	for _, e := range f.Endpoints {
		s, err := context.NewSocket(zmq.PUB)
		if err != nil {
			return 0, 0, err
		}
		defer s.Close()
		if err := s.SetLinger(10 * time.Second); err != nil {
			return 0, 0, err
		}
		if err := s.Bind(e); err != nil {
			return 0, 0, fmt.Errorf("bind %s: %w", e, err)
		}
		sockets = append(sockets, s)
	}
	time.Sleep(2 * time.Second) // a PUB does not tell whether somebody has subscribed
	began := time.Now()
	for time.Since(began) < f.For {
		due := int(time.Since(began).Seconds() * float64(f.PerSecond))
		for sent < due {
			p := sent % len(sockets)
			topic, text := f.Message(p, sent)
			if _, err := sockets[p].Send(topic, zmq.SNDMORE); err != nil {
				return sent, 0, err
			}
			if _, err := sockets[p].SendBytes(text, 0); err != nil {
				return sent, 0, err
			}
			sent++
		}
		time.Sleep(tick)
	}
	return sent, time.Since(began), nil
}

// Drain receives everything from endpoints with a bare SUB until nothing has come for a second, and returns how much came.
func Drain(endpoints []string) (received int, err error) {
	context, err := zmq.NewContext()
	if err != nil {
		return 0, err
	}
	defer context.Term()
	s, err := context.NewSocket(zmq.SUB)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	for _, set := range []func() error{func() error { return s.SetRcvhwm(0) }, func() error { return s.SetSubscribe("") }, func() error { return s.SetRcvtimeo(10 * time.Second) }} {
		if err := set(); err != nil {
			return 0, err
		}
	}
	for _, e := range endpoints {
		if err := s.Connect(e); err != nil {
			return 0, err
		}
	}
	for {
		if _, err := s.RecvMessageBytes(0); err != nil {
			return received, nil
		}
		if received++; received == 1 {
			if err := s.SetRcvtimeo(time.Second); err != nil {
				return received, err
			}
		}
	}
}
