// Package alerts is the console's fifth page: the troubles that last, who has them in hand, what followed from each, and those
// that have ended lately.
//
// The page owns its cursor, its scroll and what is folded out; the incidents belong to the mirror and are handed in by Set. Keys
// that would change anything become an Action for the root model, which asks first.
package alerts

import (
	"cmp"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// Item is an incident or, with the ID 0, an alert that no alerter has made one of.
type Item struct {
	feed.Incident
	InHand string // what is being done about its cause, e.g. "relaunched as 8, which is running"; "" nothing that is known
	Does   string // what the command it offers would do, in a few words; "" it offers nothing

	ConsequenceDoes []string // the same of each consequence
}

// Identity names an alert for good, before and after the alerter made an incident of it.
type Identity struct {
	source, key string
	at          int64
}

// IdentityOf returns the identity of a daemon's alert.
func IdentityOf(source string, a *engine.Alert) Identity {
	return Identity{source, a.Key, a.Time.UnixNano()}
}

// Identity returns the item's.
func (it *Item) Identity() Identity { return IdentityOf(it.Source, &it.Alert) }

// standing is where in the list an item is.
type standing int

const (
	open   standing = iota // it lasts, and nobody has said that he knows
	inHand                 // acknowledged, snoozed, or being dealt with
	ended
	standings
)

func (it *Item) standing(now time.Time) standing {
	switch {
	case !it.Open():
		return ended
	case it.Acknowledged != nil || it.snoozed(now) || it.InHand != "":
		return inHand
	}
	return open
}

func (it *Item) snoozed(now time.Time) bool { return it.Snoozed != nil && it.Snoozed.Until.After(now) }

// Kept is how long one that has ended is shown: a night shift has no midnight.
const Kept = 24 * time.Hour

// row is a line of the list: an item, or a consequence of one.
type row struct {
	item        *Item
	consequence int // -1: the item itself
}

// alert is what the row is about.
func (r row) alert() *engine.Alert {
	if r.consequence >= 0 {
		return &r.item.Consequences[r.consequence]
	}
	return &r.item.Alert
}

// does says what the row's alert offers.
func (r row) does() string {
	switch {
	case r.consequence < 0:
		return r.item.Does
	case r.consequence < len(r.item.ConsequenceDoes):
		return r.item.ConsequenceDoes[r.consequence]
	}
	return ""
}

// Model is the page.
type Model struct {
	Keys  KeyMap
	Known bool // somebody has said which alerts there are

	theme    *theme.Theme
	items    []Item // in the order of the list
	count    [standings]int
	unfolded map[Identity]bool
	rows     []row
	scroll   widget.Scroll
	moved    bool // the cursor keeps to its item; before, to the first
	width    int
	height   int
}

// New returns the page, with nothing on it.
func New(t *theme.Theme) *Model {
	return &Model{Keys: newKeyMap(), theme: t, unfolded: map[Identity]bool{}}
}

// Set hands in the items as of now. The cursor stays with its item.
func (m *Model) Set(items []Item, now time.Time) {
	var was row
	if m.scroll.Cursor < len(m.rows) {
		was = m.rows[m.scroll.Cursor]
	}
	m.items, m.count = items, [standings]int{}
	slices.SortStableFunc(m.items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.standing(now), b.standing(now)), b.when().Compare(a.when()))
	})
	for i := range m.items {
		m.count[m.items[i].standing(now)]++
	}
	m.list()
	if was.item == nil || !m.moved {
		return
	}
	id := was.item.Identity()
	if i := slices.IndexFunc(m.rows, func(r row) bool { return r.item.Identity() == id && r.consequence == was.consequence }); i >= 0 {
		m.scroll.MoveTo(i)
	}
}

// Fresh returns those that last and that nobody has in hand, newest first.
func (m *Model) Fresh(now time.Time) []*Item {
	var fresh []*Item
	for i := range m.items {
		if it := &m.items[i]; it.standing(now) == open {
			fresh = append(fresh, it)
		}
	}
	return fresh
}

// when is the time by which an item is ordered: the newest comes first.
func (it *Item) when() time.Time {
	if it.Ended != nil {
		return *it.Ended
	}
	return it.Time
}

// list makes the rows anew.
func (m *Model) list() {
	m.rows = m.rows[:0]
	for i := range m.items {
		it := &m.items[i]
		m.rows = append(m.rows, row{it, -1})
		if !m.unfolded[it.Identity()] {
			continue
		}
		for c := range it.Consequences {
			m.rows = append(m.rows, row{it, c})
		}
	}
	m.layout()
}

// Find returns the item with this identity, nil if there is none any more.
func (m *Model) Find(id Identity) *Item {
	for i := range m.items {
		if m.items[i].Identity() == id {
			return &m.items[i]
		}
	}
	return nil
}

// SetSize tells how much room the page has.
func (m *Model) SetSize(width, height int) {
	m.width, m.height = width, height
	m.layout()
}

// Heights of the parts of the page.
const (
	headRows    = 1 // column titles
	messageRows = 2 // of the selected one
	whyRows     = 1 + messageRows + 1
)

func (m *Model) layout() { m.scroll.SetSize(len(m.rows), m.height-headRows-whyRows) }
