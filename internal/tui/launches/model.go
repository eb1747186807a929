// Package launches is the console's first page: what was launched, how it stands, why, and the log of the one that
// is looked at.
//
// The page owns its cursor, filter and scroll; the launches belong to the mirror and are handed in by Set. Keys that would
// change anything become an Action for the root model, which asks first.
package launches

import (
	"log/slog"
	"slices"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// Show is which launches are listed.
type Show int

// What the filter key goes through.
const (
	All    Show = iota
	Failed      // ended badly, and nobody wanted it to
	Active      // not ended
	shows
)

func (s Show) String() string { return [...]string{"all", "failed", "running"}[s] }

func (s Show) accepts(l *launch.Launch) bool {
	return s == All || s == Active && !l.State.Final() || s == Failed && failed(l)
}

// row is a line of the list: a barrier or a launch.
type row struct {
	barrier *Barrier
	launch  *launch.Launch
}

// Model is the page.
type Model struct {
	Keys  KeyMap
	Known bool // a manager has said which launches there are

	theme    *theme.Theme
	all      []*launch.Launch // newest first
	again    Again
	late     map[int64]bool // launches that run longer than they should
	now      time.Time      // when all was handed in
	barriers []Barrier
	rows     []row
	worker   int // cells of the longest worker name
	host     int // and of the longest host
	scroll   widget.Scroll
	newest   bool // the cursor keeps to the newest launch, until it is moved or used
	show     Show
	text     string // filter, lower case
	prompt   *widget.Prompt
	log      *widget.LogPane
	merged   bool       // the log of all under the table, whatever is selected
	own      bool       // the log of the selected launch; neither: of one that failed its own, else that of all
	level    slog.Level // of the log of all; a launch's own log is shown whole
	width    int
	height   int
}

// New returns the page; its log is a view of buf.
func New(t *theme.Theme, buf *widget.LogBuffer) *Model {
	return &Model{Keys: newKeyMap(), theme: t, log: widget.NewLogPane(t, buf), level: slog.LevelInfo, newest: true}
}

// Set hands in the launches, newest first, which of them were launched again, which are late, and the open barriers, as of now.
// The cursor stays with its launch, or with the first.
func (m *Model) Set(all []*launch.Launch, again Again, late map[int64]bool, barriers []Barrier, now time.Time) {
	m.all, m.again, m.late, m.barriers, m.now = all, again, late, barriers, now
	m.worker, m.host = 0, 0
	for _, l := range all {
		m.worker, m.host = max(m.worker, len(l.Name())), max(m.host, len(l.Host))
	}
	m.list()
}

// Sync takes in new log lines.
func (m *Model) Sync() { m.log.Sync() }

// Selected returns the launch under the cursor, nil if there is none.
func (m *Model) Selected() *launch.Launch {
	if m.scroll.Cursor < len(m.rows) {
		return m.rows[m.scroll.Cursor].launch
	}
	return nil
}

// list makes the rows anew and puts the cursor where it was.
func (m *Model) list() {
	var was row
	if m.scroll.Cursor < len(m.rows) {
		was = m.rows[m.scroll.Cursor]
	}
	m.rows = make([]row, 0, len(m.barriers)+len(m.all))
	m.listLaunches(urgent)
	for i := range m.barriers {
		if b := &m.barriers[i]; m.show != Failed && m.matches(b.String()) {
			m.rows = append(m.rows, row{barrier: b})
		}
	}
	m.listLaunches(underway)
	m.listLaunches(over)
	m.layout()
	stay := func(r row) bool { return same(r, was) }
	if m.newest {
		stay = isLaunch
	}
	if i := slices.IndexFunc(m.rows, stay); i >= 0 {
		m.scroll.MoveTo(i)
	}
	m.follow()
}

func (m *Model) listLaunches(p place) {
	for _, l := range m.all {
		if m.again.place(l, m.now) == p && m.show.accepts(l) && m.matchesLaunch(l) {
			m.rows = append(m.rows, row{launch: l})
		}
	}
}

func isLaunch(r row) bool { return r.launch != nil }

func same(a, b row) bool {
	return a.launch != nil && b.launch != nil && a.launch.ID == b.launch.ID ||
		a.barrier != nil && b.barrier != nil && a.barrier.ID == b.barrier.ID
}

func (m *Model) matches(s string) bool { return m.text == "" || widget.IndexFold(s, m.text) >= 0 }

func (m *Model) matchesLaunch(l *launch.Launch) bool {
	if m.text == "" || m.matches(l.Waits) || m.matches(l.Module) || m.matches(l.Host) || m.matches(string(l.State)) || m.matches(l.Cause) {
		return true
	}
	return slices.ContainsFunc(l.Args, m.matches)
}

// showsOwn tells whether the log under the table is that of the selected launch. Whoever looks at a launch that failed
// wants to know why.
func (m *Model) showsOwn() bool {
	l := m.Selected()
	return l != nil && !m.merged && (m.own || l.State.Bad())
}

// follow makes the log under the table that of the selected launch.
func (m *Model) follow() {
	want := widget.LogFilter{Level: m.level}
	if m.showsOwn() {
		want = LogOf(m.Selected())
	}
	if m.log.Filter() != want {
		m.log.SetFilter(want)
		m.log.Follow(true)
	}
}

// LogOf chooses the log lines of a launch.
func LogOf(l *launch.Launch) widget.LogFilter {
	f := widget.LogFilter{Level: slog.LevelDebug, Launch: l.ID, Worker: l.Name()}
	f.From, f.To = l.LogSpan()
	return f
}

// SetSize tells how much room the page has.
func (m *Model) SetSize(width, height int) {
	m.width, m.height = width, height
	m.layout()
}

// Heights of the parts of the page.
const (
	headRows   = 1  // column titles
	whyRows    = 3  // heading, why, cause
	logHead    = 1  // heading of the log
	leastSplit = 15 // below this height the table has the page to itself
)

// tableRows returns how many rows of the list are shown, and how many of the log.
func (m *Model) tableRows() (table, log int) {
	if m.height < leastSplit {
		return max(m.height-headRows-whyRows, 1), 0
	}
	table = min(max(m.height*9/20, 5), max(len(m.rows), 5))
	return table, m.height - headRows - table - whyRows - logHead
}

func (m *Model) layout() {
	table, log := m.tableRows()
	m.scroll.SetSize(len(m.rows), table)
	m.log.SetSize(m.width, log)
}
