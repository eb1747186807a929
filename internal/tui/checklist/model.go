// Package checklist is the console's second page: the checklist as a tree that folds.
//
// The page owns cursor, folds and search; the checklist belongs to the mirror, which changes it in place, so the page looks
// at it only in Set and keeps the rows it then made. Only rows in sight are formatted.
package checklist

import (
	"time"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// freshFor is how long a changed entry is marked.
const freshFor = 10 * time.Second

// Change is a change of the checklist that is worth a mark.
type Change struct {
	At     time.Time
	Author string
	Key    pyyaml.Value
	Items  []pyyaml.Value // the keys within the mapping at Key; none: all of it
}

// touch is a change as it is found by path.
type touch struct {
	at     time.Time
	author string
}

// Model is the page.
type Model struct {
	Keys  KeyMap
	Known bool // a manager has said what is in it

	theme  *theme.Theme
	values *pyyaml.Map
	open   map[string]bool // folded out, by path
	rows   []row
	sorted map[*pyyaml.Map][]pyyaml.Value // keys of folded-out mappings
	fresh  map[string]touch               // by path
	last   touch                          // the newest
	scroll widget.Scroll
	prompt *widget.Prompt
	query  string // lower case
	origin string // path of the cursor where the search began
	miss   bool
	width  int
	height int
}

// New returns the page, with nothing on it.
func New(t *theme.Theme) *Model {
	return &Model{
		Keys: newKeyMap(), theme: t, values: pyyaml.NewMap(0),
		open: map[string]bool{}, sorted: map[*pyyaml.Map][]pyyaml.Value{}, fresh: map[string]touch{},
	}
}

// Set hands in the checklist as it is now, and its latest changes, oldest first.
func (m *Model) Set(values *pyyaml.Map, changes []Change) {
	m.values = values
	clear(m.fresh)
	for _, c := range changes {
		m.last = touch{c.At, c.Author}
		path := childPath("", c.Key)
		m.fresh[path] = touch{c.At, c.Author}
		for _, item := range c.Items {
			m.fresh[childPath(path, item)] = touch{c.At, c.Author}
		}
	}
	m.list()
}

// SetSize tells how much room the page has.
func (m *Model) SetSize(width, height int) {
	m.width, m.height = width, height
	m.scroll.SetSize(len(m.rows), height-1)
}

// list makes the rows anew; the cursor stays with its entry.
func (m *Model) list() {
	path := m.path()
	m.rows = m.rows[:0]
	used := make(map[*pyyaml.Map][]pyyaml.Value, len(m.sorted))
	m.flatten(m.values, "", 0, used)
	m.sorted = used
	m.scroll.SetSize(len(m.rows), m.height-1)
	m.cursorTo(path)
}

// path returns the path of the entry under the cursor, "" if there is none.
func (m *Model) path() string {
	if m.scroll.Cursor < len(m.rows) {
		return m.rows[m.scroll.Cursor].path
	}
	return ""
}

// cursorTo puts the cursor on the entry with a path, if it is listed.
func (m *Model) cursorTo(path string) bool {
	for i := range m.rows {
		if m.rows[i].path == path {
			m.scroll.MoveTo(i)
			return true
		}
	}
	return false
}
