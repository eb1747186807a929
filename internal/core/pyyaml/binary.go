package pyyaml

import "errors"

var errBase64 = errors.New("failed to decode base64 data")

// makeBinary is Python's base64.decodebytes: characters that are not base64 are passed over, and the first complete
// padding ends the data.
func makeBinary(s string) (Value, error) {
	out := make([]byte, 0, len(s)/4*3)
	var left byte // bits not yet written
	position, pads := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return nil, errBase64
		}
		if s[i] == '=' {
			pads++
			if position >= 2 && position+pads >= 4 {
				return Binary(out), nil
			}
			continue
		}
		bits, ok := sextet(s[i])
		if !ok {
			continue
		}
		pads = 0
		switch position {
		case 0:
			left = bits
		case 1:
			out = append(out, left<<2|bits>>4)
			left = bits & 0xf
		case 2:
			out = append(out, left<<4|bits>>2)
			left = bits & 0x3
		case 3:
			out = append(out, left<<6|bits)
		}
		position = (position + 1) % 4
	}
	if position != 0 {
		return nil, errBase64
	}
	return Binary(out), nil
}

func sextet(c byte) (byte, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A', true
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26, true
	case c >= '0' && c <= '9':
		return c - '0' + 52, true
	case c == '+':
		return 62, true
	case c == '/':
		return 63, true
	}
	return 0, false
}
