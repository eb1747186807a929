package launches

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// Title names a launch: number, worker, arguments, host.
func Title(l *launch.Launch) string {
	return widget.Clean(fmt.Sprintf("%d %s", l.ID, Command(l)))
}

// Command names what a launch runs and where.
func Command(l *launch.Launch) string {
	words := l.Name()
	if len(l.Args) > 0 {
		words += " " + widget.JoinWords(l.Args)
	}
	return widget.Clean(words + " on " + l.Host)
}

// From these widths on there is room for the host, for the cause, for the note. They are in the details at any width.
const (
	hostWidth  = 100
	causeWidth = 130
	noteWidth  = 160
)

// columns returns the table's columns for a width: what matters less appears where there is room.
func columns(width int) []widget.Column {
	c := []widget.Column{
		{Title: "STATE", Width: 11},
		{Title: "WORKER", Width: 16, Flex: 2},
		{Title: "ARGUMENTS", Width: 12, Flex: 5},
	}
	if width < hostWidth {
		return append(c, widget.Column{Title: "STARTED", Width: 8}, widget.Column{Title: "TOOK", Width: 7, Right: true})
	}
	c = append(c, widget.Column{Title: "HOST", Width: 12, Flex: 1},
		widget.Column{Title: "STARTED", Width: 11}, widget.Column{Title: "TOOK", Width: 7, Right: true})
	if width >= causeWidth {
		c = append(c, widget.Column{Title: "CAUSE", Width: 12, Flex: 3})
	}
	if width >= noteWidth {
		c = append(c, widget.Column{Title: "NOTE", Width: 12, Flex: 3})
	}
	return c
}

// StateMark returns the mark and the style of a state.
func StateMark(t *theme.Theme, s launch.State) (string, theme.Style) {
	switch s {
	case launch.Decided:
		return t.Mark.Wait, t.Faint
	case launch.Starting:
		return t.Mark.Start, t.Busy
	case launch.Running:
		return t.Mark.Busy, t.Busy
	case launch.Succeeded:
		return t.Mark.Good, t.Good
	case launch.Lost:
		return t.Mark.Lost, t.Bad
	}
	return t.Mark.Bad, t.Bad
}

// View draws the page as of now, in the time zone of now.
func (m *Model) View(now time.Time) []string {
	out := make([]string, 0, m.height)
	out = append(out, m.heading())
	table := widget.Table{Theme: m.theme, Columns: columns(m.width)}
	out = append(out, table.Header(m.width))
	rows, log := m.tableRows()
	out = append(out, m.drawRows(&table, rows, now)...)
	out = append(out, m.why(now)...)
	if log > 0 {
		lines := m.log.View(now.Location(), false)
		if m.log.Len() == 0 {
			lines[0] = m.theme.Faint.Paint(widget.Fit("  Nothing logged yet.", m.width, m.theme.Mark.Cut))
		}
		out = append(out, lines...)
	}
	return out
}

// heading says what is listed.
func (m *Model) heading() string {
	shown := 0
	for _, r := range m.rows {
		if r.launch != nil {
			shown++
		}
	}
	if m.prompt != nil {
		return m.prompt.View(m.width)
	}
	title := plural(len(m.all), "launch", "launches")
	if shown != len(m.all) {
		title = fmt.Sprintf("%d of %s", shown, title)
	}
	var filters []string
	if m.show != All {
		filters = append(filters, m.show.String()+" only (f)")
	}
	if m.text != "" {
		filters = append(filters, "/"+widget.Clean(m.text))
	}
	if len(filters) > 0 {
		filters = append(filters, "esc shows all")
	}
	return widget.Heading(m.theme, title, strings.Join(filters, "  "), m.width)
}

// drawRows draws the rows in sight.
func (m *Model) drawRows(table *widget.Table, height int, now time.Time) []string {
	out := make([]string, 0, height)
	if len(m.rows) == 0 {
		out = append(out, m.theme.Faint.Paint(widget.Fit("  "+m.empty(), m.width, m.theme.Mark.Cut)))
	}
	widths := table.Widths(m.width)
	top, end := m.scroll.Window()
	for i := top; i < end; i++ {
		selected := i == m.scroll.Cursor
		if b := m.rows[i].barrier; b != nil {
			out = append(out, m.barrierRow(b, selected, now))
			continue
		}
		out = append(out, table.Row(m.cells(m.rows[i].launch, now), widths, m.width, selected))
	}
	for len(out) < height {
		out = append(out, widget.Blank(m.width))
	}
	return out
}

func (m *Model) empty() string {
	if len(m.all) == 0 {
		return "No launches yet. A worker appears here the moment the manager decides to launch it."
	}
	return "No launch matches. esc shows all."
}

func (m *Model) barrierRow(b *Barrier, selected bool, now time.Time) string {
	text := fmt.Sprintf(" %s %s, since %s (b releases)", m.theme.Mark.Wait, b, widget.Clock(b.Opened.In(now.Location()), now))
	text = widget.Fit(widget.Clean(text), m.width, m.theme.Mark.Cut)
	if selected {
		return m.theme.Selected.Paint(text)
	}
	return m.theme.Warn.Paint(text)
}

// cells returns the cells of a launch, in the order of columns.
func (m *Model) cells(l *launch.Launch, now time.Time) []widget.Cell {
	mark, style := StateMark(m.theme, l.State)
	faint := m.theme.Faint
	cells := []widget.Cell{
		{Text: mark + " " + string(l.State), Style: style},
		{Text: widget.Clean(l.Name())},
		{Text: widget.Clean(widget.JoinWords(l.Args))},
	}
	clock, took := when(l, now)
	if m.width < hostWidth {
		if len(clock) > 8 {
			clock = clock[:5] // the day will do
		}
		return append(cells, widget.Cell{Text: clock, Style: faint}, widget.Cell{Text: took})
	}
	host := widget.Cell{Text: widget.Clean(l.Host)}
	if l.Host == launch.Localhost {
		host.Style = faint
	}
	cells = append(cells, host, widget.Cell{Text: clock, Style: faint}, widget.Cell{Text: took})
	if m.width >= causeWidth {
		cells = append(cells, widget.Cell{Text: widget.Clean(l.Cause), Style: faint})
	}
	if m.width >= noteWidth {
		cells = append(cells, widget.Cell{Text: widget.Clean(l.Note), Style: style})
	}
	return cells
}

// when says when a launch started, or was decided, and how long it has taken.
func when(l *launch.Launch, now time.Time) (clock, took string) {
	if l.Started == nil {
		return widget.Clock(l.Decided.In(now.Location()), now), ""
	}
	return widget.Clock(l.Started.In(now.Location()), now), widget.Duration(l.Duration(now))
}

// why says in two lines under a heading how the selected row stands and what caused it.
func (m *Model) why(now time.Time) []string {
	remark := "log of all"
	switch {
	case !m.merged && m.Selected() != nil:
		remark = "its log, m: of all"
	case m.Selected() != nil:
		remark = "log of all, m: its own"
	}
	title, standing, from := "", "", ""
	style := m.theme.Plain
	if m.scroll.Cursor < len(m.rows) {
		if b := m.rows[m.scroll.Cursor].barrier; b != nil {
			title, standing, from = "barrier", b.holds(), "opened because of "+b.Cause
		} else {
			l := m.rows[m.scroll.Cursor].launch
			title, standing, from = Title(l), Standing(l, now), origin(l)
			_, style = StateMark(m.theme, l.State)
		}
	}
	return []string{
		widget.Heading(m.theme, title, remark, m.width),
		style.Paint(widget.Fit(widget.Clean(" "+standing), m.width, m.theme.Mark.Cut)),
		m.theme.Faint.Paint(widget.Fit(widget.Clean(" "+from), m.width, m.theme.Mark.Cut)),
	}
}
