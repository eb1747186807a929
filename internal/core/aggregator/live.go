package aggregator

import (
	"fmt"
	"log/slog"
	"time"

	"nowcast/internal/core/feed"
)

// livePerSecond is how many records of others are sent to the consoles within a second. Nobody can read more; the history has all.
const livePerSecond = 2000

// live sends the records of publishers that are not on the feed to the consoles.
type live struct {
	o      *Options
	second time.Time // when the second began
	sent   int       // within it
}

func (l *live) send(records []feed.LogRecord, now time.Time) {
	if now.Sub(l.second) >= time.Second {
		l.second, l.sent = now, 0
	}
	n := min(len(records), max(0, livePerSecond-l.sent))
	for _, r := range records[:n] {
		l.o.Publish(r)
	}
	if l.sent += n; n < len(records) && l.sent == livePerSecond {
		l.sent++ // said once
		l.o.Publish(feed.LogRecord{Time: now.UTC(), Level: slog.LevelWarn, Name: l.o.Name, Host: l.o.Host, Published: true,
			Message: fmt.Sprintf("more than %d log records came within a second: the others are not shown here as they come, but nowcastd logs has them", livePerSecond)})
	}
}
