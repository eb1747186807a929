package pyyaml

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PFormat returns Python's pprint.pformat(v): what fits in 80 columns on one line, the rest with an item to a line, keys
// sorted, long strings in pieces.
func PFormat(v Value) string {
	p := &prettyPrinter{}
	p.value(v, 0, 0, 0)
	return string(p.buf)
}

const pprintWidth = 80

// prettyPrinter follows pprint.PrettyPrinter: indent is the column where a value starts, allowance how many characters
// must still fit behind it on its last line, level how many collections it is in.
type prettyPrinter struct {
	buf []byte
}

func (p *prettyPrinter) value(v Value, indent, allowance, level int) {
	width := pprintWidth - indent - allowance
	w := reprWriter{sorted: true, limit: utf8.UTFMax * max(width, 1)}
	line := w.value(nil, v)
	if runeCount(string(line)) <= width || isEmpty(v) {
		p.buf = append(p.buf, line...)
		return
	}
	level++
	switch v := v.(type) {
	case *Map:
		p.dict(v, indent, allowance+1, level)
	case []Value:
		p.items("[", "]", len(v), indent, allowance, func(i, indent, allowance int) { p.value(v[i], indent, allowance, level) })
	case *Set:
		members := pprintOrder(v.m.entries)
		p.items("{", "}", len(members), indent, allowance, func(i, indent, allowance int) { p.value(members[i].Key, indent, allowance, level) })
	case Pairs:
		p.items("[", "]", len(v), indent, allowance, func(i, indent, allowance int) { p.pair(v[i], indent, allowance, level) })
	case string:
		p.str(v, indent, allowance, level)
	case Binary:
		p.bytes(v, indent, allowance, level)
	default:
		p.buf = append(p.buf, Repr(v)...)
	}
}

// isEmpty finds what has nothing to break, however little room there is.
func isEmpty(v Value) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case *Set:
		return v.Len() == 0
	}
	return false
}

// pair prints a tuple of two.
func (p *prettyPrinter) pair(pair Pair, indent, allowance, level int) {
	line := Repr(Pairs{pair})
	line = line[1 : len(line)-1]
	if len(line) <= pprintWidth-indent-allowance {
		w := reprWriter{sorted: true}
		line := w.value(nil, Pairs{pair})
		p.buf = append(p.buf, line[1:len(line)-1]...)
		return
	}
	parts := []Value{pair.Key, pair.Value}
	p.items("(", ")", 2, indent, allowance, func(i, indent, allowance int) { p.value(parts[i], indent, allowance, level+1) })
}

// items prints what is between open and end, an item to a line.
func (p *prettyPrinter) items(open, end string, n, indent, allowance int, item func(i, indent, allowance int)) {
	p.buf = append(p.buf, open...)
	for i := range n {
		if i > 0 {
			p.nextLine(",", indent+1)
		}
		after := 1
		if i == n-1 {
			after = allowance + len(end)
		}
		item(i, indent+1, after)
	}
	p.buf = append(p.buf, end...)
}

func (p *prettyPrinter) nextLine(delimiter string, column int) {
	p.buf = append(p.buf, delimiter...)
	p.buf = append(p.buf, '\n')
	p.buf = append(p.buf, strings.Repeat(" ", column)...)
}

func (p *prettyPrinter) dict(m *Map, indent, allowance, level int) {
	p.buf = append(p.buf, '{')
	entries := pprintOrder(m.entries)
	for i, e := range entries {
		if i > 0 {
			p.nextLine(",", indent+1)
		}
		key := Repr(e.Key)
		p.buf = append(append(p.buf, key...), ": "...)
		after := 1
		if i == len(entries)-1 {
			after = allowance
		}
		p.value(e.Value, indent+1+runeCount(key)+2, after, level)
	}
	p.buf = append(p.buf, '}')
}

// str prints a long string as several, broken after line ends and between words. Alone, they are in parentheses.
func (p *prettyPrinter) str(s string, indent, allowance, level int) {
	if level == 1 {
		indent++
		allowance++
	}
	chunks := stringChunks(s, pprintWidth-indent, allowance)
	if len(chunks) == 1 {
		p.buf = append(p.buf, chunks[0]...)
		return
	}
	p.chunks(chunks, indent, level)
}

func (p *prettyPrinter) chunks(chunks []string, indent, level int) {
	if level == 1 {
		p.buf = append(p.buf, '(')
	}
	for i, chunk := range chunks {
		if i > 0 {
			p.nextLine("", indent)
		}
		p.buf = append(p.buf, chunk...)
	}
	if level == 1 {
		p.buf = append(p.buf, ')')
	}
}

// stringChunks returns the literals that s is broken into, for a width from which the last one leaves the allowance.
func stringChunks(s string, width, allowance int) []string {
	var chunks []string
	lines := splitLines(s)
	for i, line := range lines {
		last := i == len(lines)-1
		fits := width
		if last {
			fits -= allowance
		}
		if rep := Repr(line); runeCount(rep) <= fits {
			chunks = append(chunks, rep)
			continue
		}
		current, most := "", width
		words := splitWords(line)
		for j, word := range words {
			if last && j == len(words)-1 {
				most -= allowance
			}
			if current != "" && runeCount(Repr(current+word)) > most {
				chunks = append(chunks, Repr(current))
				current = ""
			}
			current += word
		}
		chunks = append(chunks, Repr(current))
	}
	return chunks
}

// splitLines is Python's splitlines(keepends=True).
func splitLines(s string) (lines []string) {
	start := 0
	for i := 0; i < len(s); {
		r, size := runeAt(s, i)
		i += size
		switch r {
		case '\r':
			if i < len(s) && s[i] == '\n' {
				i++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		lines = append(lines, s[start:i])
		start = i
	}
	if start < len(s) {
		lines = append(lines, s[start:])
	}
	return lines
}

// splitWords cuts s after each stretch of white space.
func splitWords(s string) (words []string) {
	start, space := 0, false
	for i := 0; i < len(s); {
		r, size := runeAt(s, i)
		now := unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
		if space && !now {
			words = append(words, s[start:i])
			start = i
		}
		space = now
		i += size
	}
	return append(words, s[start:])
}

// bytes prints long bytes in groups of four.
func (p *prettyPrinter) bytes(b Binary, indent, allowance, level int) {
	if len(b) <= 4 {
		p.buf = append(p.buf, Repr(b)...)
		return
	}
	if level == 1 {
		indent++
		allowance++
	}
	width, last := pprintWidth-indent, len(b)/4*4
	var chunks []string
	current := Binary("")
	for i := 0; i < len(b); i += 4 {
		part := b[i:min(i+4, len(b))]
		if i == last {
			width -= allowance
		}
		if current != "" && len(Repr(current+part)) > width {
			chunks = append(chunks, Repr(current))
			current = ""
		}
		current += part
	}
	p.chunks(append(chunks, Repr(current)), indent, level)
}
