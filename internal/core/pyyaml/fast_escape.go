package pyyaml

// escape appends what the escape at pos stands for.
func (f *fast) escape(text []byte) ([]byte, bool) {
	f.pos++
	if f.pos == len(f.s) {
		return nil, false
	}
	c := f.s[f.pos]
	f.pos++
	switch c {
	case '\n': // continued on the next line, whose indentation does not count
		start := f.pos
		f.skipSpaces()
		return text, f.pos > start && !f.atLineEnd()
	case 'x':
		return f.hex(text, 2)
	case 'u':
		return f.hex(text, 4)
	case 'U':
		return f.hex(text, 8)
	}
	r := unescape(c)
	if r < 0 {
		return nil, false
	}
	return appendRune(text, r), true
}

// hex appends the character whose number is the next digits.
func (f *fast) hex(text []byte, digits int) ([]byte, bool) {
	if len(f.s)-f.pos < digits {
		return nil, false
	}
	r := rune(0)
	for _, c := range []byte(f.s[f.pos : f.pos+digits]) {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return nil, false
		}
		if r > 0x10ffff {
			return nil, false
		}
	}
	f.pos += digits
	return appendRune(text, r), true
}

// unescape returns what a backslash and c stand for, or -1.
func unescape(c byte) rune {
	switch c {
	case '0':
		return 0
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'v':
		return '\v'
	case 'f':
		return '\f'
	case 'r':
		return '\r'
	case 'e':
		return 0x1b
	case ' ', '"', '\\', '/':
		return rune(c)
	case 'N':
		return 0x85
	case '_':
		return 0xa0
	case 'L':
		return 0x2028
	case 'P':
		return 0x2029
	}
	return -1
}
