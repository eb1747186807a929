package starlark

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// fields are what the tokens of a format found in a text.
type fields struct {
	year, month, day, yearDay    int
	hour, minute, second, micros int
	afternoon, twelve            bool
	stamp                        float64
	stamped                      bool
	loc                          *time.Location // given in the text; nil if not
}

// reader is one token when a text is read: what it looks like, and what it says.
type reader struct {
	pattern string
	read    func(f *fields, s string) error
}

// readers are arrow's tokens for arrow.get(text, format).
var readers = map[string]reader{
	"YYYY": {`\d{4}`, number(func(f *fields) *int { return &f.year })},
	"YY":   {`\d{2}`, readShortYear},
	"MMMM": {`[A-Za-z]+`, readMonth("January")},
	"MMM":  {`[A-Za-z]+`, readMonth("Jan")},
	"MM":   {`\d{2}`, number(func(f *fields) *int { return &f.month })},
	"M":    {`\d{1,2}`, number(func(f *fields) *int { return &f.month })},
	"DDDD": {`\d{3}`, number(func(f *fields) *int { return &f.yearDay })},
	"DDD":  {`\d{1,3}`, number(func(f *fields) *int { return &f.yearDay })},
	"DD":   {`\d{2}`, number(func(f *fields) *int { return &f.day })},
	"D":    {`\d{1,2}`, number(func(f *fields) *int { return &f.day })},
	"Do":   {`\d{1,2}(?:st|nd|rd|th)`, readOrdinal},
	"dddd": {`[A-Za-z]+`, ignore},
	"ddd":  {`[A-Za-z]+`, ignore},
	"d":    {`[1-7]`, ignore},
	"HH":   {`\d{2}`, number(func(f *fields) *int { return &f.hour })},
	"H":    {`\d{1,2}`, number(func(f *fields) *int { return &f.hour })},
	"hh":   {`\d{2}`, number(func(f *fields) *int { return &f.hour })},
	"h":    {`\d{1,2}`, number(func(f *fields) *int { return &f.hour })},
	"mm":   {`\d{2}`, number(func(f *fields) *int { return &f.minute })},
	"m":    {`\d{1,2}`, number(func(f *fields) *int { return &f.minute })},
	"ss":   {`\d{2}`, number(func(f *fields) *int { return &f.second })},
	"s":    {`\d{1,2}`, number(func(f *fields) *int { return &f.second })},
	"a":    {`[aApP][mM]`, readHalf},
	"A":    {`[aApP][mM]`, readHalf},
	"ZZZ":  {`[A-Za-z_/+\-0-9]+`, readZone},
	"ZZ":   {`Z|[+-]\d{2}(?::?\d{2})?`, readZone},
	"Z":    {`Z|[+-]\d{2}(?::?\d{2})?`, readZone},
	"X":    {`-?\d+(?:\.\d+)?`, readStamp(1)},
	"x":    {`-?\d+`, readStamp(1e6)},
}

func number(where func(*fields) *int) func(*fields, string) error {
	return func(f *fields, s string) (err error) {
		*where(f), err = strconv.Atoi(s)
		return err
	}
}

func ignore(*fields, string) error { return nil }

// readShortYear is arrow's: up to 68 is this century.
func readShortYear(f *fields, s string) error {
	n, err := strconv.Atoi(s)
	f.year = 1900 + n
	if n <= 68 {
		f.year = 2000 + n
	}
	return err
}

func readMonth(layout string) func(*fields, string) error {
	return func(f *fields, s string) error {
		t, err := time.Parse(layout, s)
		f.month = int(t.Month())
		return err
	}
}

func readOrdinal(f *fields, s string) (err error) {
	f.day, err = strconv.Atoi(s[:len(s)-2])
	return err
}

func readHalf(f *fields, s string) error {
	f.twelve, f.afternoon = true, strings.EqualFold(s, "pm")
	return nil
}

func readZone(f *fields, s string) (err error) {
	f.loc, err = location(s)
	return err
}

func readStamp(perSecond float64) func(*fields, string) error {
	return func(f *fields, s string) (err error) {
		f.stamp, err = strconv.ParseFloat(s, 64)
		f.stamp /= perSecond
		f.stamped = true
		return err
	}
}

func readFraction(f *fields, s string) (err error) {
	f.micros, err = strconv.Atoi((s + "000000")[:6])
	return err
}

// form is a format made ready for reading.
type form struct {
	re    *regexp.Regexp
	reads []func(*fields, string) error
}

// edge is what may stand beside the part of a text that a format matches, as in arrow.
const edge = "[\\s,.;:?!\"'`\\[\\]{}()<>]"

func newForm(format string) (*form, error) {
	f := &form{}
	var pattern strings.Builder
	at := 0
	for _, span := range tokens.FindAllStringIndex(format, -1) {
		pattern.WriteString(regexp.QuoteMeta(format[at:span[0]]))
		at = span[1]
		token := format[span[0]:span[1]]
		r, ok := readers[token]
		switch {
		case ok:
		case strings.HasPrefix(token, "["):
			pattern.WriteString(regexp.QuoteMeta(token[1 : len(token)-1]))
			continue
		case strings.HasPrefix(token, "S"):
			r = reader{`\d+`, readFraction}
		default:
			return nil, fmt.Errorf("%s in the format %q cannot be read: put text in brackets, [%s]", token, format, token)
		}
		pattern.WriteString("(" + r.pattern + ")")
		f.reads = append(f.reads, r.read)
	}
	pattern.WriteString(regexp.QuoteMeta(format[at:]))
	re, err := regexp.Compile(`(?:^|` + edge + `)` + pattern.String() + `(?:$|` + edge + `)`)
	f.re = re
	return f, err
}

// parse reads text.
func (fm *form) parse(text, format string, z zone) (time.Time, error) {
	found := fm.re.FindStringSubmatch(text)
	if found == nil {
		return time.Time{}, fmt.Errorf("%q does not have the form %s", text, format)
	}
	f := fields{year: 1, month: 1, day: 1}
	for i, read := range fm.reads {
		if err := read(&f, found[i+1]); err != nil {
			return time.Time{}, fmt.Errorf("%q does not have the form %s: %w", text, format, err)
		}
	}
	if f.loc == nil || z.given {
		f.loc = z.loc
	}
	t, ok := f.time()
	if !ok {
		return time.Time{}, fmt.Errorf("%q is not a date or time that exists", text)
	}
	return t, nil
}

func (f *fields) time() (time.Time, bool) {
	if f.stamped {
		return time.UnixMicro(int64(f.stamp * 1e6)).In(f.loc), true
	}
	if f.twelve {
		f.hour %= 12
		if f.afternoon {
			f.hour += 12
		}
	}
	if f.yearDay > 0 {
		day := time.Date(f.year, 1, f.yearDay, 0, 0, 0, 0, time.UTC)
		if day.Year() != f.year {
			return time.Time{}, false
		}
		f.month, f.day = int(day.Month()), day.Day()
	}
	return f.date()
}

func (f *fields) date() (time.Time, bool) {
	wall := time.Date(f.year, time.Month(f.month), f.day, f.hour, f.minute, f.second, f.micros*1000, time.UTC)
	exists := int(wall.Month()) == f.month && wall.Day() == f.day && wall.Hour() == f.hour && wall.Minute() == f.minute && wall.Second() == f.second
	return inZone(wall, f.loc), exists
}

// isoDates and isoClocks are the ISO 8601 forms that arrow.get(text) reads, as Go layouts.
var (
	isoDates  = []string{"2006-01-02", "20060102", "2006-002", "2006-01", "2006"}
	isoClocks = []string{"15:04:05", "15:04", "150405", "1504", "15"}
	isoZones  = []string{"Z07:00", "Z0700", "Z07"}
)

// parseISO reads text in one of the ISO 8601 forms.
func parseISO(text string, z zone) (time.Time, error) {
	date, clock, hasClock := strings.Cut(strings.Replace(text, " ", "T", 1), "T")
	for _, d := range isoDates {
		if !hasClock {
			if t, err := time.Parse(d, date); err == nil {
				return inZone(t, z.loc), nil
			}
			continue
		}
		for _, c := range isoClocks {
			if t, err := time.Parse(d+"T"+c, date+"T"+clock); err == nil {
				return inZone(t, z.loc), nil
			}
			for _, zone := range isoZones {
				if t, err := time.Parse(d+"T"+c+zone, date+"T"+clock); err == nil {
					return z.of(t), nil
				}
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date or time such as 2031-05-17 or 2031-05-17T05:15:00: give its format as the second argument", text)
}
