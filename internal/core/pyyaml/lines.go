package pyyaml

// Lines tells where in the document the parts of a decoded value stand, so that a complaint about a configuration can
// name the line. Lines are counted from 1; 0 is a part that is not known.
type Lines struct {
	keys       map[*Map]map[any]int
	items      map[*Value][]int // by address of the first item of a list
	duplicates []Duplicate
}

// Duplicate is a key that stands in its mapping for the second time, and what its line is. The last one wins.
type Duplicate struct {
	Line int
	Key  Value
}

func newLines() *Lines {
	return &Lines{keys: map[*Map]map[any]int{}, items: map[*Value][]int{}}
}

// Key returns the line of a key of a mapping. A key that came through a merge (<<) has the line where it is written.
func (l *Lines) Key(m *Map, key Value) int {
	if l == nil {
		return 0
	}
	return l.keys[m][hashKey(key)]
}

// Item returns the line of the i-th item of a list.
func (l *Lines) Item(list []Value, i int) int {
	if l == nil || i < 0 || i >= len(list) {
		return 0
	}
	lines := l.items[&list[0]]
	if i >= len(lines) {
		return 0
	}
	return lines[i]
}

// Duplicates returns the keys that are written more than once in one mapping, in the order of the document.
func (l *Lines) Duplicates() []Duplicate {
	if l == nil {
		return nil
	}
	return l.duplicates
}

// The rest is for the constructor, which may have no Lines to fill.

func (l *Lines) setKey(m *Map, key Value, line int) {
	if l == nil {
		return
	}
	if l.keys[m] == nil {
		l.keys[m] = map[any]int{}
	}
	l.keys[m][hashKey(key)] = line
}

func (l *Lines) setItem(list []Value, i, line int) {
	if l == nil {
		return
	}
	if i == 0 {
		l.items[&list[0]] = make([]int, len(list))
	}
	l.items[&list[0]][i] = line
}

func (l *Lines) addDuplicate(key Value, line int) {
	if l != nil {
		l.duplicates = append(l.duplicates, Duplicate{Line: line, Key: key})
	}
}
