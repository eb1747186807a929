// Package schedule is the console's fourth page: what the scheduler will launch, when, and what became of the last due
// times.
//
// The page owns its cursor; the entries belong to the mirror and are handed in by Set. Keys that would change anything
// become an Action for the root model, which asks first.
package schedule

import (
	"cmp"
	"slices"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// Entry is an entry of scheduled workers.
type Entry struct {
	ID       string
	Worker   launch.NextWorker
	When     string    // in words
	Timezone string    // "" local time
	Missed   string    // what becomes of due times while the scheduler is down: run, skip or report
	Next     time.Time // zero if it is not due
	Held     bool
	Problem  string // why nothing can be launched for it, or has not been yet
	Runs     []Run  // oldest first
}

// Run is what became of one due time.
type Run struct {
	Due, Time time.Time
	Launch    int64 // 0: nothing was launched
	Author    string
	Note      string

	State    launch.State // of the launch; "" if it is not known any more
	Standing string       // how it stands, and why
}

// Model is the page.
type Model struct {
	Keys  KeyMap
	Known bool // a scheduler has said which entries there are
	Alive bool // it is heard: if it is not, what is due may not be launched

	theme   *theme.Theme
	entries []Entry // those with a problem, then by next due time
	scroll  widget.Scroll
	width   int
	height  int
}

// New returns the page, with nothing on it.
func New(t *theme.Theme) *Model { return &Model{Keys: newKeyMap(), theme: t} }

// Set hands in the entries, in the order of the file. The cursor stays with its entry.
func (m *Model) Set(entries []Entry) {
	was := m.Selected()
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), a.Next.Compare(b.Next))
	})
	m.entries = entries
	m.layout()
	if was == nil {
		return
	}
	if i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == was.ID }); i >= 0 {
		m.scroll.MoveTo(i)
	}
}

// rank is where in the list an entry stands: first what somebody must see to, last what is never due.
func rank(e *Entry) int {
	switch {
	case e.Problem != "":
		return 0
	case e.Next.IsZero():
		return 2
	}
	return 1
}

// Selected returns the entry under the cursor, nil if there is none.
func (m *Model) Selected() *Entry {
	if m.scroll.Cursor < len(m.entries) {
		return &m.entries[m.scroll.Cursor]
	}
	return nil
}

// Find returns an entry by its id, nil if there is none.
func (m *Model) Find(id string) *Entry {
	for i := range m.entries {
		if m.entries[i].ID == id {
			return &m.entries[i]
		}
	}
	return nil
}

// last returns the newest run, nil if there is none.
func (e *Entry) last() *Run {
	if len(e.Runs) == 0 {
		return nil
	}
	return &e.Runs[len(e.Runs)-1]
}

// SetSize tells how much room the page has.
func (m *Model) SetSize(width, height int) {
	m.width, m.height = width, height
	m.layout()
}

// Heights of the parts of the page.
const (
	headRows = 1 // column titles
	whyRows  = 3 // heading, when, last run
)

func (m *Model) layout() { m.scroll.SetSize(len(m.entries), m.height-headRows-whyRows) }
