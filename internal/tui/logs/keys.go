package logs

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/widget"
)

// KeyMap has the page's keys.
type KeyMap struct {
	Search, Older, Newer, Follow, Level, Name, Wrap, Left, Right, Clear, History key.Binding
	Move                                                                         widget.Navigation
}

func newKeyMap() KeyMap {
	bind := func(help, desc string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
	}
	return KeyMap{
		Search:  bind("/", "search: highlights as you type", "/"),
		Older:   bind("n", "older: next match", "n"),
		Newer:   bind("N", "newer: previous match", "N"),
		Follow:  bind("F", "follow: the newest line, again", "F", "end"),
		Level:   bind("v", "level: INFO and above, WARNING, ERROR, everything", "v"),
		Name:    bind("s", "same name: as the marked line only", "s"),
		Wrap:    bind("w", "wrap: long lines, or scroll them", "w"),
		Left:    bind("← →", "sideways: along long lines, also h L", "left", "h"),
		Right:   bind("→", "sideways", "right", "L"),
		Clear:   bind("esc", "back: ends history, search and filters", "esc"),
		History: bind("enter", "all history: searches it; in what it finds, shows the lines around", "enter"),
		Move:    widget.NewNavigation(),
	}
}

// sideways is how far one key scrolls long lines.
const sideways = 20

// Kind is what the page wants of the root model.
type Kind int

// Kinds of actions.
const (
	None   Kind = iota
	Older       // Ask must be put to the log aggregator
	Leave       // back to where Show was asked for
	Refuse      // it could not be done: Why
)

// Action is what a key, or an answer, leads to.
type Action struct {
	Kind Kind
	Ask  Ask
	Why  string
}

// Typing tells whether keys are text now.
func (m *Model) Typing() bool { return m.prompt != nil }

// Update takes a key or a paste.
func (m *Model) Update(msg tea.Msg) Action {
	if m.prompt != nil {
		m.typed(msg)
		return Action{}
	}
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return Action{}
	}
	pane := m.pane()
	m.miss = false
	switch {
	case key.Matches(k, m.Keys.Search):
		m.prompt = widget.NewPrompt(m.theme, "/", pane.Query())
	case key.Matches(k, m.Keys.Older):
		m.miss = !pane.Older()
		if m.miss && m.past != nil {
			return m.goOn()
		}
	case key.Matches(k, m.Keys.Newer):
		m.miss = !pane.Newer()
	case key.Matches(k, m.Keys.Wrap):
		pane.SetWrap(!pane.Wrapped())
	case key.Matches(k, m.Keys.Left):
		pane.Sideways(-sideways)
	case key.Matches(k, m.Keys.Right):
		pane.Sideways(sideways)
	case key.Matches(k, m.Keys.Follow):
		m.past = nil
		m.live.Follow(true)
	case key.Matches(k, m.Keys.History):
		return m.history()
	case key.Matches(k, m.Keys.Clear):
		return m.back()
	default:
		return m.choose(k)
	}
	return Action{}
}

// back undoes one thing: the view of the past, then search and filters, then that the page was asked for.
func (m *Model) back() Action {
	changed := m.live.Query() != "" || m.live.Filter() != m.whose
	switch {
	case m.past != nil:
		m.leave()
	case m.whose != (widget.LogFilter{}) && changed:
		m.live.Search("")
		m.live.SetFilter(m.whose)
	default:
		left := m.whose != (widget.LogFilter{})
		m.whose = widget.LogFilter{}
		m.live.Search("")
		m.live.SetFilter(widget.LogFilter{Level: atFirst})
		if left {
			return Action{Kind: Leave}
		}
	}
	return Action{}
}

// choose answers the keys that filter or move.
func (m *Model) choose(k tea.KeyPressMsg) Action {
	f := m.pane().Filter()
	switch {
	case key.Matches(k, m.Keys.Level):
		f.Level = widget.NextLevel(f.Level)
	case key.Matches(k, m.Keys.Name):
		l := m.pane().Current()
		switch {
		case f.Name != "":
			f.Name = ""
		case l != nil:
			f.Name = l.Name
		}
	default:
		return m.move(k)
	}
	if m.past != nil {
		return m.refilter(f)
	}
	m.live.SetFilter(f)
	return Action{}
}

// move moves the cursor. Above the first line the past begins, below the last line of the past the present.
func (m *Model) move(k tea.KeyPressMsg) Action {
	pane := m.pane()
	delta, home, _, ok := m.Keys.Move.Step(k, pane.Height())
	switch {
	case home:
		pane.Home()
	case ok:
		pane.Move(delta)
	}
	up := home || delta < 0
	on, _ := pane.Following()
	switch {
	case up && (pane.Len() == 0 || !on && pane.AtTop()):
		return m.beyond()
	case m.past != nil && m.past.seamless && on:
		m.past = nil
		m.live.Follow(true)
	}
	return Action{}
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
			m.pane().Search("")
			return
		}
	}
	m.prompt.Update(msg)
	m.miss = !m.pane().Search(m.prompt.Value())
}

// Footer returns the keys worth a place at the bottom of the screen, the most useful first.
func (m *Model) Footer() []key.Binding {
	k := m.Keys
	keys := []key.Binding{k.Search, k.Level, k.Name, k.Wrap}
	if m.pane().Query() != "" {
		history := k.History
		if m.past != nil && m.past.ask.Search != "" {
			history.SetHelp("enter", "lines around")
		}
		keys = append([]key.Binding{k.Older, k.Newer, history}, keys...)
	}
	if on, _ := m.live.Following(); !on || m.past != nil {
		keys = append([]key.Binding{k.Follow}, keys...)
	}
	return append(keys, k.Left)
}

// Help returns all keys.
func (m *Model) Help() []key.Binding {
	k, n := m.Keys, m.Keys.Move
	move := n.All()
	move.SetHelp(move.Help().Key, move.Help().Desc+"; above the first line the past begins")
	return []key.Binding{
		k.Search, k.Older, k.Newer, k.History, k.Follow, k.Level, k.Name, k.Wrap, k.Left, k.Clear, move,
	}
}
