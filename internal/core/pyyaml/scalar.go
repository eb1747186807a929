package pyyaml

// style is how a string is written.
type style uint8

const (
	plainStyle style = iota
	singleQuoted
	doubleQuoted
)

// str writes a string: plain if it is read back as a string, else quoted.
func (e *encoder) str(s string, indent int, p place) {
	column := scalarIndent(indent)
	switch chooseStyle(s, p.simpleKey) {
	case plainStyle:
		e.openEnded = indent == rootIndent
		e.plain(s, column, !p.simpleKey)
	case singleQuoted:
		e.single(s, column, !p.simpleKey)
	default:
		e.double(s, column, !p.simpleKey)
	}
}

// chooseStyle is PyYAML's choice for a string in block context when only ASCII may be written. What the escapes of
// double quotes are needed for, comes first; then what would not be read back as this string without quotes.
func chooseStyle(s string, simpleKey bool) style {
	if isWord(s) {
		return plainStyle
	}
	a := analyze(s)
	switch {
	case a.special || a.spaceBreak:
		return doubleQuoted
	case !a.indicators && !a.blankEnds && !a.lineBreaks && implicitKind(s) == kindStr:
		return plainStyle
	case a.breakSpace || simpleKey && a.lineBreaks:
		return doubleQuoted
	}
	return singleQuoted
}

// isWord quickly accepts most of what there is: letters, digits and harmless signs, beginning with a letter that starts
// no boolean and no null.
func isWord(s string) bool {
	if s == "" || wordClass[s[0]]&wordStart == 0 {
		return false
	}
	for i := 1; i < len(s); i++ {
		if wordClass[s[i]] == 0 {
			return false
		}
	}
	return true
}

const (
	wordStart uint8 = 1 << iota
	wordPart
)

var wordClass = func() (class [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		class[c], class[c-'a'+'A'] = wordStart|wordPart, wordStart|wordPart
	}
	for _, c := range "yYnNtTfFoO" {
		class[c] = wordPart
	}
	for _, c := range "0123456789_-./+()$;^\\" {
		class[c] = wordPart
	}
	class['/'], class['_'] = wordStart|wordPart, wordStart|wordPart
	return class
}()

// analysis is what in a string limits the ways to write it.
type analysis struct {
	special    bool // characters that need an escape
	lineBreaks bool
	spaceBreak bool // a space before a line break: lost unless escaped
	breakSpace bool // a space after a line break: lost unless escaped
	blankEnds  bool // a space or line break at either end
	indicators bool // something that means something in YAML
}

// analyze looks at every character once. A string with special characters is double quoted whatever else is in it, so
// only ASCII matters to the other answers.
func analyze(s string) (a analysis) {
	if s == "" {
		return a
	}
	last := s[len(s)-1]
	a.blankEnds = isBlank(s[0]) || isBlank(last)
	a.indicators = startsWithIndicator(s)
	previous := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\n':
			a.lineBreaks = true
			a.spaceBreak = a.spaceBreak || previous == ' '
		case c < 0x20 || c > 0x7e:
			a.special = true
			return a
		case c == ' ':
			a.breakSpace = a.breakSpace || previous == '\n'
		case c == ':':
			a.indicators = a.indicators || i+1 == len(s) || isBlank(s[i+1])
		case c == '#':
			a.indicators = a.indicators || i > 0 && isBlank(previous)
		}
		previous = c
	}
	return a
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' }

// startsWithIndicator tells whether the first characters cannot start a plain scalar in block context.
func startsWithIndicator(s string) bool {
	switch s[0] {
	case '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return true
	case '?', '-':
		return len(s) == 1 || isBlank(s[1]) || len(s) > 2 && s[:3] == "---"
	case '.':
		return len(s) > 2 && s[:3] == "..."
	}
	return false
}

// hasLineBreak tells whether s has what YAML takes for a line break.
func hasLineBreak(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n':
			return true
		case 0xc2:
			if i+1 < len(s) && s[i+1] == 0x85 {
				return true
			}
		case 0xe2:
			if i+2 < len(s) && s[i+1] == 0x80 && (s[i+2] == 0xa8 || s[i+2] == 0xa9) {
				return true
			}
		}
	}
	return false
}
