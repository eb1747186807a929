// Package widget has the parts that pages are made of: text that cannot disturb the screen, a table, a scrolling log,
// a pager, a one-line input, a tree window. None of them knows what a worker is.
//
// Every widget is told its size, changes only in its own methods, and draws exactly the rows it was given. Text from outside
// passes through Clean before it is measured or shown.
package widget

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// maxLine bounds one shown line, in bytes: a worker may log a megabyte without a line break.
const maxLine = 16 << 10

// tabStop is the distance of tab stops within a line.
const tabStop = 8

// Clean returns s as one line that a terminal shows with the width that Width tells. Complete ANSI sequences are
// taken out; other control characters appear as ^X, bytes that are not UTF-8 as \xNN; tabs become spaces. What terminals
// measure differently (joined emoji, bidirectional controls) is reduced to what they agree on, or shown as U+FFFD. A line
// that is too long is cut, and says by how much.
func Clean(s string) string {
	if isPlain(s) && len(s) <= maxLine {
		return s
	}
	total := len(s)
	var b strings.Builder
	col := 0
	for s != "" {
		if b.Len() > maxLine {
			fmt.Fprintf(&b, "... (%d bytes more of %d)", len(s), total)
			break
		}
		c := s[0]
		switch {
		case c >= ' ' && c < 0x7f && (len(s) == 1 || s[1] < utf8.RuneSelf):
			b.WriteByte(c)
			s, col = s[1:], col+1
		case c == '\t':
			n := tabStop - col%tabStop
			b.WriteString("        "[:n])
			s, col = s[1:], col+n
		case c == 0x1b && sequence(s) > 0:
			s = s[sequence(s):]
		case c < ' ' || c == 0x7f:
			b.WriteByte('^')
			b.WriteByte(c ^ 0x40)
			s, col = s[1:], col+2
		default:
			n, w := writeCluster(&b, s)
			s, col = s[n:], col+w
		}
	}
	return b.String()
}

// isPlain tells whether s is printable ASCII, which nearly all lines are.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// writeCluster writes what is first in s, a character with what is combined with it, if all terminals agree
// on its width, and else what can be shown of it. It returns the bytes used and the cells written.
func writeCluster(b *strings.Builder, s string) (n, width int) {
	if r, size := utf8.DecodeRuneInString(s); r == utf8.RuneError && size <= 1 {
		fmt.Fprintf(b, `\x%02x`, s[0])
		return 1, 4
	} else if r >= 0x80 && r < 0xa0 {
		fmt.Fprintf(b, `\u%04x`, r)
		return size, 6
	}
	cluster, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	if !utf8.ValidString(cluster) || strings.ContainsFunc(cluster, func(r rune) bool { return r < ' ' || (r >= 0x7f && r < 0xa0) }) {
		_, size := utf8.DecodeRuneInString(s) // the cluster swallowed something that must be seen
		cluster, w = ansi.FirstGraphemeCluster(s[:size], ansi.GraphemeWidth)
	}
	if agreed(cluster, w) {
		b.WriteString(cluster)
		return len(cluster), w
	}
	_, size := utf8.DecodeRuneInString(cluster)
	if base, bw := ansi.FirstGraphemeCluster(cluster[:size], ansi.GraphemeWidth); agreed(base, bw) {
		b.WriteString(base)
		return len(cluster), bw
	}
	b.WriteRune(utf8.RuneError)
	return len(cluster), 1
}

// agreed tells whether a cluster is w cells wide however a terminal measures it.
func agreed(cluster string, w int) bool {
	return w >= 1 && w <= 2 && len(cluster) <= 16 && ansi.StringWidthWc(cluster) == w && wcSum(cluster) == w && standsAlone(cluster)
}

// standsAlone tells whether a cluster stays as it is beside others: a mark without a letter would join the blank before it.
func standsAlone(cluster string) bool {
	before, _ := ansi.FirstGraphemeCluster(" "+cluster, ansi.GraphemeWidth)
	after, _ := ansi.FirstGraphemeCluster(cluster+" ", ansi.GraphemeWidth)
	return len(before) == 1 && len(after) == len(cluster)
}

// wcSum adds up the widths of the single runes, as terminals without grapheme support do.
func wcSum(cluster string) int {
	sum := 0
	for _, r := range cluster {
		sum += ansi.StringWidthWc(string(r))
	}
	return sum
}

// sequence returns the length of the complete escape sequence that s begins with, 0 if it is none.
func sequence(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '[': // CSI: parameters, intermediates, a final byte
		for i := 2; i < len(s) && i < 64; i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x3f {
				return 0
			}
		}
	case ']': // OSC: up to BEL or ST
		for i := 2; i < len(s) && i < 2048; i++ {
			if s[i] == 7 {
				return i + 1
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
			if s[i] < ' ' {
				return 0
			}
		}
	}
	return 0
}

// CleanLines splits s into its lines and cleans each; there is always at least one.
func CleanLines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i, l := range lines {
		lines[i] = Clean(strings.TrimSuffix(l, "\r"))
	}
	return lines
}
