package starlark

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// tokens finds arrow's tokens in a format. Text in brackets is taken as it is; what is no token stands for itself.
var tokens = regexp.MustCompile(`\[[^\]]*\]|YYYY|YY|MM?M?M?|Do|DD?D?D?|d?d?d?d|HH?|hh?|mm?|ss?|S+|ZZ?Z?|a|A|X|x|W`)

// defaultFormat is arrow's.
const defaultFormat = "YYYY-MM-DD HH:mm:ssZZ"

// momentFormat is m.format("YYYY-MM-DD").
func momentFormat(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	format := defaultFormat
	if err := starlark.UnpackArgs("format", args, kwargs, "fmt?", &format); err != nil {
		return nil, err
	}
	m := b.Receiver().(moment)
	return starlark.String(tokens.ReplaceAllStringFunc(format, m.token)), nil
}

// token returns what one token of a format stands for.
func (m moment) token(token string) string {
	t := m.t
	switch token {
	case "YYYY":
		return fmt.Sprintf("%04d", t.Year())
	case "YY":
		return t.Format("06")
	case "MMMM":
		return t.Month().String()
	case "MMM":
		return t.Format("Jan")
	case "MM":
		return t.Format("01")
	case "M":
		return t.Format("1")
	case "DDDD":
		return fmt.Sprintf("%03d", t.YearDay())
	case "DDD":
		return strconv.Itoa(t.YearDay())
	case "DD":
		return t.Format("02")
	case "D":
		return t.Format("2")
	case "Do":
		return ordinal(t.Day())
	case "dddd":
		return t.Weekday().String()
	case "ddd":
		return t.Format("Mon")
	case "d":
		return strconv.Itoa(m.isoweekday())
	case "W":
		year, week := t.ISOWeek()
		return fmt.Sprintf("%d-W%02d-%d", year, week, m.isoweekday())
	}
	return m.timeToken(token)
}

func (m moment) timeToken(token string) string {
	t := m.t
	switch token {
	case "HH":
		return t.Format("15")
	case "H":
		return strconv.Itoa(t.Hour())
	case "hh":
		return t.Format("03")
	case "h":
		return t.Format("3")
	case "mm":
		return t.Format("04")
	case "m":
		return t.Format("4")
	case "ss":
		return t.Format("05")
	case "s":
		return t.Format("5")
	case "a":
		return t.Format("pm")
	case "A":
		return t.Format("PM")
	case "ZZZ":
		return t.Format("MST")
	case "ZZ":
		return t.Format("-07:00")
	case "Z":
		return t.Format("-0700")
	case "X":
		return strconv.FormatInt(t.Unix(), 10)
	case "x":
		return strconv.FormatInt(t.UnixMicro(), 10)
	}
	switch {
	case strings.HasPrefix(token, "["):
		return token[1 : len(token)-1]
	case strings.HasPrefix(token, "S"):
		digits := strings.Repeat(fmt.Sprintf("%06d", t.Nanosecond()/1000), len(token)/6+1) // more than six begin again
		return digits[:len(token)]
	}
	return "" // as arrow has it for dd
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
