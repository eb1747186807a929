package pyyaml

import "strings"

// The fast path reads what nearly every message is, the plain output of yaml.dump, in a tenth of the time that the
// general parser takes: block mappings and lists of scalars that stand on one line, in ASCII. On whatever it is not
// certain about it gives up, and the document goes the general way from its start; it never reports an error. The two
// ways agree on every document that this one takes (FuzzFastPath).

const (
	// shareBelow is the size up to which the strings of a document share its memory. In a larger one each has its own, so
	// that one small string that is kept does not keep all of it.
	shareBelow = 4096
	// fastNodes is the number of values after which the fast path leaves a document to the general way and its limits.
	fastNodes = 8 << 20
	// longestKey is far below the 1024 characters within which YAML looks for the colon after a key.
	longestKey = 500
)

// fast is a cursor over the lines of a document.
type fast struct {
	s     string
	pos   int
	col   int // indentation of the line that starts at pos, -1 at the end of the document
	nodes int
	share bool
}

func decodeFast(data []byte) (Value, bool) {
	if len(data) == 0 || !startsFast(data[0]) {
		return nil, false
	}
	f := fast{s: string(data), share: len(data) <= shareBelow}
	v, ok := f.block(0, 1)
	return v, ok && f.col < 0
}

// startsFast spares a document in flow style or with a comment on top the copy.
func startsFast(c byte) bool {
	return fastClass[c]&startsScalar != 0 || c == '-' || c == '\'' || c == '"'
}

// block reads the collection that starts at pos, which is in column col.
func (f *fast) block(col, depth int) (Value, bool) {
	if depth > MaxDepth {
		return nil, false
	}
	if f.atDash() {
		return f.list(col, depth, false)
	}
	t, ok := f.token()
	if !ok || !t.isKey {
		return nil, false
	}
	return f.mapping(t, col, depth)
}

// mapping reads a mapping in column col, after its first key.
func (f *fast) mapping(key token, col, depth int) (Value, bool) {
	m := NewMap(4)
	for {
		k, ok := f.value(key)
		if !ok {
			return nil, false
		}
		v, ok := f.mapped(col, depth)
		if !ok {
			return nil, false
		}
		m.Set(k, v)
		if f.col != col {
			return m, f.col < col
		}
		if key, ok = f.token(); !ok || !key.isKey {
			return nil, false
		}
	}
}

// mapped reads the value after a key and its colon, and goes on to the next line.
func (f *fast) mapped(col, depth int) (Value, bool) {
	f.skipSpaces()
	if !f.atLineEnd() {
		return f.inline(col)
	}
	if !f.nextLine() {
		return nil, false
	}
	switch {
	case f.col > col:
		return f.block(f.col, depth+1)
	case f.col == col && f.atDash(): // a list need not be indented in its mapping
		if depth >= MaxDepth {
			return nil, false
		}
		return f.list(col, depth+1, true)
	}
	return nil, true
}

// inline reads a scalar, or an empty collection, up to the end of the line. A further line that is indented deeper than
// the collection at col would continue it.
func (f *fast) inline(col int) (Value, bool) {
	var v Value
	if rest := f.s[f.pos:]; strings.HasPrefix(rest, "[]") || strings.HasPrefix(rest, "{}") {
		f.pos += 2
		f.nodes++
		v = []Value{}
		if rest[0] == '{' {
			v = NewMap(0)
		}
	} else {
		t, ok := f.token()
		if !ok || t.isKey {
			return nil, false
		}
		if v, ok = f.value(t); !ok {
			return nil, false
		}
	}
	return v, f.atLineEnd() && f.nextLine() && f.col <= col
}

// list reads a list whose dashes are in column col. If it is the value of a mapping in the same column, a line there
// without a dash is the next key.
func (f *fast) list(col, depth int, inMapping bool) (Value, bool) {
	var list []Value
	for {
		f.pos++
		start := f.pos
		f.skipSpaces()
		v, ok := f.item(col, col+1+f.pos-start, depth)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if f.col != col {
			return list, f.col < col
		}
		if !f.atDash() {
			return list, inMapping
		}
	}
}

// item reads what follows a dash at col and starts in column start: a scalar, or a collection that begins on this line.
func (f *fast) item(col, start, depth int) (Value, bool) {
	if f.atLineEnd() || depth >= MaxDepth {
		return nil, false
	}
	if f.atDash() {
		return f.list(start, depth+1, false)
	}
	if c := f.s[f.pos]; c == '[' || c == '{' {
		return f.inline(col)
	}
	t, ok := f.token()
	if !ok {
		return nil, false
	}
	if t.isKey {
		return f.mapping(t, start, depth+1)
	}
	v, ok := f.value(t)
	return v, ok && f.atLineEnd() && f.nextLine() && f.col <= col
}

func (f *fast) skipSpaces() {
	for f.pos < len(f.s) && f.s[f.pos] == ' ' {
		f.pos++
	}
}

func (f *fast) atLineEnd() bool { return f.pos == len(f.s) || f.s[f.pos] == '\n' }

// atDash tells whether a list item starts here.
func (f *fast) atDash() bool {
	return f.pos+1 < len(f.s) && f.s[f.pos] == '-' && f.s[f.pos+1] == ' '
}

// nextLine goes from the end of a line to the first character of the next one. Empty lines, comments and the marks
// between documents are left to the general way.
func (f *fast) nextLine() bool {
	if f.nodes > fastNodes {
		return false
	}
	if f.pos < len(f.s) {
		f.pos++
	}
	start := f.pos
	f.skipSpaces()
	if f.pos == len(f.s) {
		f.col = -1
		return f.pos == start
	}
	f.col = f.pos - start
	return f.s[f.pos] != '\n'
}
