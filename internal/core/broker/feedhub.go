package broker

import (
	"context"
	"fmt"
	"time"

	"nowcast/internal/core/wire"
)

// feedHub passes what daemons and workers publish to whoever subscribes.
//
// Publishers are DEALERs that send one way, to the DEALER here, and not PUBs to an XSUB: a PUB drops everything until the
// subscription has come back to it, which is all that a worker living 5 ms has to say. A DEALER keeps its messages until they
// are taken, also while the broker is away.
type feedHub struct {
	forwarder *wire.Forwarder
}

const (
	// maxPublished is how many messages of one publisher wait to be passed on; this never waits for a subscriber.
	maxPublished = 10_000
	// maxUnseen is how many messages wait for one subscriber; more are dropped for that one, which notices the gap in
	// the sequence and asks for a new snapshot.
	maxUnseen = 10_000
	// maxFeedMessage is well above any feed message; a larger one comes from something broken.
	maxFeedMessage = 64 << 20
	// lastWords is how long what publishers say is passed on when the broker stops.
	lastWords = 200 * time.Millisecond
)

func newFeedHub(o Options) (*feedHub, error) {
	// A PUB never waits for a subscriber, so neither do publishers.
	f, err := wire.NewForwarder(wire.ForwarderOptions{
		Front: wire.Options{
			Kind: wire.Dealer, Bind: []string{o.FeedIn}, ReceiveQueue: maxPublished, MaxMessage: maxFeedMessage, KeepaliveIdle: keepaliveIdle,
		},
		Back: wire.Options{
			Kind: wire.Pub, Bind: []string{o.FeedOut}, SendQueue: maxUnseen, KeepaliveIdle: keepaliveIdle, Linger: lingerReplies,
		},
		Drain: lastWords,
	})
	if err != nil {
		return nil, fmt.Errorf("broker: feed: %w", err)
	}
	return &feedHub{f}, nil
}

// endpoints returns what is bound.
func (f *feedHub) endpoints() (in, out string) { return f.forwarder.Front()[0], f.forwarder.Back()[0] }

func (f *feedHub) close() { f.forwarder.Close() }

func (f *feedHub) run(ctx context.Context) error {
	if _, err := f.forwarder.Run(ctx); err != nil {
		return fmt.Errorf("broker: pass on the feed: %w", err)
	}
	return nil
}
