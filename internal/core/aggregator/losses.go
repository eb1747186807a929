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
	calmAfter  = 10 * time.Minute // without a loss the alert ends
)

const (
	lostAlert = "log records lost"
	gapAlert  = "publisher gap"
)

// losses counts records that the queue had no room for and events that never came, and says so. It does that on a goroutine of its own: the one that receives
// must not wait for the log, and the one that writes is the one that is too slow.
type losses struct {
	logger *slog.Logger
	alert  func(engine.Alert)
	settle func(key, how string)
	more   chan struct{} // capacity 1: there is something to say, or closed has changed
	ended  chan struct{}

	mu     sync.Mutex
	counts map[string]int // records by publisher, not yet said; guarded by mu
	gaps   map[string]int // the same, of events that never came

	// Owned by report.
	total, missed int // since the start
	alerted       map[string]time.Time
}

func newLosses(o *Options) *losses {
	return &losses{logger: o.Logger, alert: o.Alert, settle: o.Settle, more: make(chan struct{}, 1), ended: make(chan struct{}),
		counts: map[string]int{}, gaps: map[string]int{}, alerted: map[string]time.Time{}}
}

func (l *losses) add(counts map[string]int) { l.count(l.counts, counts) }

func (l *losses) gap(source string, events int) { l.count(l.gaps, map[string]int{source: events}) }

func (l *losses) count(to, counts map[string]int) {
	l.mu.Lock()
	for name, n := range counts {
		if _, known := to[name]; !known && len(to) >= maxNames {
			name = others
		}
		to[name] += n
	}
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// report says what is lost, at most once a second, until close.
func (l *losses) report() {
	calm := time.NewTimer(calmAfter)
	defer calm.Stop()
	for {
		select {
		case <-l.more:
			l.say(time.Now())
			calm.Reset(calmAfter)
		case <-calm.C:
			clear(l.alerted)
			l.settle(lostAlert, "nothing was lost for 10 minutes")
			l.settle(gapAlert, "nothing was missed for 10 minutes")
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
	counts, gaps := maps.Clone(l.counts), maps.Clone(l.gaps)
	clear(l.counts)
	clear(l.gaps)
	l.mu.Unlock()
	// The alerts first: they do not go through the files, which may be what is slow.
	for _, n := range counts {
		l.total += n
	}
	for _, n := range gaps {
		l.missed += n
	}
	l.raise(now, lostAlert, counts, "%d log records were lost since the log aggregator started, the last ones of %s: more came than could be written. "+
		"Is the disk of the log files slow or full? Else have these log less", l.total)
	l.raise(now, gapAlert, gaps, "%d events with log records never came since the log aggregator started, the last ones of %s: more was published than was "+
		"taken, or the broker was away. They are not in the log history; with local logging they are in the log files", l.missed)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		l.logger.Warn(fmt.Sprintf("%d log records of %s were lost: more came than the log aggregator could write", counts[name], valid(name)))
	}
	for _, name := range slices.Sorted(maps.Keys(gaps)) {
		l.logger.Warn("log records were lost on their way to the log aggregator: they are not in the log history", "source", name, "events", gaps[name])
	}
}

// raise tells the operators of a loss, once a minute.
func (l *losses) raise(now time.Time, key string, counts map[string]int, text string, total int) {
	if last, ok := l.alerted[key]; len(counts) == 0 || ok && now.Sub(last) < alertEvery {
		return
	}
	l.alerted[key] = now
	names := strings.Join(slices.Sorted(maps.Keys(counts)), ", ")
	l.alert(engine.Alert{Key: key, Kind: key, Message: fmt.Sprintf(text, total, valid(names))})
}
