package alerts

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/engine"
	"nowcast/internal/tui/widget"
)

// KeyMap has the page's keys.
type KeyMap struct {
	Details, Fold, Acknowledge, Snooze, Close, Logs, Offer key.Binding
	Move                                                   widget.Navigation
}

func newKeyMap() KeyMap {
	bind := func(desc string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(keys[0], desc))
	}
	k := KeyMap{
		Details:     bind("details: all of it, who was told and what has not arrived", "enter"),
		Fold:        bind("fold: what follows from it, out or in", "space", "left", "right"),
		Acknowledge: bind("acknowledge: you know of it; nobody is reminded of it any more", "a"),
		Snooze:      bind("snooze: nobody is told of it for a while", "z"),
		Close:       bind("close: it is over, though nowcast cannot know that", "c"),
		Logs:        bind("log: of its launch or worker, on page 3", "l"),
		Offer:       bind("do: the command that it offers", "r", "g"),
		Move:        widget.NewNavigation(),
	}
	k.Move.PageDown.SetKeys("pgdown", "ctrl+f") // space folds
	return k
}

// AboutAlert tells whether k does something with the selected alert.
func (m KeyMap) AboutAlert(k tea.KeyPressMsg) bool {
	return key.Matches(k, m.Acknowledge, m.Snooze, m.Close, m.Logs, m.Offer)
}

// Kind is what an operator wants.
type Kind int

// Kinds of actions. The root model carries them out; those that change something it asks about first.
const (
	None        Kind = iota
	Details          // of Item
	Acknowledge      // Item
	Snooze           // Item
	Close            // Item
	Logs             // of what Alert is about
	Offer            // what Alert offers
	Leave            // the page, to where the operator came from
	Refuse           // nothing can be done: Why
)

// Action is what a key asks for. Alert is Item's, or that of the selected consequence.
type Action struct {
	Kind  Kind
	Item  *Item
	Alert *engine.Alert
	Why   string
}

// Update takes a key.
func (m *Model) Update(msg tea.Msg) Action {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return Action{}
	}
	if m.scroll.Key(m.Keys.Move, k) {
		m.moved = m.scroll.Cursor > 0
		return Action{}
	}
	var kind Kind
	switch {
	case k.String() == "esc":
		return Action{Kind: Leave}
	case key.Matches(k, m.Keys.Fold):
		m.fold()
		return Action{}
	case key.Matches(k, m.Keys.Details):
		kind = Details
	case key.Matches(k, m.Keys.Acknowledge):
		kind = Acknowledge
	case key.Matches(k, m.Keys.Snooze):
		kind = Snooze
	case key.Matches(k, m.Keys.Close):
		kind = Close
	case key.Matches(k, m.Keys.Logs):
		kind = Logs
	case key.Matches(k, m.Keys.Offer):
		kind = Offer
	default:
		return Action{}
	}
	m.moved = true // what is being dealt with must not slip away
	return m.act(kind)
}

// act is about the selected row.
func (m *Model) act(kind Kind) Action {
	if m.scroll.Cursor >= len(m.rows) {
		return Action{Kind: Refuse, Why: "there is no alert"}
	}
	r := m.rows[m.scroll.Cursor]
	a := Action{Kind: kind, Item: r.item, Alert: r.alert()}
	refuse := func(why string) Action { return Action{Kind: Refuse, Why: why} }
	switch changes := kind == Acknowledge || kind == Snooze || kind == Close; {
	case changes && !r.item.Open():
		return refuse("it has ended: there is nothing to acknowledge")
	case changes && r.item.ID == 0:
		return refuse("no alerter has taken it up, so nobody could be told who knows of it: is the alerter running? `nowcastd up CONFIG` runs one")
	case kind == Offer && r.does() == "":
		return refuse("this alert offers nothing")
	case kind == Logs && a.Alert.Launch == 0 && a.Alert.Worker == "":
		return refuse("it is about no launch and no worker: page 3 has the log of all")
	}
	return a
}

// fold folds out what follows from the selected item, or in again.
func (m *Model) fold() {
	if m.scroll.Cursor >= len(m.rows) {
		return
	}
	it := m.rows[m.scroll.Cursor].item
	id := it.Identity()
	m.moved = true
	switch {
	case m.unfolded[id]:
		delete(m.unfolded, id)
	case len(it.Consequences) > 0:
		m.unfolded[id] = true
	}
	m.list()
	for i, r := range m.rows {
		if r.item == it && r.consequence < 0 {
			m.scroll.MoveTo(i)
		}
	}
}

// Footer returns the keys worth a place at the bottom of the screen, the most useful first.
func (m *Model) Footer() []key.Binding {
	if len(m.rows) == 0 {
		return nil
	}
	keys := append([]key.Binding{m.Keys.Details}, m.About()...)
	if it := m.rows[m.scroll.Cursor].item; len(it.Consequences) > 0 {
		keys = append(keys, m.Keys.Fold)
	}
	return keys
}

// About returns the keys that do something with the selected alert, as it stands.
func (m *Model) About() []key.Binding {
	if m.scroll.Cursor >= len(m.rows) {
		return nil
	}
	var keys []key.Binding
	r := m.rows[m.scroll.Cursor]
	if r.item.Open() && r.item.ID != 0 {
		keys = append(keys, m.Keys.Acknowledge, m.Keys.Snooze, m.Keys.Close)
	}
	if does := r.does(); does != "" {
		offer := m.Keys.Offer
		offer.SetHelp("r", widget.Clean(does))
		keys = append(keys, offer)
	}
	if a := r.alert(); a.Launch != 0 || a.Worker != "" {
		keys = append(keys, m.Keys.Logs)
	}
	return keys
}

// Help returns all keys.
func (m *Model) Help() []key.Binding {
	k := m.Keys
	return []key.Binding{k.Details, k.Acknowledge, k.Snooze, k.Close, k.Offer, k.Logs, k.Fold, k.Move.All()}
}
