package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	queueLength = 1000             // notices that wait for one channel; one more, and the oldest is dropped
	attemptTime = 10 * time.Second // one request and its answer
	firstWait   = time.Second      // between attempts; doubled each time
	longestWait = time.Minute
	giveUpAfter = time.Hour        // since the report: later it is no news
	sayDropped  = 10 * time.Minute // between warnings while notices are dropped
)

// notice is one message for one channel.
type notice struct {
	worker, typ string
	body        []byte
	queued      time.Time
}

// destination is a channel of Slack: a queue, and the goroutine that empties it.
type destination struct {
	variable string // names it: its webhook is a secret
	webhook  string
	log      *slog.Logger
	wake     chan struct{} // has a token when there is something to look at
	down     bool          // of run: the last attempt was in vain, which has been said

	mu      sync.Mutex
	queue   []notice  // guarded by mu, as is all below
	dropped int       // since the queue was last empty
	said    time.Time // when that was last said; zero: not since then
	closed  bool      // nothing is added any more
}

func newDestination(variable, webhook string, log *slog.Logger) *destination {
	return &destination{variable: variable, webhook: webhook, log: log, wake: make(chan struct{}, 1)}
}

// add never waits. Here it is said that notices are dropped, while run may try to send one for an hour; next says how many there were.
func (d *destination) add(n notice) {
	d.mu.Lock()
	say := false
	if len(d.queue) == queueLength {
		d.queue = d.queue[1:]
		d.dropped++
		if say = time.Since(d.said) >= sayDropped; say {
			d.said = time.Now()
		}
	}
	dropped := d.dropped
	d.queue = append(d.queue, n)
	d.signal()
	d.mu.Unlock()
	if say {
		d.log.Warn(fmt.Sprintf("notifications for Slack (%s) are dropped, the oldest ones first: more than %d are waiting; %d until now", d.variable, queueLength, dropped))
	}
}

// close makes run end when the queue is empty.
func (d *destination) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.signal()
}

func (d *destination) signal() {
	select {
	case d.wake <- struct{}{}:
	default: // there is one
	}
}

// next waits for a notice. ok is false when there will be none any more.
func (d *destination) next() (n notice, ok bool) {
	for ; ; <-d.wake {
		d.mu.Lock()
		if ok = len(d.queue) > 0; ok {
			n, d.queue = d.queue[0], d.queue[1:]
		}
		dropped, closed := 0, d.closed
		if len(d.queue) == 0 {
			dropped, d.dropped, d.said = d.dropped, 0, time.Time{}
		}
		d.mu.Unlock()
		if dropped > 0 {
			d.log.Warn(fmt.Sprintf("%d notifications for Slack (%s) were dropped, the oldest ones: more than %d were waiting; none waits any more", dropped, d.variable, queueLength))
		}
		if ok || closed {
			return n, ok
		}
	}
}

// run sends notices in order until the destination is closed. After stopping each has one attempt and no more, and when ctx is
// over it fails.
func (d *destination) run(ctx context.Context, stopping <-chan struct{}, client *http.Client) {
	for n, ok := d.next(); ok; n, ok = d.next() {
		if err := d.deliver(ctx, stopping, client, n); err != nil {
			d.log.Warn(fmt.Sprintf("notification not sent to Slack (%s): %s: %s: %v", d.variable, n.worker, n.typ, err))
		}
	}
}

// deliver tries until it succeeds, or there is no point in it.
func (d *destination) deliver(ctx context.Context, stopping <-chan struct{}, client *http.Client, n notice) error {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		if ctx.Err() != nil {
			return errStopped
		}
		answer, err := post(ctx, client, d.webhook, n.body)
		if answer.final {
			return err
		}
		d.say(err)
		if err == nil {
			return nil
		}
		pause := max(wait, answer.retryAfter)
		if time.Since(n.queued)+pause > giveUpAfter {
			return fmt.Errorf("given up after %v: %w", time.Since(n.queued).Round(time.Second), err)
		}
		select {
		case <-stopping:
			return fmt.Errorf("%w: %w", errStopped, err)
		default:
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-stopping: // once more, and at once
			t.Stop()
		}
	}
}

// say logs when sending begins to fail and when it works again, not each attempt.
func (d *destination) say(err error) {
	switch {
	case err != nil && !d.down:
		d.log.Warn(fmt.Sprintf("Slack (%s) does not take notifications, which are tried again for an hour: %v", d.variable, err))
	case err == nil && d.down:
		d.log.Info(fmt.Sprintf("Slack (%s) takes notifications again", d.variable))
	}
	d.down = err != nil
}
