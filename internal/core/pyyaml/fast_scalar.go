package pyyaml

import "strings"

// token is a scalar that the fast path has found, as text.
type token struct {
	text  string
	plain bool
	isKey bool // a colon follows, and has been read
}

// What a character may do in a scalar on the fast path.
const (
	startsScalar uint8 = 1 << iota // plain
	inScalar                       // plain, whatever stands beside it
	inQuotes                       // of both kinds, as it is
)

var fastClass = func() (class [256]uint8) {
	for c := 0x20; c < 0x7f; c++ {
		class[c] = startsScalar | inScalar | inQuotes
	}
	for _, c := range "-?:,[]{}#&*!|>'\"%@` =<~" {
		class[c] &^= startsScalar
	}
	class['~'] |= startsScalar
	for _, c := range " :#" {
		class[c] &^= inScalar
	}
	for _, c := range `'"\` {
		class[c] &^= inQuotes
	}
	return class
}()

// token reads the scalar at pos, and the colon behind it if it is a key.
func (f *fast) token() (token, bool) {
	if f.pos == len(f.s) {
		return token{}, false
	}
	start := f.pos
	var t token
	var ok bool
	switch f.s[f.pos] {
	case '\'':
		t.text, ok = f.single()
	case '"':
		t.text, ok = f.double()
	default:
		t.plain = true
		t.text, ok = f.plain()
	}
	if !ok {
		return token{}, false
	}
	if f.pos < len(f.s) && f.s[f.pos] == ':' {
		if next := f.pos + 1; next < len(f.s) && f.s[next] != ' ' && f.s[next] != '\n' {
			return token{}, false
		}
		t.isKey = true
		if f.pos-start > longestKey || strings.IndexByte(f.s[start:f.pos], '\n') >= 0 {
			return token{}, false
		}
		f.pos++
		return t, true
	}
	return t, f.atLineEnd()
}

// plain reads a plain scalar, up to the end of the line or the colon of a key.
func (f *fast) plain() (string, bool) {
	start := f.pos
	if !f.startsPlain() {
		return "", false
	}
	for f.pos++; f.pos < len(f.s); f.pos++ {
		c := f.s[f.pos]
		if fastClass[c]&inScalar != 0 {
			continue
		}
		switch c {
		case ' ':
			if next := f.pos + 1; next == len(f.s) || f.s[next] == '\n' || f.s[next] == '#' || f.s[next] == ':' {
				return "", false
			}
		case ':':
			if next := f.pos + 1; next == len(f.s) || f.s[next] == ' ' || f.s[next] == '\n' {
				return f.s[start:f.pos], true
			}
		case '#':
		case '\n':
			return f.s[start:f.pos], true
		default:
			return "", false
		}
	}
	return f.s[start:], true
}

// startsPlain tells whether a plain scalar can start here. A dash starts a number, or nothing that is read here.
func (f *fast) startsPlain() bool {
	c := f.s[f.pos]
	if c == '-' {
		return f.pos+1 < len(f.s) && (isDigit(f.s[f.pos+1]) || f.s[f.pos+1] == '.') && !strings.HasPrefix(f.s[f.pos:], "-..")
	}
	return fastClass[c]&startsScalar != 0 && !strings.HasPrefix(f.s[f.pos:], "...")
}

// single reads a single-quoted scalar that ends on this line.
func (f *fast) single() (string, bool) {
	f.pos++
	start, doubled := f.pos, false
	for ; f.pos < len(f.s); f.pos++ {
		c := f.s[f.pos]
		if fastClass[c]&inQuotes != 0 || c == '"' || c == '\\' {
			continue
		}
		if c != '\'' {
			return "", false
		}
		if f.pos+1 < len(f.s) && f.s[f.pos+1] == '\'' {
			doubled = true
			f.pos++
			continue
		}
		text := f.s[start:f.pos]
		f.pos++
		if doubled {
			text = strings.ReplaceAll(text, "''", "'")
		}
		return text, true
	}
	return "", false
}

// double reads a double-quoted scalar. It may go over several lines if each is ended by a backslash, as yaml.dump does.
func (f *fast) double() (string, bool) {
	f.pos++
	start := f.pos
	var text []byte // nil until there is an escape
	for f.pos < len(f.s) {
		c := f.s[f.pos]
		switch {
		case fastClass[c]&inQuotes != 0 || c == '\'':
			f.pos++
		case c == '"':
			f.pos++
			if text == nil {
				return f.s[start : f.pos-1], true
			}
			return string(append(text, f.s[start:f.pos-1]...)), true
		case c == '\\':
			if text == nil {
				text = make([]byte, 0, f.pos-start+64)
			}
			text = append(text, f.s[start:f.pos]...)
			var ok bool
			if text, ok = f.escape(text); !ok {
				return "", false
			}
			start = f.pos
		default:
			return "", false
		}
	}
	return "", false
}

// value makes the value of a scalar.
func (f *fast) value(t token) (Value, bool) {
	f.nodes++
	if t.plain && fastFirst[t.text[0]] {
		if implicitKind(t.text) != kindStr {
			v, err := makeImplicit(t.text)
			return v, err == nil
		}
	}
	if !f.share {
		return strings.Clone(t.text), true
	}
	return t.text, true
}

// fastFirst marks the characters that a plain scalar which is no string can start with.
var fastFirst = func() (first [256]bool) {
	for _, c := range "0123456789+-.yYnNtTfFoO~" {
		first[c] = true
	}
	return first
}()
