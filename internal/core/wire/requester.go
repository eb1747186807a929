package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nowcast/internal/core/fault"
)

const (
	// keepaliveIdle is what workers set so that no firewall forgets their idle connection (specs: compat section 1).
	keepaliveIdle = 900 * time.Second
	// brokerSilent is how long the broker's machine may not answer on the connection before it counts as broken: the other side has
	// gone and TCP does not know. (A broker that is at work, or has no manager, answers: libzmq does it.)
	brokerSilent = time.Minute
)

// Requester asks one question at a time and waits for its answer, as a worker asks the manager. To the other side it is a
// REQ socket. It connects on first use and by itself again whenever the other side was away; a question asked meanwhile
// waits. It is safe for concurrent use; questions queue.
type Requester struct {
	endpoint string

	turn   chan struct{} // holds a token while nobody asks; who has it owns conn
	conn   *Conn         // nil before the first question and after one that was given up
	broken chan struct{} // a token: a connection of conn has ended

	closeOnce sync.Once
	closed    chan struct{}
}

// NewRequester returns a Requester for an endpoint as TCP or IPC returns it.
func NewRequester(endpoint string) *Requester {
	r := &Requester{endpoint: endpoint, turn: make(chan struct{}, 1), broken: make(chan struct{}, 1), closed: make(chan struct{})}
	r.turn <- struct{}{}
	return r
}

// Request sends body, once, and returns the first frame of the reply. When ctx ends first, the question may or may not have been
// received; its answer will be dropped, and the next question starts on a new connection. If the connection breaks after the
// question was sent, no answer will come.
func (r *Requester) Request(ctx context.Context, body []byte) ([]byte, error) {
	return r.inTurn(ctx, func() ([]byte, error) {
		reply, _, err := r.ask(ctx, body, nil)
		return reply, err
	})
}

// Insist is Request for a body that names itself, so that whoever gets it twice knows: each time the connection breaks before the
// answer has come, again is called and the same bytes are sent on a new connection. Without a break nothing is sent twice, however
// long it takes.
func (r *Requester) Insist(ctx context.Context, body []byte, again func()) ([]byte, error) {
	return r.inTurn(ctx, func() ([]byte, error) {
		for pause := againFirst; ; pause = min(2*pause, againMost) {
			reply, broken, err := r.ask(ctx, body, r.broken)
			if !broken {
				return reply, err
			}
			again()
			r.disconnect()
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil, fmt.Errorf("no reply from %s: %w", r.endpoint, ctx.Err())
			case <-r.closed:
				return nil, ErrClosed
			}
		}
	})
}

// A new connection is made soon, because it is libzmq that waits for a broker to be there; later, because one that ends each
// connection has a reason, or dies again and again. But not much later: the answer is wanted as soon as it lives.
const (
	againFirst = 50 * time.Millisecond
	againMost  = 250 * time.Millisecond
)

// inTurn runs f while nobody else asks, with a connection, and gives up the connection if it fails.
func (r *Requester) inTurn(ctx context.Context, f func() ([]byte, error)) ([]byte, error) {
	select {
	case <-r.turn:
		defer func() { r.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another request to %s: %w", r.endpoint, ctx.Err())
	}
	if isClosed(r.closed) {
		return nil, ErrClosed
	}
	reply, err := f()
	if err != nil {
		r.disconnect()
	}
	return reply, err
}

func (r *Requester) disconnect() {
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
}

func (r *Requester) connect() (err error) {
	r.conn, err = Open(Options{Kind: Req, Connect: []string{r.endpoint}, KeepaliveIdle: keepaliveIdle, Silent: fault.Patience(fault.SilentVariable, brokerSilent), Watch: r.watch})
	return err
}

// watch is told of the connection by the goroutine that owns it.
func (r *Requester) watch(e Event) {
	if e.Kind == PeerLost {
		select {
		case r.broken <- struct{}{}:
		default: // it is known
		}
	}
}

// ask sends body and waits for its reply, or until the connection breaks if breaks is not nil.
func (r *Requester) ask(ctx context.Context, body []byte, breaks <-chan struct{}) (reply []byte, broken bool, err error) {
	if r.conn == nil {
		if err := r.connect(); err != nil {
			r.conn = nil
			return nil, false, err
		}
	}
	select {
	case <-r.broken: // while nobody asked: it is another one by now
	default:
	}
	if err := r.conn.Send(Frames{body}); err != nil {
		return nil, false, fmt.Errorf("send to %s: %w", r.endpoint, err)
	}
	select {
	case batch, ok := <-r.conn.Receive():
		if !ok || len(batch) != 1 {
			return nil, false, errors.New("receive from " + r.endpoint + ": the connection ended")
		}
		return batch[0][0], false, nil
	case <-breaks:
		return nil, true, nil
	case <-ctx.Done():
		return nil, false, fmt.Errorf("no reply from %s: %w", r.endpoint, ctx.Err())
	case <-r.closed:
		return nil, false, ErrClosed
	}
}

// Close gives up a question that is being asked and closes the connection.
func (r *Requester) Close() error {
	r.closeOnce.Do(func() {
		close(r.closed)
		<-r.turn
		r.disconnect()
		r.turn <- struct{}{}
	})
	return nil
}
