package pyyaml

import "unicode/utf8"

func (e *encoder) list(list []Value, indent int, p place) {
	if len(list) == 0 {
		e.word("[]")
		return
	}
	indent = listIndent(indent, p)
	for i, v := range list {
		e.startEntry(i, indent, p)
		e.buf = append(e.buf, '-')
		e.node(v, indent, place{inline: true})
	}
}

// pairs writes a list of mappings of one entry.
func (e *encoder) pairs(pairs Pairs, indent int, p place) {
	if len(pairs) == 0 {
		e.word("[]")
		return
	}
	indent = listIndent(indent, p)
	for i := range pairs {
		e.startEntry(i, indent, p)
		e.buf = append(e.buf, '-')
		e.mapping(pairs[i:i+1], indent, place{inline: true})
	}
}

// listIndent is the column of a list's dashes: a list that is the value of a mapping is not indented in it.
func listIndent(indent int, p place) int {
	switch {
	case p.mapping && !p.inline:
		return indent
	case indent == rootIndent:
		return 0
	}
	return indent + 2
}

// startEntry goes to where an entry starts: for the first one that may be the line of the indicator before it.
func (e *encoder) startEntry(i, indent int, p place) {
	if i == 0 && p.inline {
		e.pad(indent)
	} else {
		e.newLine(indent)
	}
}

func (e *encoder) mapping(entries []Pair, indent int, p place) {
	if len(entries) == 0 {
		e.word("{}")
		return
	}
	if indent == rootIndent {
		indent = 0
	} else {
		indent += 2
	}
	for i := range entries {
		e.startEntry(i, indent, p)
		e.entry(entries[i].Key, entries[i].Value, indent)
	}
}

// entry writes key and value of a block mapping at indent, from where the line is.
func (e *encoder) entry(key, value Value, indent int) {
	if isSimpleKey(key) {
		e.node(key, indent, place{simpleKey: true})
		e.buf = append(e.buf, ':')
		e.node(value, indent, place{mapping: true})
		return
	}
	e.complexKey(key, indent)
	e.buf = append(e.buf, ':')
	e.node(value, indent, place{mapping: true, inline: true})
}

// complexKey writes a key that needs lines of its own, and goes to the place of the colon.
func (e *encoder) complexKey(key Value, indent int) {
	e.buf = append(e.buf, '?')
	e.node(key, indent, place{mapping: true, inline: true})
	e.newLine(indent)
}

// isSimpleKey tells whether PyYAML writes a key before a colon on the same line: a scalar of one line that, with its
// tag, is shorter than 128 characters, or an empty collection.
func isSimpleKey(key Value) bool {
	switch k := key.(type) {
	case string:
		return k != "" && len("!!str")+runeCount(k) < 128 && !hasLineBreak(k)
	case Binary:
		return false
	case []Value:
		return len(k) == 0
	case Pairs:
		return len(k) == 0
	case *Map:
		return k.Len() == 0
	case *Set:
		return k.Len() == 0
	case nil, bool, Date, DateTime:
		return true
	case float64:
		return true
	}
	return len("!!int")+len(appendPlain(nil, key)) < 128
}

// runeCount is the length of s in Python.
func runeCount(s string) int {
	n := utf8.RuneCountInString(s)
	for i := 0; i+2 < len(s); i++ {
		if s[i] == 0xed && s[i+1]&0xe0 == 0xa0 {
			n -= 2 // a surrogate, which the line above took for three broken bytes
		}
	}
	return n
}
