package logging

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"nowcast/internal/core/feed"
)

// traceback is the type of the reserved attribute.
type traceback string

// Exc returns the reserved attribute for a traceback: it is written on the lines below the record, as Python does.
func Exc(text string) slog.Attr { return slog.Any("exc_info", traceback(text)) }

// handler is the slog.Handler of one logger.
type handler struct {
	logger *logger
	attrs  string // of With, as they are written
	group  string // prefix of attribute keys, with its dot
}

// Enabled tells whether a record would go anywhere; it is all that a record below the level costs.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.logger.least }

// Handle writes the record. It returns nil: what a handler cannot do is said on stderr, and callers could not help it.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	rec := records.Get().(*record)
	*rec = record{time: r.Time, level: pythonLevel(r.Level), name: h.logger.name, message: r.Message, pc: r.PC, text: rec.text}
	if h.attrs != "" || r.NumAttrs() > 0 {
		text := append([]byte(r.Message), h.attrs...)
		r.Attrs(func(a slog.Attr) bool {
			if exc, ok := a.Value.Any().(traceback); ok {
				rec.exc = string(exc)
				return true
			}
			text = appendAttr(text, h.group, a)
			return true
		})
		rec.message = string(text)
	}
	h.logger.emit(rec, r.Level)
	records.Put(rec)
	return nil
}

// WithAttrs returns a handler that adds the attributes to each record.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	text := []byte(h.attrs)
	for _, a := range attrs {
		text = appendAttr(text, h.group, a)
	}
	c.attrs = string(text)
	return &c
}

// WithGroup returns a handler that puts the name before the keys of later attributes.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.group += name + "."
	return &c
}

// appendAttr writes an attribute as slog's TextHandler does, after a blank.
func appendAttr(text []byte, group string, a slog.Attr) []byte {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range a.Value.Group() {
			text = appendAttr(text, group, inner)
		}
		return text
	}
	if a.Equal(slog.Attr{}) {
		return text
	}
	text = append(text, ' ')
	text = appendQuoted(text, group+a.Key)
	text = append(text, '=')
	if err, ok := a.Value.Any().(error); ok {
		return appendQuoted(text, err.Error())
	}
	return appendQuoted(text, a.Value.String())
}

// appendQuoted writes s, in quotes if a reader could not tell where it ends.
func appendQuoted(text []byte, s string) []byte {
	plain := s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
	if plain {
		return append(text, s...)
	}
	return strconv.AppendQuote(text, s)
}

// logger is one name with everything that follows from it. It does not change.
type logger struct {
	log      *Log
	name     string
	level    int // effective
	handlers []*target
	least    slog.Level
}

// target is a configured handler.
type target struct {
	name  string
	class string
	level int
	sink  sink
}

// sink is where records go. It is safe for concurrent use, takes the record's data before it returns, and reports its own trouble.
type sink interface {
	emit(*record)
	close() error
}

func (l *logger) emit(r *record, level slog.Level) {
	if r.level < l.level {
		return
	}
	if o := &l.log.o; o.Feed != nil {
		o.Feed(feed.LogRecord{Time: r.time.UTC(), Level: level, Name: r.name, Message: r.full(), Host: l.log.host, PID: l.log.pid, Launch: o.Launch})
	}
	for _, t := range l.handlers {
		if r.level >= t.level {
			t.sink.emit(r)
		}
	}
}

// setLeast finds the lowest level at which a record goes anywhere.
func (l *logger) setLeast() {
	least := l.level
	if l.log.o.Feed == nil {
		lowest := slices.MinFunc(l.handlers, func(a, b *target) int { return a.level - b.level })
		least = max(least, lowest.level)
	}
	l.least = slogLevel(least)
}
