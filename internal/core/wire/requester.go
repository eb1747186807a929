package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// keepaliveIdle is what workers set so that no firewall forgets their idle connection (specs: compat section 1).
const keepaliveIdle = 900 * time.Second

// Requester asks one question at a time and waits for its answer, as a worker asks the manager. To the other side it is a
// REQ socket. It connects on first use and by itself again whenever the other side was away; a question asked meanwhile
// waits. It is safe for concurrent use; questions queue.
type Requester struct {
	endpoint string

	turn chan struct{} // holds a token while nobody asks; who has it owns conn
	conn *Conn         // nil before the first question and after one that was given up

	closeOnce sync.Once
	closed    chan struct{}
}

// NewRequester returns a Requester for an endpoint as TCP or IPC returns it.
func NewRequester(endpoint string) *Requester {
	r := &Requester{endpoint: endpoint, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	r.turn <- struct{}{}
	return r
}

// Request sends body and returns the first frame of the reply. When ctx ends first, the question may or may not have been
// received; its answer will be dropped, and the next question starts on a new connection.
func (r *Requester) Request(ctx context.Context, body []byte) ([]byte, error) {
	select {
	case <-r.turn:
		defer func() { r.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another request to %s: %w", r.endpoint, ctx.Err())
	}
	if isClosed(r.closed) {
		return nil, ErrClosed
	}
	if r.conn == nil {
		conn, err := Open(Options{Kind: Req, Connect: []string{r.endpoint}, KeepaliveIdle: keepaliveIdle})
		if err != nil {
			return nil, err
		}
		r.conn = conn
	}
	reply, err := r.ask(ctx, body)
	if err != nil {
		r.conn.Close()
		r.conn = nil
	}
	return reply, err
}

func (r *Requester) ask(ctx context.Context, body []byte) ([]byte, error) {
	if err := r.conn.Send(Frames{body}); err != nil {
		return nil, fmt.Errorf("send to %s: %w", r.endpoint, err)
	}
	select {
	case batch, ok := <-r.conn.Receive():
		if !ok || len(batch) != 1 {
			return nil, errors.New("receive from " + r.endpoint + ": the connection ended")
		}
		return batch[0][0], nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no reply from %s: %w", r.endpoint, ctx.Err())
	case <-r.closed:
		return nil, ErrClosed
	}
}

// Close gives up a question that is being asked and closes the connection.
func (r *Requester) Close() error {
	r.closeOnce.Do(func() {
		close(r.closed)
		<-r.turn
		if r.conn != nil {
			r.conn.Close()
			r.conn = nil
		}
		r.turn <- struct{}{}
	})
	return nil
}
