package pyyaml

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// Encode returns what yaml.dump(v) writes with PyYAML's defaults: block style, sorted keys, 80 columns, ASCII. Where
// Python leaves the order to chance (sets of members that do not compare) it is the order of insertion. A list or
// mapping that stands in v several times is written once and then as an alias, as PyYAML does. Pairs, which yaml.dump
// would write in a form that safe_load refuses, are written as !!pairs. v must be a Value; anything else panics.
func Encode(v Value) []byte {
	e := encoder{anchors: findShared(v)}
	e.node(v, rootIndent, place{inline: true})
	if e.column() > 0 {
		e.lineBreak()
	}
	if e.openEnded {
		e.buf = append(e.buf, "...\n"...)
	}
	return e.buf
}

// AppendEntry appends one entry of a block mapping, with its line end, at an indentation of indent spaces: the entries
// of a mapping in the order of SortedKeys, put together, are what Encode writes for it. Two things differ, and read back
// equal: there are no anchors (what is shared is written out each time), and the empty mapping is {}, not nothing.
func AppendEntry(dst []byte, key, value Value, indent int) []byte {
	e := encoder{buf: dst, line: len(dst)}
	e.pad(indent)
	e.entry(key, value, indent)
	if e.column() > 0 {
		e.lineBreak()
	}
	return e.buf
}

// encoder writes one document. It keeps the rules of PyYAML's emitter, reduced to what yaml.dump's defaults can reach.
type encoder struct {
	buf       []byte
	line      int      // where in buf the current line starts; everything written is ASCII, so this gives the column
	anchors   *anchors // nil if nothing is shared
	openEnded bool     // the document is a plain scalar, whose end must be marked
}

// place says where a node stands, which decides how it may be written.
type place struct {
	mapping   bool // value of a mapping, or a key after "?"
	simpleKey bool // key without "?": on one line
	inline    bool // only indicators are before it on its line, so that a collection may start right there
}

const rootIndent = -1

func (e *encoder) column() int { return len(e.buf) - e.line }

func (e *encoder) lineBreak() {
	e.buf = append(e.buf, '\n')
	e.line = len(e.buf)
}

// pad fills the line with spaces up to the column.
func (e *encoder) pad(column int) {
	for e.column() < column {
		e.buf = append(e.buf, ' ')
	}
}

// newLine goes to the column of a new line, unless a line has just been started.
func (e *encoder) newLine(column int) {
	if e.column() > 0 {
		e.lineBreak()
	}
	e.pad(column)
}

// separate puts a space between an indicator and what follows.
func (e *encoder) separate() {
	if e.column() > 0 && e.buf[len(e.buf)-1] != ' ' {
		e.buf = append(e.buf, ' ')
	}
}

func (e *encoder) word(s string) {
	e.separate()
	e.buf = append(e.buf, s...)
}

// node writes v inside a collection at indent.
func (e *encoder) node(v Value, indent int, p place) {
	switch v := v.(type) {
	case string:
		e.str(v, indent, p)
	case *Map:
		if e.aliased(v, &p) {
			return
		}
		e.mapping(sortedEntries(v), indent, p)
	case []Value:
		if len(v) > 0 && e.aliased(v, &p) {
			return
		}
		e.list(v, indent, p)
	case *Set:
		if e.aliased(v, &p) {
			return
		}
		e.word("!!set")
		p.inline = false
		e.mapping(sortedEntries(v.m), indent, p)
	case Pairs:
		if len(v) > 0 && e.aliased(v, &p) {
			return
		}
		e.word("!!pairs")
		p.inline = false
		e.pairs(v, indent, p)
	case Binary:
		e.binary(v, indent)
	case DateTime:
		e.openEnded = indent == rootIndent
		e.plain(string(appendDateTime(nil, v)), scalarIndent(indent), !p.simpleKey) // the one of these with a space in it
	default:
		e.openEnded = indent == rootIndent
		e.separate()
		e.buf = appendPlain(e.buf, v)
	}
}

// appendPlain appends a scalar whose text is one word.
func appendPlain(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case *big.Int:
		return v.Append(dst, 10)
	case float64:
		return appendFloat(dst, v)
	case Date:
		return appendDate(dst, v)
	}
	panic(fmt.Sprintf("pyyaml: %T is not a Value", v))
}

// appendFloat appends a float as PyYAML writes it, which is Python's repr with a point added to 1e+16.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, ".nan"...)
	case math.IsInf(f, 1):
		return append(dst, ".inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-.inf"...)
	}
	start := len(dst)
	dst = appendFloatRepr(dst, f)
	for i := start; i < len(dst); i++ {
		switch dst[i] {
		case '.':
			return dst
		case 'e':
			dst = append(dst, ".0"...)
			copy(dst[i+2:], dst[i:len(dst)-2])
			copy(dst[i:], ".0")
			return dst
		}
	}
	return dst
}

func (e *encoder) binary(b Binary, indent int) {
	e.word("!!binary")
	if b == "" {
		e.word(`""`)
		return
	}
	e.word("|")
	const perLine = 57 // 76 characters of base64, as Python breaks it
	for len(b) > 0 {
		n := min(perLine, len(b))
		e.newLine(scalarIndent(indent))
		e.buf = base64.StdEncoding.AppendEncode(e.buf, []byte(b[:n]))
		b = b[n:]
	}
	e.lineBreak()
}

// scalarIndent is the column of the further lines of a scalar inside a collection at indent.
func scalarIndent(indent int) int { return max(indent, 0) + 2 }
