package workers

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// names gives each message of a process a name of its own, for good: whoever gets it twice knows that it is the same. A launch may
// be several processes (a script that sends with nowcastd send), so its number alone would not do.
type names struct {
	process string
	last    atomic.Int64
}

func newNames() *names {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &names{process: fmt.Sprintf("%s-%d-%x", host, os.Getpid(), random)}
}

func (n *names) next() string { return fmt.Sprintf("%s-%d", n.process, n.last.Add(1)) }

// exchange waits for the reply as long as it takes, because the manager may be down for maintenance, but not in silence. If the
// connection to the broker breaks, it sends the message again, and our manager knows by its name that it is the same. A Python
// manager does not: it may act twice upon a message whose connection broke. Without a break nothing is sent twice.
func (r *Run) exchange(ctx context.Context, msgType, words string, body []byte) ([]byte, error) {
	start := time.Now()
	waiting := time.NewTicker(r.warnEvery)
	defer waiting.Stop()
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	broken := make(chan struct{}, 1)
	go func() {
		answer, err := r.manager.Insist(ctx, body, func() {
			select {
			case broken <- struct{}{}:
			default: // it is being said
			}
		})
		done <- result{answer, err}
	}()
	r.Log.Debug(fmt.Sprintf("sent message: (%s) %s", msgType, words))
	broker, again := strings.TrimPrefix(r.endpoint, "tcp://"), false
	for {
		select {
		case d := <-done:
			if again && d.err == nil {
				r.Log.Info(fmt.Sprintf("the manager at %s has answered (%s) after %v", broker, msgType, time.Since(start).Round(time.Second)))
			}
			return d.answer, d.err
		case <-broken:
			if !again {
				r.Log.Warn(fmt.Sprintf("the connection to %s broke before there was a reply to (%s); it is sent again until there is one", broker, msgType))
			}
			again = true
		case <-waiting.C:
			r.Log.Warn(fmt.Sprintf("no reply from the manager at %s to (%s) for %v; still waiting: is the broker running?",
				broker, msgType, time.Since(start).Round(time.Second)))
		}
	}
}
