package pyyaml

import (
	"errors"
	"strings"
	"time"
)

var errTimestamp = errors.New("not a date or time that exists")

// isTimestamp is the form that makes a plain scalar a timestamp: DDDD-DD-DD, or a date with one or two digits for
// month and day followed by a time of day.
func isTimestamp(s string) bool {
	var t stamp
	return t.parse(s) && (t.hasTime || len(s) == len("2006-01-02"))
}

// stamp is the parts of a timestamp as written.
type stamp struct {
	year, month, day     int
	hasTime              bool
	hour, minute, second int
	micros               int
	hasZone              bool
	zoneSign             int // 0 for Z
	zoneHour, zoneMinute int
}

// parse takes s apart: DDDD-DD?-DD? and optionally ([Tt]|blanks) DD?:DD:DD(.D*)? (blanks (Z|[-+]DD?(:DD)?))?.
func (t *stamp) parse(s string) bool {
	var ok bool
	if t.year, s, ok = digits(s, 4, 4); !ok || !skip(&s, '-') {
		return false
	}
	if t.month, s, ok = digits(s, 1, 2); !ok || !skip(&s, '-') {
		return false
	}
	if t.day, s, ok = digits(s, 1, 2); !ok || s == "" {
		return ok
	}
	t.hasTime = true
	if !skip(&s, 'T') && !skip(&s, 't') {
		trimmed := strings.TrimLeft(s, " \t")
		if trimmed == s {
			return false
		}
		s = trimmed
	}
	if t.hour, s, ok = digits(s, 1, 2); !ok || !skip(&s, ':') {
		return false
	}
	if t.minute, s, ok = digits(s, 2, 2); !ok || !skip(&s, ':') {
		return false
	}
	if t.second, s, ok = digits(s, 2, 2); !ok {
		return false
	}
	if skip(&s, '.') {
		n := span(s, digit)
		t.micros = micros(s[:n])
		s = s[n:]
	}
	return s == "" || t.parseZone(strings.TrimLeft(s, " \t"))
}

func (t *stamp) parseZone(s string) bool {
	t.hasZone = true
	switch {
	case s == "Z":
		return true
	case skip(&s, '-'):
		t.zoneSign = -1
	case skip(&s, '+'):
		t.zoneSign = 1
	default:
		return false
	}
	var ok bool
	if t.zoneHour, s, ok = digits(s, 1, 2); !ok || s == "" {
		return ok
	}
	if !skip(&s, ':') {
		return false
	}
	t.zoneMinute, s, ok = digits(s, 2, 2)
	return ok && s == ""
}

// digits reads at least least and at most most decimal digits.
func digits(s string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for ; i < len(s) && i < most && isDigit(s[i]); i++ {
		n = 10*n + int(s[i]-'0')
	}
	return n, s[i:], i >= least
}

func skip(s *string, c byte) bool {
	if *s == "" || (*s)[0] != c {
		return false
	}
	*s = (*s)[1:]
	return true
}

// micros reads the digits after the point, of which Python keeps six.
func micros(s string) int {
	n := 0
	for i := range 6 {
		n *= 10
		if i < len(s) {
			n += int(s[i] - '0')
		}
	}
	return n
}

// makeTimestamp is PyYAML's construct_yaml_timestamp.
func makeTimestamp(s string) (Value, error) {
	var t stamp
	if !t.parse(s) {
		return nil, errTimestamp
	}
	day := time.Date(t.year, time.Month(t.month), t.day, 0, 0, 0, 0, time.UTC)
	if t.year == 0 || int(day.Month()) != t.month || day.Day() != t.day {
		return nil, errTimestamp
	}
	if !t.hasTime {
		return Date{t.year, time.Month(t.month), t.day}, nil
	}
	if t.hour > 23 || t.minute > 59 || t.second > 59 {
		return nil, errTimestamp
	}
	zone := time.UTC
	if t.zoneSign != 0 {
		offset := t.zoneSign * (t.zoneHour*3600 + t.zoneMinute*60)
		if offset <= -86400 || offset >= 86400 {
			return nil, errTimestamp
		}
		zone = time.FixedZone("", offset)
	}
	at := time.Date(t.year, time.Month(t.month), t.day, t.hour, t.minute, t.second, t.micros*1000, zone)
	return DateTime{Time: at, Aware: t.hasZone}, nil
}

// appendDate appends Python's date.isoformat().
func appendDate(dst []byte, d Date) []byte {
	dst = appendPadded(dst, d.Year, 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, int(d.Month), 2)
	dst = append(dst, '-')
	return appendPadded(dst, d.Day, 2)
}

// appendDateTime appends Python's datetime.isoformat(' ').
func appendDateTime(dst []byte, d DateTime) []byte {
	t := d.inPython()
	year, month, day := t.Date()
	dst = appendDate(dst, Date{year, month, day})
	dst = append(dst, ' ')
	dst = appendClock(dst, t.Hour(), t.Minute())
	dst = append(dst, ':')
	dst = appendPadded(dst, t.Second(), 2)
	if us := t.Nanosecond() / 1000; us != 0 {
		dst = append(dst, '.')
		dst = appendPadded(dst, us, 6)
	}
	if !d.Aware {
		return dst
	}
	_, offset := t.Zone()
	if offset < 0 {
		offset = -offset
		dst = append(dst, '-')
	} else {
		dst = append(dst, '+')
	}
	return appendClock(dst, offset/3600, offset/60%60)
}

// inPython returns the wall clock that Python is to show. PyYAML cannot read an offset with seconds, so a time with
// one is told in UTC, which is the same moment.
func (d DateTime) inPython() time.Time {
	if _, offset := d.Time.Zone(); !d.Aware || offset%60 != 0 {
		return d.Time.UTC()
	}
	return d.Time
}

func appendClock(dst []byte, hour, minute int) []byte {
	dst = appendPadded(dst, hour, 2)
	dst = append(dst, ':')
	return appendPadded(dst, minute, 2)
}

func appendPadded(dst []byte, n, width int) []byte {
	var digits [8]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[:width]...)
}
