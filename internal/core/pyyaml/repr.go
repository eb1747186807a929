package pyyaml

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Repr returns Python's repr(v). Sets are in order of insertion, where Python's order is that of its hash table.
func Repr(v Value) string {
	return string((&reprWriter{}).value(nil, v))
}

// reprWriter writes Python's notation of values.
type reprWriter struct {
	sorted bool // mappings and sets by their keys, as pprint shows them
	limit  int  // stop soon after so many bytes, unless 0
}

func (w *reprWriter) value(dst []byte, v Value) []byte {
	if w.limit > 0 && len(dst) > w.limit {
		return dst
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case int, int64, *big.Int:
		return appendPlain(dst, v)
	case float64:
		return appendFloatRepr(dst, v)
	case string:
		return appendStrRepr(dst, v)
	case Binary:
		return appendBytesRepr(dst, string(v))
	case Date:
		return fmt.Appendf(dst, "datetime.date(%d, %d, %d)", v.Year, int(v.Month), v.Day)
	case DateTime:
		return appendDateTimeRepr(dst, v)
	}
	return w.collection(dst, v)
}

func (w *reprWriter) collection(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case []Value:
		dst = append(dst, '[')
		for i, item := range v {
			dst = w.value(comma(dst, i), item)
		}
		return append(dst, ']')
	case Pairs:
		dst = append(dst, '[')
		for i, p := range v {
			dst = append(comma(dst, i), '(')
			dst = append(w.value(dst, p.Key), ", "...)
			dst = append(w.value(dst, p.Value), ')')
		}
		return append(dst, ']')
	case *Map:
		dst = append(dst, '{')
		for i, e := range w.entries(v) {
			dst = append(w.value(comma(dst, i), e.Key), ": "...)
			dst = w.value(dst, e.Value)
		}
		return append(dst, '}')
	case *Set:
		if v.Len() == 0 {
			return append(dst, "set()"...)
		}
		dst = append(dst, '{')
		for i, e := range w.entries(v.m) {
			dst = w.value(comma(dst, i), e.Key)
		}
		return append(dst, '}')
	}
	panic(fmt.Sprintf("pyyaml: %T is not a Value", v))
}

// comma appends what is between two items.
func comma(dst []byte, i int) []byte {
	if i == 0 {
		return dst
	}
	return append(dst, ", "...)
}

func (w *reprWriter) entries(m *Map) []Pair {
	switch {
	case m == nil:
		return nil
	case w.sorted:
		return pprintOrder(m.entries)
	}
	return m.entries
}

// pprintOrder is the order of pprint: keys that do not compare go by the names of their types.
func pprintOrder(entries []Pair) []Pair {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Pair) int {
		if classOf(a.Key) == classOf(b.Key) {
			return compareKeys(a.Key, b.Key)
		}
		return strings.Compare(pythonType(a.Key), pythonType(b.Key))
	})
	return entries
}

func pythonType(v Value) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case Binary:
		return "bytes"
	case Date:
		return "datetime.date"
	case DateTime:
		return "datetime.datetime"
	case float64:
		return "float"
	case string:
		return "str"
	}
	return "int"
}

func appendStrRepr(dst []byte, s string) []byte {
	quote := pythonQuote(s)
	dst = append(dst, quote)
	for i := 0; i < len(s); {
		r, size := runeAt(s, i)
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < unicode.MaxASCII && r >= ' ' || r > unicode.MaxASCII && unicode.IsPrint(r):
			dst = append(dst, s[i:i+size]...)
		case r <= 0xff:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r <= 0xffff:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
		i += size
	}
	return append(dst, quote)
}

// pythonQuote is the quote that Python puts around s: double ones if that saves escapes.
func pythonQuote(s string) byte {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

func appendBytesRepr(dst []byte, s string) []byte {
	quote := pythonQuote(s)
	dst = append(dst, 'b', quote)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c >= ' ' && c < 0x7f:
			dst = append(dst, c)
		default:
			dst = fmt.Appendf(dst, `\x%02x`, c)
		}
	}
	return append(dst, quote)
}

// appendDateTimeRepr leaves out seconds and microseconds that are zero, as Python does.
func appendDateTimeRepr(dst []byte, d DateTime) []byte {
	t := d.Time
	if !d.Aware {
		t = t.UTC()
	}
	dst = fmt.Appendf(dst, "datetime.datetime(%d, %d, %d, %d, %d", t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute())
	micros := t.Nanosecond() / int(time.Microsecond)
	if t.Second() != 0 || micros != 0 {
		dst = strconv.AppendInt(append(dst, ", "...), int64(t.Second()), 10)
	}
	if micros != 0 {
		dst = strconv.AppendInt(append(dst, ", "...), int64(micros), 10)
	}
	if !d.Aware {
		return append(dst, ')')
	}
	switch _, offset := t.Zone(); {
	case offset == 0:
		dst = append(dst, ", tzinfo=datetime.timezone.utc"...)
	case offset < 0:
		dst = fmt.Appendf(dst, ", tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=%d))", offset+86400)
	default:
		dst = fmt.Appendf(dst, ", tzinfo=datetime.timezone(datetime.timedelta(seconds=%d))", offset)
	}
	return append(dst, ')')
}
