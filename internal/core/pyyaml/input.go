package pyyaml

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// toUTF8 returns the characters of a document as PyYAML's reader has them: UTF-16 if it starts with that byte order
// mark, else UTF-8, and every character one that YAML allows.
func toUTF8(data []byte) ([]byte, error) {
	var err error
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		data, err = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		data, err = fromUTF16(data[2:], binary.BigEndian)
	default:
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
	}
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(data); {
		if c := data[i]; c >= 0x20 && c < 0x7f || c == '\n' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return nil, fmt.Errorf("line %d: byte 0x%02x is not UTF-8", lineAt(data, i), data[i])
		}
		if !printable(r) {
			return nil, fmt.Errorf("line %d: character %U is not allowed in YAML", lineAt(data, i), r)
		}
		i += size
	}
	return data, nil
}

func lineAt(data []byte, i int) int { return 1 + bytes.Count(data[:i], []byte("\n")) }

// printable is YAML's set of characters that may stand in a document.
func printable(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85, r >= 0x20 && r <= 0x7e:
		return true
	}
	return r >= 0xa0 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}

func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, fmt.Errorf("UTF-16 text of an odd number of bytes")
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := rune(order.Uint16(data[i:]))
		if isSurrogate(r) {
			low := rune(0)
			if i+4 <= len(data) {
				low = rune(order.Uint16(data[i+2:]))
			}
			if r >= 0xdc00 || low < 0xdc00 || low > 0xdfff {
				return nil, fmt.Errorf("UTF-16 text with half a surrogate pair at byte %d", i+2)
			}
			r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}
