package logging

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"nowcast/internal/core/feed"
)

// defaultFormat is Python's for a handler without formatter, ourFormat is what we write without a section logging.
const (
	defaultFormat = "%(message)s"
	ourFormat     = "%(asctime)s %(levelname)s [%(name)s] %(message)s"
)

// formatter writes records as logging.Formatter with the same format and datefmt does.
type formatter struct {
	parts   []part
	datefmt string // for strftime; "" Python's default

	last atomic.Pointer[second] // that was asked for: most records share theirs with the one before
}

// second is a second as asctime writes it. No directive of datefmt tells more.
type second struct {
	unix int64
	text string
}

// part is literal text, or a field of the record.
type part struct {
	literal string
	field   field
	verb    string // for fmt; "" the field as it is
	repr    bool   // quoted, as repr() does
}

// field is an attribute of a record. Exactly one of its functions is set.
type field struct {
	text   func(*record) string
	whole  func(*record) int64
	real   func(*record) float64
	append func([]byte, *record, *formatter) []byte
}

// started is Python's time of the import of logging: relativeCreated counts from it.
var started = time.Now()

// fields are the attributes of Python's LogRecord, and logger_name, which is NEMO_Nowcast's.
var fields = map[string]field{
	"message":         {text: func(r *record) string { return r.message }},
	"name":            {text: func(r *record) string { return r.name }},
	"logger_name":     {text: func(r *record) string { return cmp.Or(r.loggerName, r.name) }},
	"levelname":       {text: func(r *record) string { return feed.PythonLevelName(r.level) }},
	"levelno":         {whole: func(r *record) int64 { return int64(r.level) }},
	"asctime":         {append: func(b []byte, r *record, f *formatter) []byte { return f.appendTime(b, r.time) }},
	"created":         {real: func(r *record) float64 { return float64(r.time.UnixMicro()) / 1e6 }},
	"msecs":           {real: func(r *record) float64 { return float64(r.time.Nanosecond() / 1e6) }},
	"relativeCreated": {real: func(r *record) float64 { return float64(r.time.Sub(started).Microseconds()) / 1e3 }},
	"pathname":        {text: (*record).pathname},
	"filename":        {text: func(r *record) string { p := r.pathname(); return p[strings.LastIndexByte(p, '/')+1:] }},
	"module":          {text: (*record).module},
	"funcName":        {text: (*record).funcName},
	"lineno":          {whole: func(r *record) int64 { return int64(r.source().Line) }},
	"process":         {whole: func(*record) int64 { return int64(os.Getpid()) }},
	"processName":     {text: func(*record) string { return "MainProcess" }},
	"thread":          {whole: func(*record) int64 { return int64(os.Getpid()) }},
	"threadName":      {text: func(*record) string { return "MainThread" }},
}

// newFormatter compiles a format. Python finds most mistakes in it only when a record is written.
func newFormatter(format, datefmt, style string) (*formatter, error) {
	if format == "" {
		format, style = defaultFormat, "%"
	}
	f := &formatter{}
	var err error
	if f.datefmt, err = checkDatefmt(datefmt); err != nil {
		return nil, err
	}
	switch style {
	case "%":
		f.parts, err = parsePercent(format)
	case "{":
		f.parts, err = parseBraces(format)
	case "$":
		f.parts, err = parseDollar(format)
	default:
		return nil, fmt.Errorf("style %q is none of %%, { and $", style)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range f.parts {
		if p.literal == "" {
			return f, nil
		}
	}
	return nil, errors.New("has no field of the record in it")
}

// mustFormatter is for formats in this package.
func mustFormatter(format string) *formatter {
	f, err := newFormatter(format, "", "%")
	if err != nil {
		panic(err)
	}
	return f
}

// append writes the record without the newline that ends it.
func (f *formatter) append(b []byte, r *record) []byte {
	from := len(b)
	for i := range f.parts {
		b = f.parts[i].append(b, r, f)
	}
	if r.exc != "" {
		return append(b[:from], appendTraceback(b[from:], r.exc)...)
	}
	return b
}

func (p *part) append(b []byte, r *record, f *formatter) []byte {
	switch {
	case p.literal != "":
		return append(b, p.literal...)
	case p.field.append != nil && p.verb == "":
		return p.field.append(b, r, f)
	case p.field.append != nil:
		return fmt.Appendf(b, p.verb, string(p.field.append(nil, r, f)))
	case p.field.text != nil:
		return p.appendText(b, p.field.text(r))
	case p.field.whole != nil:
		if p.verb == "" {
			return strconv.AppendInt(b, p.field.whole(r), 10)
		}
		if strings.HasSuffix(p.verb, "s") {
			return fmt.Appendf(b, p.verb, strconv.FormatInt(p.field.whole(r), 10))
		}
		if strings.ContainsAny(p.verb[len(p.verb)-1:], "eEfFgG") {
			return fmt.Appendf(b, p.verb, float64(p.field.whole(r)))
		}
		return fmt.Appendf(b, p.verb, p.field.whole(r))
	}
	v := p.field.real(r)
	switch {
	case p.verb == "":
		return append(b, pythonFloat(v)...)
	case strings.HasSuffix(p.verb, "s"):
		return fmt.Appendf(b, p.verb, pythonFloat(v))
	case strings.ContainsAny(p.verb[len(p.verb)-1:], "doxX"):
		return fmt.Appendf(b, p.verb, int64(v))
	}
	return fmt.Appendf(b, p.verb, v)
}

func (p *part) appendText(b []byte, s string) []byte {
	if p.repr {
		s = pythonRepr(s)
	}
	if p.verb == "" {
		return append(b, s...)
	}
	return fmt.Appendf(b, p.verb, s)
}

// appendTime writes asctime: Python's default has milliseconds after a comma, datefmt has none.
func (f *formatter) appendTime(b []byte, t time.Time) []byte {
	last := f.last.Load()
	if last == nil || last.unix != t.Unix() {
		last = &second{t.Unix(), f.timeText(t.Local())}
		f.last.Store(last)
	}
	b = append(b, last.text...)
	if f.datefmt != "" {
		return b
	}
	ms := t.Nanosecond() / 1e6
	return append(b, ',', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

func (f *formatter) timeText(t time.Time) string {
	if f.datefmt != "" {
		return string(appendStrftime(nil, f.datefmt, t))
	}
	return t.Format(time.DateTime)
}
