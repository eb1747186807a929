package logs

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/widget"
)

// KeyMap has the page's keys.
type KeyMap struct {
	Search, Older, Newer, Follow, Level, Name, Wrap, Left, Right, Clear key.Binding
	Move                                                                widget.Navigation
}

func newKeyMap() KeyMap {
	bind := func(help, desc string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
	}
	return KeyMap{
		Search: bind("/", "search: highlights as you type", "/"),
		Older:  bind("n", "older: next match", "n"),
		Newer:  bind("N", "newer: previous match", "N"),
		Follow: bind("F", "follow: the newest line, again", "F", "end"),
		Level:  bind("v", "level: INFO and above, WARNING, ERROR, everything", "v"),
		Name:   bind("s", "same name: as the marked line only", "s"),
		Wrap:   bind("w", "wrap: long lines, or scroll them", "w"),
		Left:   bind("← →", "sideways: along long lines, also h L", "left", "h"),
		Right:  bind("→", "sideways", "right", "L"),
		Clear:  bind("esc", "log of all: ends search and filters", "esc"),
		Move:   widget.NewNavigation(),
	}
}

// sideways is how far one key scrolls long lines.
const sideways = 20

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
	case key.Matches(k, m.Keys.Search):
		m.prompt = widget.NewPrompt(m.theme, "/", m.pane.Query())
	case key.Matches(k, m.Keys.Older):
		m.miss = !m.pane.Older()
	case key.Matches(k, m.Keys.Newer):
		m.miss = !m.pane.Newer()
	case key.Matches(k, m.Keys.Wrap):
		m.pane.SetWrap(!m.pane.Wrapped())
	case key.Matches(k, m.Keys.Left):
		m.pane.Sideways(-sideways)
	case key.Matches(k, m.Keys.Right):
		m.pane.Sideways(sideways)
	case key.Matches(k, m.Keys.Follow):
		m.pane.Follow(true)
	default:
		m.choose(k)
	}
}

// choose answers the keys that filter or move.
func (m *Model) choose(k tea.KeyPressMsg) {
	f := m.pane.Filter()
	switch {
	case key.Matches(k, m.Keys.Level):
		f.Level = widget.NextLevel(f.Level)
	case key.Matches(k, m.Keys.Name):
		l := m.pane.Current()
		switch {
		case f.Name != "":
			f.Name = ""
		case l != nil:
			f.Name = l.Name
		}
	case key.Matches(k, m.Keys.Clear):
		m.pane.Search("")
		f = widget.LogFilter{Level: atFirst}
	default:
		m.move(k)
		return
	}
	m.pane.SetFilter(f)
}

func (m *Model) move(k tea.KeyPressMsg) {
	delta, home, _, ok := m.Keys.Move.Step(k, m.pane.Height())
	switch {
	case home:
		m.pane.Home()
	case ok:
		m.pane.Move(delta)
	}
}

// typed edits the search, which follows every letter.
func (m *Model) typed(msg tea.Msg) {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "enter":
			m.prompt = nil
			return
		case "esc", "ctrl+c":
			m.prompt, m.miss = nil, false
			m.pane.Search("")
			return
		}
	}
	m.prompt.Update(msg)
	m.miss = !m.pane.Search(m.prompt.Value())
}

// Footer returns the keys worth a place at the bottom of the screen, the most useful first.
func (m *Model) Footer() []key.Binding {
	k := m.Keys
	keys := []key.Binding{k.Search, k.Level, k.Name, k.Wrap}
	if m.pane.Query() != "" {
		keys = append([]key.Binding{k.Older, k.Newer}, keys...)
	}
	if on, _ := m.pane.Following(); !on {
		keys = append([]key.Binding{k.Follow}, keys...)
	}
	return append(keys, k.Left)
}

// Help returns all keys.
func (m *Model) Help() []key.Binding {
	k, n := m.Keys, m.Keys.Move
	return []key.Binding{
		k.Search, k.Older, k.Newer, k.Follow, k.Level, k.Name, k.Wrap, k.Left, k.Clear, n.All(),
	}
}
