package pyyaml

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Python str may hold lone surrogates: os.fsdecode makes them of file names that are not UTF-8, and yaml.dump writes
// them as "\uDCFF". In a Go string they are the three bytes that UTF-8 would use if it allowed them, which sorts and
// compares as Python does.

func isSurrogate(r rune) bool { return r >= 0xd800 && r <= 0xdfff }

// appendRune is utf8.AppendRune for surrogates too.
func appendRune(dst []byte, r rune) []byte {
	if isSurrogate(r) {
		return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(dst, r)
}

// runeAt is utf8.DecodeRuneInString for surrogates too. A byte that is no UTF-8 at all becomes what Python's
// surrogateescape makes of it, so that a Python peer can still open the file of that name.
func runeAt(s string, i int) (rune, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	if r != utf8.RuneError || size > 1 {
		return r, size
	}
	if i+2 < len(s) && s[i] == 0xed && s[i+1]&0xe0 == 0xa0 && s[i+2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[i+1]&0x3f)<<6 | rune(s[i+2]&0x3f), 3
	}
	return 0xdc00 + rune(s[i]), 1
}

// surrogateMask carries escaped surrogates past yaml.v3, which refuses them: they go in as the characters at the same
// place of another plane, where the document has none, and come out again from the scalars.
type surrogateMask struct {
	plane rune // 0 if there is nothing to unmask
	slash bool // escaped slashes, which JSON writers make and yaml.v3 refuses too, have become slashEscape
}

const slashEscape = `\U0000002F`

// mask replaces the escapes \uD800 to \uDFFF, and \/, in data.
func (m *surrogateMask) mask(data []byte) ([]byte, error) {
	if bytes.Contains(data, []byte(`\/`)) && !bytes.Contains(data, []byte(slashEscape)) {
		m.slash = true
		data = replaceEscapes(data, func(b []byte) bool { return b[1] == '/' }, []byte(slashEscape), 2, 2)
	}
	if !bytes.Contains(data, []byte(`\uD`)) && !bytes.Contains(data, []byte(`\ud`)) {
		return data, nil
	}
	used := standIns(data)
	for m.plane = 0x10; m.plane > 0; m.plane-- {
		if !used[m.plane] {
			return m.replace(data), nil
		}
	}
	return nil, fmt.Errorf("escaped surrogates beside rare characters of every kind")
}

// standIns tells which planes have characters in data at the place of the surrogates.
func standIns(data []byte) (used [17]bool) {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if isSurrogate(r & 0xffff) {
			used[r>>16] = true
		}
		i += size
	}
	for _, escape := range bytes.Split(data, []byte(`\U`))[1:] {
		if len(escape) < 8 {
			continue
		}
		if n, err := strconv.ParseUint(string(escape[:8]), 16, 21); err == nil && isSurrogate(rune(n&0xffff)) {
			used[n>>16] = true
		}
	}
	return used
}

// escape is how the stand-ins start when they are escaped.
func (m *surrogateMask) escape() []byte { return fmt.Appendf(nil, `\U%04X`, m.plane) }

// replace writes \uDXXX as \U00PPDXXX. Outside double quotes that is no escape but text, which unmask takes back.
func (m *surrogateMask) replace(data []byte) []byte {
	return replaceEscapes(data, isEscapedSurrogate, m.escape(), len(`\u`), len(`\uDXXX`))
}

// replaceEscapes puts a replacement for the first skip of the length bytes of each escape that is meant.
func replaceEscapes(data []byte, meant func([]byte) bool, replacement []byte, skip, length int) []byte {
	out := make([]byte, 0, len(data)+64)
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' || i+1 == len(data) {
			out = append(out, data[i])
			continue
		}
		if !meant(data[i:]) { // both characters, so that the second backslash of a pair starts nothing
			out = append(out, data[i], data[i+1])
			i++
			continue
		}
		out = append(append(out, replacement...), data[i+skip:i+length]...)
		i += length - 1
	}
	return out
}

func isEscapedSurrogate(b []byte) bool {
	return len(b) >= 6 && b[0] == '\\' && b[1] == 'u' && b[2]|0x20 == 'd' && strings.IndexByte("89abcdefABCDEF", b[3]) >= 0 &&
		span(string(b[4:6]), hexDigit) == 2 && b[4] != '_' && b[5] != '_'
}

// unmask restores the text of a scalar.
func (m *surrogateMask) unmask(s string, doubleQuoted bool) string {
	if m.slash && !doubleQuoted {
		s = strings.ReplaceAll(s, slashEscape, `\/`)
	}
	if m.plane == 0 {
		return s
	}
	if !doubleQuoted {
		return m.unmaskText(s)
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, size := runeAt(s, i)
		if r>>16 == m.plane && isSurrogate(r&0xffff) {
			out = appendRune(out, r&0xffff)
		} else {
			out = append(out, s[i:i+size]...)
		}
		i += size
	}
	return string(out)
}

// unmaskText takes back what replace did to text that only looked like an escape.
func (m *surrogateMask) unmaskText(s string) string {
	parts := strings.Split(s, string(m.escape()))
	for i, part := range parts[1:] {
		if part = `\u` + part; isEscapedSurrogate([]byte(part)) {
			parts[i+1] = part
		} else {
			parts[i+1] = string(m.escape()) + part[len(`\u`):]
		}
	}
	return strings.Join(parts, "")
}
