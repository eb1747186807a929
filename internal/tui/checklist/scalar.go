package checklist

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/tui/widget"
)

// maxPlain bounds what is asked of YAML: a longer text is hardly a number or a date.
const maxPlain = 64

// scalar shows a value as the checklist file has it: a text that YAML would read as something else is in quotes.
func scalar(v pyyaml.Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return float(v)
	case string:
		return text(v)
	case pyyaml.Binary:
		return binary(string(v))
	case pyyaml.Date:
		return fmt.Sprintf("%04d-%02d-%02d", v.Year, v.Month, v.Day)
	case pyyaml.DateTime:
		if v.Aware {
			return v.Time.Format("2006-01-02 15:04:05.999999-07:00")
		}
		return v.Time.Format("2006-01-02 15:04:05.999999")
	}
	return kind(v)
}

func float(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	switch s {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	}
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func text(s string) string {
	if len(s) > maxPlain || plainly(s) {
		return widget.Clean(s)
	}
	if v, err := pyyaml.Decode([]byte(s)); err == nil && v == pyyaml.Value(s) {
		return widget.Clean(s)
	}
	if strings.Contains(s, "'") || strings.ContainsFunc(s, unicode.IsControl) {
		return widget.Clean(strconv.Quote(s))
	}
	return "'" + widget.Clean(s) + "'"
}

// plainly tells whether a text is certainly one to YAML too: it begins with a letter or a slash, has nothing that means
// something there, and is no word for a truth value or null. Most texts are such, and asking YAML takes far longer.
func plainly(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20 // letters in lower case
		letter := c >= 'a' && c <= 'z' || s[i] == '/'
		if !letter && (i == 0 || (s[i] < '0' || s[i] > '9') && !strings.ContainsRune("_-.", rune(s[i]))) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

// shownBytes is how much of a binary value is shown.
const shownBytes = 12

func binary(b string) string {
	if len(b) <= shownBytes {
		return fmt.Sprintf("binary %x", b)
	}
	return fmt.Sprintf("binary %x... (%d bytes)", b[:shownBytes], len(b))
}

// kind names a container and its size.
func kind(v pyyaml.Value) string {
	n, one, many := size(v), "", ""
	switch v.(type) {
	case *pyyaml.Map:
		one, many = "entry", "entries"
	case []pyyaml.Value:
		one, many = "item", "items"
	case *pyyaml.Set:
		one, many = "member of a set", "members of a set"
	case pyyaml.Pairs:
		one, many = "pair", "pairs"
	default:
		return widget.Clean(fmt.Sprint(v))
	}
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
