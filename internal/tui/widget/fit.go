package widget

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Width returns the number of cells that clean text takes.
func Width(s string) int {
	if isPlain(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

// blanks is a supply of spaces.
var blanks = strings.Repeat(" ", 256)

// Blank returns n spaces, none if n is negative.
func Blank(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blanks):
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// Fit returns clean text in exactly w cells: padded on the right, or cut with the mark cut at its end.
func Fit(s string, w int, cut string) string {
	n := Width(s)
	switch {
	case w <= 0:
		return ""
	case n <= w:
		return s + Blank(w-n)
	}
	head, used := take(s, w-Width(cut))
	return head + cut + Blank(w-used-Width(cut))
}

// FitRight is Fit with the padding on the left.
func FitRight(s string, w int, cut string) string {
	if n := Width(s); n <= w {
		return Blank(w-n) + s
	}
	return Fit(s, w, cut)
}

// take returns as much of s as fits into w cells, and the cells it uses.
func take(s string, w int) (string, int) {
	if w <= 0 {
		return "", 0
	}
	if isPlain(s) {
		n := min(w, len(s))
		return s[:n], n
	}
	used := 0
	for i := 0; i < len(s); {
		cluster, cw := ansi.FirstGraphemeCluster(s[i:], ansi.GraphemeWidth)
		if used+cw > w {
			return s[:i], used
		}
		used += cw
		i += len(cluster)
	}
	return s, used
}

// Skip returns clean text without its first n cells; half of a wide character becomes a space.
func Skip(s string, n int) string {
	if n <= 0 {
		return s
	}
	if isPlain(s) {
		return s[min(n, len(s)):]
	}
	for s != "" && n > 0 {
		cluster, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		s = s[len(cluster):]
		if n -= w; n < 0 {
			return " " + s
		}
	}
	return s
}

// Wrap breaks clean text into pieces of at most w cells, at a space where there is one in the second half.
func Wrap(s string, w int) []string {
	if w <= 0 || isPlain(s) && len(s) <= w {
		return []string{s}
	}
	var lines []string
	for {
		head, _ := take(s, w)
		if head == s || head == "" { // nothing left, or a wide character in one column
			return append(lines, s)
		}
		if i := strings.LastIndexByte(head, ' '); i >= len(head)/2 {
			lines, s = append(lines, head[:i]), s[i+1:]
			continue
		}
		lines, s = append(lines, head), s[len(head):]
	}
}

// IndexFold returns where lower, which is lower case, first occurs in s, ignoring the case of ASCII letters; -1 if nowhere.
func IndexFold(s, lower string) int {
	if lower == "" {
		return 0
	}
	first := lower[0]
	upper := first
	if first >= 'a' && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i] != first && s[i] != upper {
			continue
		}
		if equalFold(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}

func equalFold(s, lower string) bool {
	for i := range len(lower) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Lower returns s with ASCII letters in lower case, as IndexFold wants it.
func Lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
