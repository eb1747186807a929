package logging

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"nowcast/internal/core/feed"
)

// source is a name that logs. It outlives configurations.
type source struct {
	log  *Log
	name string
	last atomic.Pointer[logger] // what follows from the configuration that was last asked
}

// logger is what follows for one name from one configuration. It does not change.
type logger struct {
	tree     *tree
	level    int // effective
	handlers []*target
	least    slog.Level // the lowest at which a record goes anywhere
}

// in returns what follows from a configuration. To ask again costs two atomic loads.
func (s *source) in(t *tree) *logger {
	if l := s.last.Load(); l != nil && l.tree == t {
		return l
	}
	l := t.resolve(s.name, s.log.heard())
	s.last.Store(l)
	return l
}

func (s *source) emit(r *record, level slog.Level) {
	t := s.log.hold()
	defer t.release()
	l := s.in(t)
	if r.level < l.level {
		return
	}
	if s.log.heard() {
		o := &s.log.o
		told := feed.LogRecord{Time: r.time.UTC(), Level: level, Name: r.name, Message: r.full(),
			Host: s.log.host, PID: s.log.pid, Launch: o.Launch, Published: s.log.role != Aggregator && l.publishes(r.level)}
		if o.Feed != nil {
			o.Feed(told)
		}
		if o.Show != nil {
			o.Show(told)
		}
	}
	for _, t := range l.handlers {
		if r.level >= t.level {
			t.sink.emit(r)
		}
	}
}

// heard tells whether somebody gets records beside the handlers.
func (l *Log) heard() bool { return l.o.Feed != nil || l.o.Show != nil }

// publishes tells whether the log aggregator gets a record of the level on our port, or is not meant to get it.
func (l *logger) publishes(level int) bool {
	if !l.tree.c.Distributed() {
		return false
	}
	for _, t := range l.handlers {
		if level < t.level {
			continue
		}
		switch t.sink.(type) {
		case unbound:
			return false
		case *publisher:
			return named(level)
		}
	}
	return true
}

func (l *logger) setLeast(fed bool) {
	least := l.level
	if !fed {
		lowest := slices.MinFunc(l.handlers, func(a, b *target) int { return a.level - b.level })
		least = max(least, lowest.level)
	}
	l.least = feed.SlogLevel(least)
}
