package logging

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nowcast/internal/core/pyyaml"

	"github.com/ncruces/go-strftime"
)

// The patterns take widths of up to four digits: more is a mistake, and would make each record a megabyte.
var (
	percentPart = regexp.MustCompile(`%(?:\((\w+)\)([-+ 0#]*)(\d{0,4})((?:\.\d{1,4})?)([a-zA-Z])|%)`)
	bracesPart  = regexp.MustCompile(`\{\{|\}\}|\{(\w+)(![rs])?(?::([<>]?)(0?)(\d{0,4})((?:\.\d{1,4})?)([a-zA-Z]?))?\}`)
	dollarPart  = regexp.MustCompile(`\$(?:\$|\{(\w+)\}|(\w+))`)
)

// split takes a format apart: compile makes a part of each match, and what is between them must not contain any of forbidden.
func split(format string, pattern *regexp.Regexp, forbidden string, compile func(m []string) (part, error)) ([]part, error) {
	var parts []part
	literal := func(text string) error {
		if i := strings.IndexAny(text, forbidden); i >= 0 {
			return fmt.Errorf("cannot be understood from %q on", text[i:])
		}
		if text != "" {
			parts = append(parts, part{literal: text})
		}
		return nil
	}
	end := 0
	for _, at := range pattern.FindAllStringSubmatchIndex(format, -1) {
		if err := literal(format[end:at[0]]); err != nil {
			return nil, err
		}
		m := make([]string, len(at)/2)
		for i := range m {
			if at[2*i] >= 0 {
				m[i] = format[at[2*i]:at[2*i+1]]
			}
		}
		p, err := compile(m)
		if err != nil {
			return nil, err
		}
		parts, end = append(parts, p), at[1]
	}
	return parts, literal(format[end:])
}

func fieldPart(name string) (part, error) {
	f, ok := fields[name]
	if !ok {
		return part{}, fmt.Errorf("names %s, which is no attribute of a record", name)
	}
	return part{field: f}, nil
}

// parsePercent reads %(name)s formats.
func parsePercent(format string) ([]part, error) {
	return split(format, percentPart, "%", func(m []string) (part, error) {
		if m[0] == "%%" {
			return part{literal: "%"}, nil
		}
		p, err := fieldPart(m[1])
		if err != nil {
			return p, err
		}
		flags, width, precision, verb := m[2], m[3], m[4], m[5]
		text := p.field.text != nil || p.field.append != nil
		switch {
		case strings.Contains(flags, "#"):
			return p, fmt.Errorf("has %s, and the flag # is not supported", m[0])
		case verb == "r" && text:
			p.repr, verb = true, "s"
		case verb == "r", verb == "s" && !text:
			verb = "s"
		case verb == "i" && !text, verb == "u" && !text:
			verb = "d"
		case verb == "s", !text && strings.Contains("doxXeEfFgG", verb):
		default:
			return p, fmt.Errorf("has %s, which Python cannot write either: use %%(%s)s", m[0], m[1])
		}
		p.verb = verbFor(flags, width, precision, verb, p.repr)
		return p, nil
	})
}

// verbFor returns the format for package fmt, "" if it is the plain one.
func verbFor(flags, width, precision, verb string, repr bool) string {
	switch verb {
	case "s": // in Python only - means anything for text
		flags = strings.Repeat("-", min(1, strings.Count(flags, "-")))
		if width == "" && precision == "" {
			return ""
		}
	case "d":
		if flags == "" && width == "" && precision == "" {
			return "%d"
		}
	case "g", "G":
		if precision == "" {
			precision = ".6"
		}
	case "F":
		verb = "f"
	}
	return "%" + flags + width + precision + verb
}

// parseBraces reads {name:spec} formats, with alignment, width, precision and type; other fills and centring are refused.
func parseBraces(format string) ([]part, error) {
	return split(format, bracesPart, "{}", func(m []string) (part, error) {
		if m[0] == "{{" || m[0] == "}}" {
			return part{literal: m[0][:1]}, nil
		}
		p, err := fieldPart(m[1])
		if err != nil {
			return p, err
		}
		align, zero, width, precision, verb := m[3], m[4], m[5], m[6], m[7]
		text := p.field.text != nil || p.field.append != nil || m[2] != ""
		p.repr = m[2] == "!r" && p.field.whole == nil && p.field.real == nil
		if verb == "" {
			verb = "s"
		}
		switch {
		case text && verb != "s", !text && !strings.Contains("sdoxXeEfFgG", verb), !text && verb == "s" && precision != "":
			return p, fmt.Errorf("has %s, whose type does not fit the field", m[0])
		case text && zero != "":
			return p, fmt.Errorf("has %s, and filling text with zeros is not supported", m[0])
		}
		flags := zero
		if align == "<" || text && align == "" {
			flags = "-"
		}
		p.verb = verbFor(flags, width, precision, verb, p.repr)
		if !text && verb == "s" && zero != "" {
			return p, fmt.Errorf("has %s without a type: write %s", m[0], strings.TrimSuffix(m[0], "}")+"d}")
		}
		return p, nil
	})
}

// parseDollar reads $name and ${name} formats.
func parseDollar(format string) ([]part, error) {
	return split(format, dollarPart, "$", func(m []string) (part, error) {
		if m[0] == "$$" {
			return part{literal: "$"}, nil
		}
		return fieldPart(m[1] + m[2])
	})
}

func pythonRepr(s string) string { return pyyaml.Repr(s) }

// pythonFloat writes a float as str() does.
func pythonFloat(v float64) string { return pyyaml.Repr(v) }

var strftimeDirective = regexp.MustCompile(`%([-_0^#]?)([EO]?)([a-zA-Z%+:]|$)`)

// strftimeLetters are the directives that the C library knows; it writes others as they are.
const strftimeLetters = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%"

// checkDatefmt returns the format for appendStrftime, where what the C library would not replace is marked as literal.
func checkDatefmt(datefmt string) (string, error) {
	var err error
	checked := strftimeDirective.ReplaceAllStringFunc(datefmt, func(d string) string {
		m := strftimeDirective.FindStringSubmatch(d)
		switch {
		case m[1] != "" && (m[1] != "-" || !strings.Contains("djHIMSmVUW", m[3])):
			err = fmt.Errorf("datefmt %s has %s, whose flag is not supported", strconv.Quote(datefmt), d)
		case m[3] == "" || !strings.Contains(strftimeLetters, m[3]):
			return "%" + d
		}
		return d
	})
	return checked, err
}

func appendStrftime(b []byte, format string, t time.Time) []byte {
	return strftime.AppendFormat(b, format, t)
}
