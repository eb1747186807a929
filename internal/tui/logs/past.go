package logs

import (
	"time"

	"nowcast/internal/tui/widget"
)

// pastLines is how many lines a view of the past holds: the live ones it begins with, and some thousand more. Where it is
// full, the newest make room.
const (
	pastLines = 25_000
	pastBytes = 32 << 20 // of their texts
)

// around is how much after a line is shown with it.
const around = time.Minute

// past is a view of older lines, filled in pages from its newest end towards the past.
type past struct {
	pane     *widget.LogPane
	buf      *widget.LogBuffer
	seamless bool  // its last line is the newest there is
	found    *past // the search that it shows the surroundings of, if it does
	ask      Ask   // the next question, or the one under way

	underway bool
	end      bool // there is nothing older
	failed   bool // the last question was not answered
	reached  time.Time
	target   time.Time              // go on until there is a line that is not newer; zero: until there is any
	have     map[widget.LogLine]int // lines of the time Until that are there already
}

// open begins a view of the past.
func (m *Model) open(f widget.LogFilter, search string, until time.Time) {
	buf := widget.NewLogBuffer(pastLines)
	m.past = &past{pane: widget.NewLogPane(m.theme, buf), buf: buf, ask: Ask{Filter: f, Search: search, Until: until}, have: map[widget.LogLine]int{}}
	m.past.pane.Dates = true
	m.past.pane.SetWrap(m.live.Wrapped())
	m.past.pane.SetFilter(f)
	m.SetSize(m.width, m.height)
}

// beyond goes above the first line: into the past, where the view begins with the live lines, or further.
func (m *Model) beyond() Action {
	if m.past != nil {
		return m.goOn()
	}
	query, lines := m.live.Query(), m.buf.Last(m.live.Filter(), m.buf.Len())
	m.open(m.live.Filter(), "", time.Time{})
	p := m.past
	p.seamless = true
	for i, l := range lines {
		if i == 0 {
			p.ask.Until = l.Time
		}
		if l.Time.Equal(p.ask.Until) {
			p.have[same(l)]++
		}
		p.buf.Append(*l)
	}
	p.pane.Sync()
	p.pane.Search(query)
	p.pane.Home()
	return m.goOn()
}

// history searches everything that is kept or, on a line that such a search has found, shows what is around it.
func (m *Model) history() Action {
	pane := m.pane()
	query := pane.Query()
	switch {
	case query == "":
		return Action{}
	case m.past == nil || m.past.ask.Search != query:
		m.open(pane.Filter(), query, time.Time{})
		m.past.pane.Search(query)
		return m.goOn()
	case pane.Current() == nil:
		return Action{}
	}
	return m.showAround(pane.Filter(), pane.Current().Time, query)
}

// showAround shows the lines about a time, from where esc leads back to what was found.
func (m *Model) showAround(f widget.LogFilter, t time.Time, query string) Action {
	found := m.past
	if found.ask.Search == "" {
		found = found.found
	}
	m.open(f, "", t.Add(around))
	m.past.found, m.past.target = found, t
	m.past.pane.Search(query)
	return m.goOn()
}

// refilter shows other lines of the past, about the same time.
func (m *Model) refilter(f widget.LogFilter) Action {
	p, l := m.past, m.past.pane.Current()
	switch {
	case p.ask.Search != "":
		query := p.pane.Query()
		m.open(f, p.ask.Search, time.Time{})
		m.past.pane.Search(query)
		return m.goOn()
	case l == nil:
		m.past = nil
		m.live.SetFilter(f)
		return m.beyond()
	}
	return m.showAround(f, l.Time, p.pane.Query())
}

// leave goes back to what was found, or to the live log.
func (m *Model) leave() {
	if m.past = m.past.found; m.past != nil {
		m.past.underway = false // an answer that came meanwhile was not taken in: home asks again
	}
}

// goOn asks for what is older, unless that was asked already or there is nothing.
func (m *Model) goOn() Action {
	p := m.past
	if p.underway || p.end {
		return Action{}
	}
	m.asked++
	p.underway, p.failed = true, false
	p.ask.Number = m.asked
	return Action{Kind: Older, Ask: p.ask}
}
