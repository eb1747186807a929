package control

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nowcast/internal/core/fault"
	"nowcast/internal/core/wire"
)

// ErrNoAnswer is wrapped by the error of a Call that nobody answered in time.
var ErrNoAnswer = errors.New("no answer")

// Times of a call.
const (
	resendAfter = time.Second            // without an answer: the broker or the daemon may have restarted
	againAfter  = 200 * time.Millisecond // after an answer that nothing was done
	giveUpAfter = 2 * time.Second        // of such answers only: longer than a daemon needs to connect again
)

// Client sends commands. Its methods are safe for concurrent use.
type Client struct {
	endpoint, author string
	conn             *wire.Conn
	reached          atomic.Bool // the hub was connected at some time
	receiving        sync.WaitGroup

	mu      sync.Mutex // guards waiting
	waiting map[string]chan<- Reply
}

// Dial returns a client of the control hub at endpoint for an operator, who is named user@host. The hub need not be there
// yet, and may restart.
func Dial(endpoint, author string) (*Client, error) {
	c := &Client{endpoint: endpoint, author: author, waiting: map[string]chan<- Reply{}}
	var err error
	c.conn, err = wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{endpoint}, Watch: func(e wire.Event) {
		if e.Kind == wire.PeerReady {
			c.reached.Store(true)
		}
	}})
	if err != nil {
		return nil, fmt.Errorf("connect to the control socket: %w", err)
	}
	c.receiving.Go(c.receive)
	return c, nil
}

// Close ends the connection. Calls that wait go on to wait until their contexts end.
func (c *Client) Close() error {
	err := c.conn.Close()
	c.receiving.Wait()
	return err
}

// Call has the daemon named target carry out a command and reads its answer into result, which may be nil. If there is
// no answer the same command is sent again under the same id until ctx ends; then the error wraps ErrNoAnswer and says what
// is missing. Otherwise the error is what the daemon says.
func (c *Client) Call(ctx context.Context, target, command string, args, result any) error {
	return c.Do(ctx, target, Request{ID: newID(), Author: c.author, Command: command}, args, result)
}

// Do is Call with an id, an author and a command of the caller's choice. A daemon that remembers its answers by id, as the manager
// does, carries out once what a caller asks for again, even if the caller has been restarted in between.
func (c *Client) Do(ctx context.Context, target string, request Request, args, result any) error {
	command := request.Command
	if deadline, ok := ctx.Deadline(); ok {
		request.Expires = fault.Now().Add(time.Until(deadline)) // by the clock that whoever gets it goes by
	}
	var err error
	if request.Args, err = json.Marshal(args); err != nil {
		return fmt.Errorf("%s: arguments: %w", command, err)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	reply, err := c.exchange(ctx, wire.Frames{[]byte(request.ID), []byte(target), body})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", command, err)
	case !reply.OK:
		return fmt.Errorf("%s: %s", command, reply.Error)
	case result == nil || len(reply.Result) == 0:
		return nil
	}
	if err := json.Unmarshal(reply.Result, result); err != nil {
		return fmt.Errorf("%s: answer of %s: %w", command, target, err)
	}
	return nil
}

// exchange sends a command until it is answered.
func (c *Client) exchange(ctx context.Context, request wire.Frames) (Reply, error) {
	id, target := string(request[0]), string(request[1])
	replies := make(chan Reply, 1)
	c.expect(id, replies)
	defer c.expect(id, nil)
	var (
		started    = time.Now()
		unanswered int   // sent without any answer: the daemon may have done it
		refusal    Reply // the last answer that nothing was done
	)
	for {
		if err := c.conn.Send(request); err != nil {
			return Reply{}, err
		}
		select {
		case r := <-replies:
			if !r.Again {
				return r, nil
			}
			refusal = r
			if unanswered == 0 && time.Since(started) > giveUpAfter {
				return Reply{}, &noAnswer{target: target, why: r.Error}
			}
			wait(ctx, againAfter)
		case <-time.After(resendAfter):
			unanswered, refusal = unanswered+1, Reply{} // what was said before is not how it is now
		case <-ctx.Done():
			unanswered, refusal = unanswered+1, Reply{}
		}
		if ctx.Err() != nil || c.nobody(started) {
			return Reply{}, c.silence(ctx, target, refusal, unanswered)
		}
	}
}

// nobody tells that there has been no hub since a command was sent, for longer than a broker needs to start. The command has not left
// this process.
func (c *Client) nobody(since time.Time) bool {
	return !c.reached.Load() && time.Since(since) > giveUpAfter && missing(c.endpoint) != ""
}

// silence is the error of a command that was not answered.
func (c *Client) silence(ctx context.Context, target string, refusal Reply, unanswered int) error {
	why := missing(c.endpoint)
	mayBeDone := unanswered > 0 && (why == "" || c.reached.Load()) // otherwise it never left, and will be too late if it ever does
	if why == "" {
		why = "the broker is running, but " + target + " does not answer: look at its log, restart it if it hangs"
		if refusal.Error != "" {
			why = refusal.Error
		}
	}
	if mayBeDone {
		why += "; whether the command was carried out is not known"
	}
	return &noAnswer{target: target, why: why, ended: ctx.Err()}
}

// noAnswer is ErrNoAnswer with who did not answer and why. It wraps why the wait ended too, but does not say it: an operator
// knows that time has passed.
type noAnswer struct {
	target, why string
	ended       error
}

func (e *noAnswer) Error() string { return ErrNoAnswer.Error() + " from " + e.target + ": " + e.why }

func (e *noAnswer) Unwrap() []error { return []error{ErrNoAnswer, e.ended} }

// expect says where the answers to a request go; nil takes no more.
func (c *Client) expect(id string, replies chan<- Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if replies == nil {
		delete(c.waiting, id)
		return
	}
	c.waiting[id] = replies
}

// receive is the goroutine that hands answers to the calls that wait for them.
func (c *Client) receive() {
	for batch := range c.conn.Receive() {
		for _, f := range batch {
			c.deliver(f)
		}
	}
}

func (c *Client) deliver(f wire.Frames) {
	if len(f) != 2 {
		return // not from a hub of ours; the call it belongs to, if any, sends again
	}
	var r Reply
	if err := json.Unmarshal(f[1], &r); err != nil {
		r = Reply{Error: fmt.Sprintf("the answer cannot be read: %v", err)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.waiting[string(f[0])] <- r: // a nil channel if nobody waits any more
	default: // the answer to the same request sent again
	}
}

// wait waits, at most until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (documented)
	return hex.EncodeToString(b[:])
}
