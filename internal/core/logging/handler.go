package logging

import (
	"context"
	"log/slog"
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
	source *source
	attrs  string // of With, as they are written
	group  string // prefix of attribute keys, with its dot
}

// Enabled tells whether a record would go anywhere; it is all that a record below the level costs.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= h.source.in(h.source.log.tree.Load()).least
}

// Handle writes the record. It returns nil: what a handler cannot do is said on stderr, and callers could not help it.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	rec := records.Get().(*record)
	*rec = record{time: r.Time, level: feed.PythonLevel(r.Level), name: h.source.name, message: r.Message, pc: r.PC, text: rec.text}
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
	h.source.emit(rec, r.Level)
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
