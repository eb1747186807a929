package widget

import "charm.land/bubbles/v2/key"

// Scroll is a cursor in a list of rows, and the window of rows that is shown.
type Scroll struct {
	Cursor int // 0 if there are no rows
	top    int
	rows   int
	height int
}

// SetSize tells how many rows there are and how many are shown. The cursor stays where it is if it can.
func (s *Scroll) SetSize(rows, height int) {
	s.rows, s.height = rows, max(height, 0)
	s.MoveTo(s.Cursor)
}

// MoveTo puts the cursor on a row, or the nearest that exists.
func (s *Scroll) MoveTo(row int) {
	s.Cursor = max(0, min(row, s.rows-1))
	s.top = max(0, min(s.top, s.rows-s.height))
	switch {
	case s.Cursor < s.top:
		s.top = s.Cursor
	case s.height > 0 && s.Cursor >= s.top+s.height:
		s.top = s.Cursor - s.height + 1
	}
}

// Window returns the rows that are shown: from top up to but without end.
func (s *Scroll) Window() (top, end int) { return s.top, min(s.rows, s.top+s.height) }

// Navigation keys, the same in every list.
type Navigation struct {
	Up, Down, PageUp, PageDown, Home, End key.Binding
}

// NewNavigation returns the navigation keys.
func NewNavigation() Navigation {
	bind := func(help, desc string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
	}
	return Navigation{
		Up: bind("↑/k", "up", "up", "k"), Down: bind("↓/j", "down", "down", "j"),
		PageUp: bind("pgup", "page up", "pgup", "ctrl+b"), PageDown: bind("pgdn", "page down", "pgdown", "ctrl+f", "space"),
		Home: bind("home", "first", "home"), End: bind("end", "last", "end"),
	}
}

// All names them in one line, for the help.
func (n Navigation) All() key.Binding {
	return key.NewBinding(key.WithKeys("up"), key.WithHelp("↑ ↓", "move, also k j; pgup pgdn by pages, home end to the ends"))
}

// Step tells where a key leads: rows to move, or to the first or last row.
func (n Navigation) Step(k interface{ String() string }, page int) (delta int, home, end, ok bool) {
	switch {
	case key.Matches(k, n.Up):
		return -1, false, false, true
	case key.Matches(k, n.Down):
		return 1, false, false, true
	case key.Matches(k, n.PageUp):
		return -max(page-1, 1), false, false, true
	case key.Matches(k, n.PageDown):
		return max(page-1, 1), false, false, true
	case key.Matches(k, n.Home):
		return 0, true, false, true
	case key.Matches(k, n.End):
		return 0, false, true, true
	}
	return 0, false, false, false
}

// Key moves the cursor if k is a navigation key, and tells whether it was one.
func (s *Scroll) Key(n Navigation, k interface{ String() string }) bool {
	delta, home, end, ok := n.Step(k, s.height)
	switch {
	case home:
		s.MoveTo(0)
	case end:
		s.MoveTo(s.rows - 1)
	case ok:
		s.MoveTo(s.Cursor + delta)
	}
	return ok
}
