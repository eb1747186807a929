package pyyaml

// kind is what a scalar is taken for: the tag that PyYAML's implicit resolvers give a plain scalar.
type kind uint8

const (
	kindStr kind = iota
	kindNull
	kindBool
	kindInt
	kindFloat
	kindTimestamp
	kindMerge // <<
	kindValue // =
)

// implicitKind resolves a plain scalar as PyYAML does (YAML 1.1). It only looks at the form: a scalar can have the form
// of a date or an integer and still not be one (2001-99-99), which is an error, not a string.
func implicitKind(s string) kind {
	if s == "" {
		return kindNull
	}
	switch s[0] {
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '-', '.':
		return numericKind(s)
	case 'y', 'Y', 'n', 'N', 't', 'T', 'f', 'F', 'o', 'O':
		return wordKind(s)
	case '~':
		if s == "~" {
			return kindNull
		}
	case '<':
		if s == "<<" {
			return kindMerge
		}
	case '=':
		if s == "=" {
			return kindValue
		}
	}
	return kindStr
}

func wordKind(s string) kind {
	if len(s) > len("false") {
		return kindStr
	}
	switch s {
	case "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE",
		"on", "On", "ON", "off", "Off", "OFF":
		return kindBool
	case "null", "Null", "NULL":
		return kindNull
	}
	return kindStr
}

// numericKind tries the resolvers in PyYAML's order, which decides for what two of them would take.
func numericKind(s string) kind {
	switch {
	case isFloat(s):
		return kindFloat
	case isInt(s):
		return kindInt
	case isTimestamp(s):
		return kindTimestamp
	}
	return kindStr
}

// isFloat is [-+]?D[D_]*\.[D_]*([eE][-+]D+)? | \.D[D_]*([eE][-+]D+)? | [-+]?D[D_]*(:[0-5]?D)+\.[D_]* |
// [-+]?\.(inf|Inf|INF) | \.(nan|NaN|NAN), where D is a decimal digit.
func isFloat(s string) bool {
	rest := unsigned(s)
	switch rest {
	case ".inf", ".Inf", ".INF":
		return true
	}
	if s[0] == '.' {
		switch s {
		case ".nan", ".NaN", ".NAN":
			return true
		}
		return len(s) > 1 && isDigit(s[1]) && isExponent(s[1+span(s[1:], digitOrLine):])
	}
	if rest == "" || !isDigit(rest[0]) {
		return false
	}
	rest = rest[span(rest, digitOrLine):]
	sexagesimal := false
	for n := sixty(rest); n > 0; n = sixty(rest) {
		rest, sexagesimal = rest[n:], true
	}
	if rest == "" || rest[0] != '.' {
		return false
	}
	rest = rest[1+span(rest[1:], digitOrLine):]
	if sexagesimal {
		return rest == ""
	}
	return isExponent(rest)
}

// isInt is [-+]?0b[0-1_]+ | [-+]?0[0-7_]+ | [-+]?(0|[1-9][D_]*) | [-+]?0x[0-9a-fA-F_]+ | [-+]?[1-9][D_]*(:[0-5]?D)+.
func isInt(s string) bool {
	s = unsigned(s)
	if s == "" || !isDigit(s[0]) {
		return false
	}
	if s[0] == '0' {
		if len(s) == 1 {
			return true
		}
		switch s[1] {
		case 'b':
			return len(s) > 2 && span(s[2:], binaryDigit) == len(s)-2
		case 'x':
			return len(s) > 2 && span(s[2:], hexDigit) == len(s)-2
		}
		return span(s[1:], octalDigit) == len(s)-1
	}
	s = s[span(s, digitOrLine):]
	for n := sixty(s); n > 0; n = sixty(s) {
		s = s[n:]
	}
	return s == ""
}

// isExponent is ([eE][-+]D+)? to the end: YAML 1.1 as PyYAML has it wants the sign.
func isExponent(s string) bool {
	if s == "" {
		return true
	}
	return len(s) > 2 && (s[0] == 'e' || s[0] == 'E') && (s[1] == '-' || s[1] == '+') && span(s[2:], digit) == len(s)-2
}

// sixty returns the length of :[0-5]?D at the start of s, taking both digits if it can. One digit that is followed by
// another has no match that reaches the end, whatever a regular expression would try.
func sixty(s string) int {
	if len(s) < 2 || s[0] != ':' || !isDigit(s[1]) {
		return 0
	}
	if len(s) > 2 && s[1] <= '5' && isDigit(s[2]) {
		return 3
	}
	return 2
}

func unsigned(s string) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:]
	}
	return s
}

// Sets of characters, for span.
const (
	digit uint8 = 1 << iota
	digitOrLine
	binaryDigit
	octalDigit
	hexDigit
)

var charset = func() (set [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		set[c] |= digit | digitOrLine | hexDigit
		if c <= '7' {
			set[c] |= octalDigit
		}
		if c <= '1' {
			set[c] |= binaryDigit
		}
	}
	for c := 'a'; c <= 'f'; c++ {
		set[c] |= hexDigit
		set[c-'a'+'A'] |= hexDigit
	}
	set['_'] = digitOrLine | binaryDigit | octalDigit | hexDigit
	return set
}()

// span returns how many characters at the start of s are in the set.
func span(s string, set uint8) int {
	for i := 0; i < len(s); i++ {
		if charset[s[i]]&set == 0 {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
