package history

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"nowcast/internal/core/feed"
)

// A line is time, Python's number of the level, name, host, process id, launch and message, separated by tabs. In each of them tab,
// newline, backslash and other control characters are escaped, so that a line is a record. All times are of one length
// and in UTC: they can be compared as text.
const (
	timeFormat = "2006-01-02T15:04:05.000000000Z"
	fields     = 7
)

// appendLine writes a record as a line.
func appendLine(b []byte, r *feed.LogRecord) []byte {
	b = r.Time.UTC().AppendFormat(b, timeFormat)
	b = append(b, '\t')
	b = strconv.AppendInt(b, int64(feed.PythonLevel(r.Level)), 10)
	b = append(b, '\t')
	b = appendEscaped(b, r.Name)
	b = append(b, '\t')
	b = appendEscaped(b, r.Host)
	b = append(b, '\t')
	b = strconv.AppendInt(b, int64(r.PID), 10)
	b = append(b, '\t')
	b = strconv.AppendInt(b, r.Launch, 10)
	b = append(b, '\t')
	b = appendEscaped(b, r.Message)
	return append(b, '\n')
}

// parseLine reads a record from a line without its newline. What is no record, half of one say, is not ok.
func parseLine(line []byte) (r feed.LogRecord, ok bool) {
	var part [fields][]byte
	rest := line
	for i := range fields - 1 {
		if part[i], rest, ok = bytes.Cut(rest, []byte{'\t'}); !ok {
			return r, false
		}
	}
	part[fields-1] = rest
	level, err := strconv.Atoi(string(part[1]))
	if err != nil {
		return r, false
	}
	r.Level = feed.SlogLevel(level)
	if r.Time, err = time.Parse(timeFormat, string(part[0])); err != nil {
		return r, false
	}
	r.Name, r.Host, r.Message = unescape(part[2]), unescape(part[3]), unescape(part[6])
	if r.PID, err = strconv.Atoi(string(part[4])); err != nil {
		return r, false
	}
	r.Launch, err = strconv.ParseInt(string(part[5]), 10, 64)
	return r, err == nil
}

const hex = "0123456789abcdef"

// escapes are those with a letter of their own.
var escapes = [256]byte{'\t': 't', '\n': 'n', '\r': 'r', '\\': '\\'}

func appendEscaped(b []byte, s string) []byte {
	plain := 0 // what is before needs no change and is in b
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '\\' && c != 0x7f {
			continue
		}
		b = append(b, s[plain:i]...)
		if e := escapes[c]; e != 0 {
			b = append(b, '\\', e)
		} else {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
		plain = i + 1
	}
	return append(b, s[plain:]...)
}

// unescape undoes appendEscaped. What that cannot have written stays as it is.
func unescape(b []byte) string {
	at := bytes.IndexByte(b, '\\')
	if at < 0 {
		return string(b)
	}
	var s strings.Builder
	s.Grow(len(b))
	for ; at >= 0 && at+1 < len(b); at = bytes.IndexByte(b, '\\') {
		s.Write(b[:at])
		n := 2
		switch c := b[at+1]; c {
		case 't':
			s.WriteByte('\t')
		case 'n':
			s.WriteByte('\n')
		case 'r':
			s.WriteByte('\r')
		case '\\':
			s.WriteByte('\\')
		default:
			if c == 'x' && at+4 <= len(b) {
				if v, err := strconv.ParseUint(string(b[at+2:at+4]), 16, 8); err == nil {
					s.WriteByte(byte(v))
					n = 4
					break
				}
			}
			s.Write(b[at : at+2])
		}
		b = b[at+n:]
	}
	s.Write(b)
	return s.String()
}
