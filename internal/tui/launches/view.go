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

// mark is the mark of a launch's state, toned down for what was launched again.
func (a Again) mark(t *theme.Theme, l *launch.Launch) (string, theme.Style) {
	mark, style := t.State(l.State)
	if a[l.ID] != nil && l.State.Bad() {
		style = t.Faint
	}
	return mark, style
}

// View draws the page as of now, in the time zone of now.
func (m *Model) View(now time.Time) []string {
	out := make([]string, 0, m.height)
	table := widget.Table{Theme: m.theme, Columns: m.columns(now)}
	if m.prompt != nil {
		out = append(out, m.prompt.View(m.width))
	} else {
		out = append(out, table.Header(m.width))
	}
	rows, log := m.tableRows()
	out = append(out, m.drawRows(&table, rows, now)...)
	out = append(out, m.why(now)...)
	if log > 0 {
		out = append(out, m.logHeading())
		lines := m.log.View(now.Location(), false)
		if m.log.Len() == 0 {
			lines[0] = m.theme.Faint.Paint(widget.Fit("  "+m.nothingLogged(), m.width, m.theme.Mark.Cut))
		}
		out = append(out, lines...)
	}
	return out
}

// title says what is listed.
func (m *Model) title() string {
	shown := 0
	for _, r := range m.rows {
		if r.launch != nil {
			shown++
		}
	}
	title := plural(len(m.all), "launch", "launches")
	if shown != len(m.all) {
		title = fmt.Sprintf("%d of %s", shown, title)
	}
	var filters []string
	if m.show != All {
		filters = append(filters, m.show.String()+" only")
	}
	if m.text != "" {
		filters = append(filters, "with "+widget.Clean(m.text))
	}
	if len(filters) > 0 {
		title += ", " + strings.Join(filters, ", ") + " (esc: all)"
	}
	return title
}

// arguments is the title of the column of arguments, with what is listed.
func (m *Model) arguments() string {
	if m.show != All || m.text != "" {
		return m.title()
	}
	return "ARGUMENTS (" + m.title() + ")"
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
		var cells []widget.Cell
		if b := m.rows[i].barrier; b != nil {
			cells = m.barrierCells(b, now)
		} else {
			cells = m.cells(m.rows[i].launch, now)
		}
		out = append(out, table.Row(cells, widths, m.width, selected))
	}
	for len(out) < height {
		out = append(out, widget.Blank(m.width))
	}
	return out
}

func (m *Model) empty() string {
	if len(m.all) == 0 {
		if !m.Known {
			return "Not known yet."
		}
		return "No launches yet. The first will appear here by itself."
	}
	if m.show == Failed && m.text == "" {
		return "No launch has failed. esc shows all."
	}
	return "No launch matches. esc shows all."
}

// why says under a heading how the selected row stands and what caused it.
func (m *Model) why(now time.Time) []string {
	title, standing, from := "", "", ""
	style := m.theme.Plain
	if m.scroll.Cursor < len(m.rows) {
		if b := m.rows[m.scroll.Cursor].barrier; b != nil {
			title, standing, from = "barrier, "+b.String(), b.holds(), "opened because of "+b.Cause
		} else {
			l := m.rows[m.scroll.Cursor].launch
			title, standing, from = Title(l), m.again.Standing(l, now), origin(l)
			_, style = m.again.mark(m.theme, l)
		}
	}
	return []string{
		widget.Heading(m.theme, title, "", m.width),
		style.Paint(widget.Fit(widget.Clean(" "+standing), m.width, m.theme.Mark.Cut)),
		m.theme.Faint.Paint(widget.Fit(widget.Clean(" "+from), m.width, m.theme.Mark.Cut)),
	}
}

// logHeading says whose log is below.
func (m *Model) logHeading() string {
	f := m.log.Filter()
	if f.Launch != 0 {
		remark := "m log of all"
		if l := m.Selected(); l != nil && l.State.Bad() { // often it said why, and logged nothing
			remark = "o what it printed  " + remark
		}
		return widget.Heading(m.theme, "its log", remark, m.width)
	}
	remark := "v level"
	if m.Selected() != nil {
		remark += "  m its own log"
	}
	return widget.Heading(m.theme, "log of all"+widget.AndAbove(f.Level), remark, m.width)
}

// nothingLogged is what stands where a log is empty.
func (m *Model) nothingLogged() string {
	if l := m.Selected(); l != nil && m.log.Filter().Launch != 0 && l.State.Final() {
		return "It has logged nothing that is kept here. o shows what it printed."
	}
	return "Nothing logged yet."
}
