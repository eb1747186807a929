package aggregator

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nowcast/internal/core/engine"
)

// How often losses are said: in the log, and as an alert.
const (
	warnEvery  = time.Second
	alertEvery = time.Minute
)

// losses counts records that the queue had no room for, and says so. It does that on a goroutine of its own: the one that receives
// must not wait for the log, and the one that writes is the one that is too slow.
type losses struct {
	logger *slog.Logger
	alert  func(engine.Alert)
	more   chan struct{} // capacity 1: there is something to say, or closed has changed
	ended  chan struct{}

	mu     sync.Mutex
	counts map[string]int // by publisher, not yet said; guarded by mu

	// Owned by report.
	total     int // since the start
	alerted   time.Time
	unalerted int
}

func newLosses(logger *slog.Logger, alert func(engine.Alert)) *losses {
	return &losses{logger: logger, alert: alert, more: make(chan struct{}, 1), ended: make(chan struct{}), counts: map[string]int{}}
}

func (l *losses) add(counts map[string]int) {
	l.mu.Lock()
	for name, n := range counts {
		if _, known := l.counts[name]; !known && len(l.counts) >= maxNames {
			name = others
		}
		l.counts[name] += n
	}
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// report says what is lost, at most once a second, until close.
func (l *losses) report() {
	for {
		select {
		case <-l.more:
			l.say(time.Now())
		case <-l.ended:
			l.say(time.Now())
			return
		}
		select {
		case <-time.After(warnEvery):
		case <-l.ended:
		}
	}
}

func (l *losses) close() { close(l.ended) }

func (l *losses) say(now time.Time) {
	l.mu.Lock()
	counts := l.counts
	l.counts = map[string]int{}
	l.mu.Unlock()
	if len(counts) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(counts))
	for _, name := range names {
		l.total += counts[name]
	}
	// The alert first: it does not go through the files, which may be what is slow.
	if l.alerted.IsZero() || now.Sub(l.alerted) >= alertEvery {
		l.alerted = now
		l.alert(engine.Alert{Time: now.UTC(), Kind: "log records lost", Message: fmt.Sprintf(
			"%d log records were lost since the log aggregator started, the last ones of %s: more came than could be written. "+
				"Is the disk of the log files slow or full? Else have these log less", l.total, strings.Join(names, ", "))})
	}
	for _, name := range names {
		l.logger.Warn(fmt.Sprintf("%d log records of %s were lost: more came than the log aggregator could write", counts[name], valid(name)))
	}
}
