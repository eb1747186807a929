package wirebench

import (
	"fmt"

	zmq "github.com/pebbe/zmq4"
)

// BareProxy runs libzmq's own proxy between a ROUTER and a DEALER, each bound to a loopback port, until stop is called.
func BareProxy() (front, back string, stop func(), err error) {
	s, err := newServer()
	if err != nil {
		return "", "", nil, err
	}
	router, err := s.socket(zmq.ROUTER)
	if err == nil {
		err = router.Bind("tcp://127.0.0.1:*")
	}
	if err == nil {
		front, err = router.GetLastEndpoint()
	}
	dealer, dealerErr := s.socket(zmq.DEALER)
	if err == nil {
		err = dealerErr
	}
	if err == nil {
		err = dealer.Bind("tcp://127.0.0.1:*")
	}
	if err == nil {
		back, err = dealer.GetLastEndpoint()
	}
	if err != nil {
		s.abandon()
		return "", "", nil, fmt.Errorf("bare proxy: %w", err)
	}
	// The proxy returns when its context is terminated, and that is its only result.
	return front, back, s.serve(func() { _ = zmq.Proxy(router, dealer, nil) }), nil
}

// ConstantReply runs a REP socket, connected to endpoint, that gives every request the same reply, until stop is called.
func ConstantReply(endpoint string, reply []byte) (stop func(), err error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	rep, err := s.socket(zmq.REP)
	if err == nil {
		err = rep.Connect(endpoint)
	}
	if err != nil {
		s.abandon()
		return nil, fmt.Errorf("constant reply: %w", err)
	}
	return s.serve(func() {
		for {
			if _, err := rep.RecvBytes(0); err != nil {
				return
			}
			if _, err := rep.SendBytes(reply, 0); err != nil {
				return
			}
		}
	}), nil
}

// server is a context with sockets that block in libzmq until the context is terminated.
type server struct {
	context *zmq.Context
	sockets []*zmq.Socket
}

func newServer() (*server, error) {
	context, err := zmq.NewContext()
	return &server{context: context}, err
}

func (s *server) socket(kind zmq.Type) (*zmq.Socket, error) {
	socket, err := s.context.NewSocket(kind)
	if err != nil {
		return nil, err
	}
	s.sockets = append(s.sockets, socket)
	return socket, socket.SetLinger(0)
}

func (s *server) abandon() {
	for _, socket := range s.sockets {
		_ = socket.Close() // an error has been reported already
	}
	_ = s.context.Term()
}

// serve runs f, which must return on termination of the context, and returns what terminates it and waits.
func (s *server) serve(f func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
		for _, socket := range s.sockets {
			_ = socket.Close()
		}
	}()
	return func() {
		_ = s.context.Term()
		<-done
	}
}
