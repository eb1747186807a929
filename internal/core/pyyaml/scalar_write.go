package pyyaml

import "strings"

// bestWidth is the column after which a string is continued on the next line, at the next single space.
const bestWidth = 80

// The three writers fold as PyYAML does, to the byte. indent is the column of further lines; split is false for keys,
// which stay on one line.

func (e *encoder) plain(s string, indent int, split bool) {
	e.separate()
	for {
		space := strings.IndexByte(s, ' ')
		if space < 0 || !split || e.column()+len(s) <= bestWidth {
			e.buf = append(e.buf, s...)
			return
		}
		e.buf = append(e.buf, s[:space]...)
		n := countByte(s[space:], ' ')
		if n == 1 && e.column() > bestWidth {
			e.newLine(indent)
		} else {
			e.buf = append(e.buf, s[space:space+n]...)
		}
		s = s[space+n:]
	}
}

func (e *encoder) single(s string, indent int, split bool) {
	e.word("'")
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ':
			n := countByte(s[i:], ' ')
			if n == 1 && split && i > 0 && i+n < len(s) && e.column() > bestWidth {
				e.newLine(indent)
			} else {
				e.buf = append(e.buf, s[i:i+n]...)
			}
			i += n
		case '\n':
			n := countByte(s[i:], '\n')
			for range n + 1 { // one line break alone would be read as a space
				e.lineBreak()
			}
			e.pad(indent)
			i += n
		case '\'':
			e.buf = append(e.buf, "''"...)
			i++
		default:
			n := strings.IndexAny(s[i:], " \n'")
			if n < 0 {
				n = len(s) - i
			}
			e.buf = append(e.buf, s[i:i+n]...)
			i += n
		}
	}
	e.buf = append(e.buf, '\'')
}

// double looks at every character for what it is written as, and then whether to split the line there. PyYAML counts
// what is pending: from start, the first character not yet written, which is one ahead after an escape.
func (e *encoder) double(s string, indent int, split bool) {
	e.word(`"`)
	start := 0
	for i := 0; i < len(s); {
		r, size := runeAt(s, i)
		next := i + size
		pending := i - start
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			e.buf = append(e.buf, s[start:i]...)
			e.buf = appendEscape(e.buf, r)
			start, pending = next, -1
		}
		if split && i > 0 && next < len(s) && (r == ' ' || pending <= 0) && e.column()+pending > bestWidth {
			if pending > 0 {
				e.buf = append(e.buf, s[start:i]...)
				start = i
			}
			e.buf = append(e.buf, '\\')
			e.newLine(indent)
			if s[start] == ' ' {
				e.buf = append(e.buf, '\\')
			}
		}
		i = next
	}
	e.buf = append(e.buf, s[start:]...)
	e.buf = append(e.buf, '"')
}

// appendEscape appends the escape of a character in double quotes.
func appendEscape(dst []byte, r rune) []byte {
	short := byte(0)
	switch r {
	case 0:
		short = '0'
	case '\a':
		short = 'a'
	case '\b':
		short = 'b'
	case '\t':
		short = 't'
	case '\n':
		short = 'n'
	case '\v':
		short = 'v'
	case '\f':
		short = 'f'
	case '\r':
		short = 'r'
	case 0x1b:
		short = 'e'
	case '"', '\\':
		short = byte(r)
	case 0x85:
		short = 'N'
	case 0xa0:
		short = '_'
	case 0x2028:
		short = 'L'
	case 0x2029:
		short = 'P'
	}
	switch {
	case short != 0:
		return append(dst, '\\', short)
	case r <= 0xff:
		return appendHex(append(dst, '\\', 'x'), r, 2)
	case r <= 0xffff:
		return appendHex(append(dst, '\\', 'u'), r, 4)
	}
	return appendHex(append(dst, '\\', 'U'), r, 8)
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789ABCDEF"[r>>shift&0xf])
	}
	return dst
}

// countByte returns how many times c stands at the start of s.
func countByte(s string, c byte) int {
	n := 0
	for n < len(s) && s[n] == c {
		n++
	}
	return n
}
