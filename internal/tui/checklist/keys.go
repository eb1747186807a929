package checklist

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/tui/widget"
)

// KeyMap has the page's keys.
type KeyMap struct {
	Fold, Open, Close, OpenAll, CloseAll, Search, Next, Previous key.Binding
	Move                                                         widget.Navigation
}

func newKeyMap() KeyMap {
	bind := func(help, desc string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
	}
	move := widget.NewNavigation()
	move.PageDown.SetKeys("pgdown", "ctrl+f") // space folds here
	return KeyMap{
		Fold:     bind("space", "fold: in or out", "space", "z", "enter"),
		Open:     bind("→", "fold out", "right", "l"),
		Close:    bind("←", "fold in: or go to what it is in", "left", "h"),
		OpenAll:  bind("E", "all out: fold everything out", "E"),
		CloseAll: bind("C", "all in: fold everything in", "C"),
		Search:   bind("/", "search: highlights as you type", "/"),
		Next:     bind("n", "next: match", "n"),
		Previous: bind("N", "previous: match", "N"),
		Move:     move,
	}
}

// Typing tells whether keys are text now.
func (m *Model) Typing() bool { return m.prompt != nil }

// Update takes a key or a paste.
func (m *Model) Update(msg tea.Msg) {
	if m.prompt != nil {
		m.typed(msg)
		return
	}
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return
	}
	m.miss = false
	switch {
	case m.scroll.Key(m.Keys.Move, k):
	case key.Matches(k, m.Keys.Fold):
		m.fold(!m.open[m.path()])
	case key.Matches(k, m.Keys.Open):
		m.fold(true)
	case key.Matches(k, m.Keys.Close):
		m.close()
	case key.Matches(k, m.Keys.OpenAll):
		m.expandAll(m.values, "", 0)
		m.list()
	case key.Matches(k, m.Keys.CloseAll):
		m.closeAll()
	case key.Matches(k, m.Keys.Search):
		m.prompt = widget.NewPrompt(m.theme, "/", m.query)
		m.origin = m.path()
	case key.Matches(k, m.Keys.Next):
		m.miss = !m.find(m.path(), false, 1)
	case key.Matches(k, m.Keys.Previous):
		m.miss = !m.find(m.path(), false, -1)
	case k.String() == "esc":
		m.query = ""
	}
}

// fold folds the entry under the cursor.
func (m *Model) fold(out bool) {
	if m.scroll.Cursor >= len(m.rows) || size(m.rows[m.scroll.Cursor].value) <= 0 {
		return
	}
	if out {
		m.open[m.path()] = true
	} else {
		delete(m.open, m.path())
	}
	m.list()
}

// close folds in the entry under the cursor, or goes to the one that it is in.
func (m *Model) close() {
	path := m.path()
	if m.open[path] {
		m.fold(false)
		return
	}
	if up := parents(path); len(up) > 0 {
		m.cursorTo(up[len(up)-1])
	}
}

func (m *Model) closeAll() {
	top := m.path()
	if up := parents(top); len(up) > 0 {
		top = up[0]
	}
	clear(m.open)
	m.list()
	m.cursorTo(top)
}

// typed edits the search, which follows every letter.
func (m *Model) typed(msg tea.Msg) {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "enter":
			m.prompt = nil
			return
		case "esc", "ctrl+c":
			m.prompt, m.query, m.miss = nil, "", false
			return
		}
	}
	m.prompt.Update(msg)
	m.query = widget.Lower(m.prompt.Value())
	m.miss = m.query != "" && !m.find(m.origin, true, 1)
}

// find goes to the next entry (step 1) or the previous one (-1) that has the text searched for, folding out what it is in. It
// starts behind the entry at path, or with it, and goes round at the end.
func (m *Model) find(path string, with bool, step int) bool {
	if m.query == "" {
		return false
	}
	var before, after []string // matches, on this side and the other of where it starts
	passed := path == ""
	var walk func(v pyyaml.Value, at string, depth int)
	walk = func(v pyyaml.Value, at string, depth int) {
		m.children(v, nil, func(key, value pyyaml.Value, list bool) bool {
			p := childPath(at, key)
			here := p == path
			passed = passed || here && with
			if (with || !here) && widget.IndexFold(words(key, value, list), m.query) >= 0 {
				if passed {
					after = append(after, p)
				} else {
					before = append(before, p)
				}
			}
			passed = passed || here
			if depth < maxDepth {
				walk(value, p, depth+1)
			}
			return true
		})
	}
	walk(m.values, "", 0)
	found := append(after, before...)
	if len(found) == 0 {
		return false
	}
	target := found[0]
	if step < 0 {
		target = found[len(found)-1]
	}
	for _, p := range parents(target) {
		m.open[p] = true
	}
	m.list()
	return m.cursorTo(target)
}

// Footer returns the keys worth a place at the bottom of the screen, the most useful first.
func (m *Model) Footer() []key.Binding {
	k := m.Keys
	if m.query != "" {
		return []key.Binding{k.Next, k.Previous, k.Fold, k.Search}
	}
	return []key.Binding{k.Fold, k.Search, k.OpenAll, k.CloseAll}
}

// Help returns all keys.
func (m *Model) Help() []key.Binding {
	k, n := m.Keys, m.Keys.Move
	return []key.Binding{
		k.Fold, k.Open, k.Close, k.OpenAll, k.CloseAll, k.Search, k.Next, k.Previous,
		n.All(),
	}
}
