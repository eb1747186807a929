package link

import (
	"context"
	"errors"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// Options say where the daemons are.
type Options struct {
	Feed    string // path of the feed's unix socket
	Control string // path of the control port's unix socket
	Author  string // user@host of the operator, for the audit trail
}

// Open connects to the daemons, which need not be there yet and may restart; the connection ends with ctx. Close
// waits for it.
func Open(ctx context.Context, o Options) (l *Link, closeLink func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	client, err := control.Dial("ipc://"+o.Control, o.Author)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	// Subscribed before the first snapshot is asked for, so that nothing falls between the two.
	events, err := feed.Subscribe(ctx, "ipc://"+o.Feed, streams)
	if err != nil {
		cancel()
		return nil, nil, errors.Join(err, client.Close())
	}
	closeLink = func() error {
		cancel()
		for range events { // closed when the subscriber has ended
		}
		return client.Close()
	}
	return New(ctx, events, client, o.Feed, o.Control), closeLink, nil
}

// streams is what the console shows.
var streams = []string{
	feed.StreamLaunch, feed.StreamChecklist, feed.StreamBarrier, feed.StreamLog, feed.StreamDaemon, feed.StreamAlert,
	feed.StreamSchedule, feed.StreamIncident,
}
