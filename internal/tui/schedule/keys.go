package schedule

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/widget"
)

// KeyMap has the page's keys.
type KeyMap struct {
	Details, Run, Hold, Logs key.Binding
	Move                     widget.Navigation
}

func newKeyMap() KeyMap {
	bind := func(k, desc string) key.Binding { return key.NewBinding(key.WithKeys(k), key.WithHelp(k, desc)) }
	return KeyMap{
		Details: bind("enter", "details: its last runs, time zone, what becomes of missed due times"),
		Run:     bind("r", "run now: beside what is due later"),
		Hold:    bind("h", "hold: nothing is launched for it; again to let it go on"),
		Logs:    bind("l", "log: of its worker, on page 3"),
		Move:    widget.NewNavigation(),
	}
}

// AboutEntry tells whether k does something with the selected entry.
func (m KeyMap) AboutEntry(k tea.KeyPressMsg) bool { return key.Matches(k, m.Run, m.Hold, m.Logs) }

// Kind is what an operator wants.
type Kind int

// Kinds of actions. The root model carries them out; those that change something it asks about first.
const (
	None    Kind = iota
	Details      // of Entry
	RunNow       // Entry now
	Hold         // Entry, or let it go on
	Logs         // of Entry's worker
	Refuse       // nothing can be done: Why
)

// Action is what a key asks for.
type Action struct {
	Kind  Kind
	Entry *Entry
	Why   string
}

// Update takes a key.
func (m *Model) Update(msg tea.Msg) Action {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok || m.scroll.Key(m.Keys.Move, k) {
		return Action{}
	}
	var kind Kind
	switch {
	case key.Matches(k, m.Keys.Details):
		kind = Details
	case key.Matches(k, m.Keys.Run):
		kind = RunNow
	case key.Matches(k, m.Keys.Hold):
		kind = Hold
	case key.Matches(k, m.Keys.Logs):
		kind = Logs
	default:
		return Action{}
	}
	e := m.Selected()
	switch {
	case e == nil:
		return Action{Kind: Refuse, Why: "no entry is selected"}
	case e.Worker.Module == "" && kind != Details:
		return Action{Kind: Refuse, Why: e.ID + " names no worker: " + e.Problem}
	}
	return Action{Kind: kind, Entry: e}
}

// Footer returns the keys worth a place at the bottom of the screen, the most useful first.
func (m *Model) Footer() []key.Binding {
	if len(m.entries) == 0 {
		return nil
	}
	return append([]key.Binding{m.Keys.Details}, m.About()...)
}

// About returns the keys that do something with the selected entry, as it stands.
func (m *Model) About() []key.Binding {
	hold := m.Keys.Hold
	if e := m.Selected(); e != nil && e.Held {
		hold.SetHelp("h", "let it go on")
	}
	return []key.Binding{m.Keys.Run, hold, m.Keys.Logs}
}

// Help returns all keys.
func (m *Model) Help() []key.Binding {
	k := m.Keys
	return []key.Binding{k.Details, k.Run, k.Hold, k.Logs, k.Move.All()}
}
