package widget

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// JoinWords writes arguments as one line that SplitWords takes apart again, quoted as a shell would want it.
func JoinWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// safe are the characters that mean nothing to a shell.
const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%"

func quote(w string) string {
	switch {
	case w != "" && strings.Trim(w, safe) == "":
		return w
	case strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.ToValidUTF8(w, "") != w:
		return "$" + ansiQuote(w)
	case !strings.Contains(w, "'"):
		return "'" + w + "'"
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// ansiQuote writes what stands between quotes after a dollar sign: control characters and odd bytes as \xNN.
func ansiQuote(w string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(w) {
		switch c := w[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// SplitWords takes a line apart as a shell does: blanks separate, '...' is literal, in "..." a backslash quotes
// ", \, $ and `, $'...' knows \n, \t, \xNN. Nothing is expanded. The error says which quote is open.
func SplitWords(line string) ([]string, error) {
	words := []string{}
	for {
		line = strings.TrimLeft(line, " \t\n")
		if line == "" {
			return words, nil
		}
		word, rest, err := oneWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
}

// oneWord returns the first word of line, which does not begin with a blank.
func oneWord(line string) (word, rest string, err error) {
	var b strings.Builder
	for line != "" && !strings.ContainsRune(" \t\n", rune(line[0])) {
		var part string
		switch {
		case line[0] == '\'':
			end := strings.IndexByte(line[1:], '\'')
			if end < 0 {
				return "", "", errors.New("a ' is not closed")
			}
			part, line = line[1:1+end], line[end+2:]
		case line[0] == '"':
			part, line, err = escaped(line[1:], '"')
		case strings.HasPrefix(line, "$'"):
			part, line, err = escaped(line[2:], '\'')
		case line[0] == '\\' && len(line) == 1:
			return "", "", errors.New(`a \ at the end quotes nothing`)
		case line[0] == '\\':
			part, line = line[1:2], line[2:]
		default:
			part, line = line[:1], line[1:]
		}
		if err != nil {
			return "", "", err
		}
		b.WriteString(part)
	}
	return b.String(), line, nil
}

// escaped reads up to the closing quote, which is " for "..." and ' for $'...'.
func escaped(line string, end byte) (part, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c == end {
			return b.String(), line[i+1:], nil
		}
		if c != '\\' || i+1 == len(line) {
			b.WriteByte(c)
			continue
		}
		i++
		switch next := line[i]; {
		case end == '"' && strings.IndexByte("\"\\$`", next) >= 0, end == '\'' && (next == '\'' || next == '\\'):
			b.WriteByte(next)
		case end == '\'' && next == 'n':
			b.WriteByte('\n')
		case end == '\'' && next == 't':
			b.WriteByte('\t')
		case end == '\'' && next == 'x' && i+2 < len(line):
			n, err := strconv.ParseUint(line[i+1:i+3], 16, 8)
			if err != nil {
				return "", "", fmt.Errorf(`\x wants two hexadecimal digits, not %q`, line[i+1:i+3])
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			b.WriteByte('\\')
			b.WriteByte(next)
		}
	}
	return "", "", fmt.Errorf("a %c is not closed", end)
}
