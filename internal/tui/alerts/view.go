package alerts

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// From these widths on kind, worker and count have columns of their own, and who has it in hand.
const (
	columnsWidth  = 100
	standingWidth = 150
)

// View draws the page as of now, in the time zone of now.
func (m *Model) View(now time.Time) []string {
	table := widget.Table{Theme: m.theme, Columns: m.columns(now)}
	out := append(make([]string, 0, m.height), table.Header(m.width))
	if len(m.rows) == 0 {
		out = append(out, m.theme.Faint.Paint(widget.Fit("  "+m.empty(), m.width, m.theme.Mark.Cut)))
	}
	widths := table.Widths(m.width)
	top, end := m.scroll.Window()
	for i := top; i < end; i++ {
		out = append(out, table.Row(m.cells(m.rows[i], now), widths, m.width, i == m.scroll.Cursor))
	}
	for len(out) < m.height-whyRows {
		out = append(out, widget.Blank(m.width))
	}
	return append(out, m.why(now)...)
}

func (m *Model) empty() string {
	if !m.Known {
		return "Not known yet."
	}
	return "Nothing is wrong, and nothing was in the last 24 hours."
}

// title says how many there are of which standing.
func (m *Model) title() string {
	return fmt.Sprintf("%d open, %d in hand, %d ended in 24 h", m.count[open], m.count[inHand], m.count[ended])
}

func (m *Model) columns(now time.Time) []widget.Column {
	since := widget.Column{Title: "SINCE", Width: len("15:04:05")}
	for i := range m.items {
		if len(clock(m.items[i].Time, now)) > since.Width {
			since.Width = len("01-02 15:04")
		}
	}
	c := []widget.Column{{Title: "STATE", Width: 9}, since, {Title: "FOR", Width: 6, Right: true}}
	if m.width < columnsWidth {
		return append(c, widget.Column{Title: m.title(), Width: 12, Flex: 1})
	}
	kind, worker := len("KIND"), len("WORKER")
	for _, r := range m.rows {
		a := r.alert()
		kind, worker = max(kind, widget.Width(m.kind(r))), max(worker, widget.Width(widget.Clean(a.Worker)))
	}
	c = append(c, widget.Column{Title: "KIND", Width: min(kind, 24)}, widget.Column{Title: "WORKER", Width: min(worker, 22)},
		widget.Column{Title: "TIMES", Width: 5, Right: true}, widget.Column{Title: "MESSAGE (" + m.title() + ")", Width: 12, Flex: 3})
	if m.width >= standingWidth {
		c = append(c, widget.Column{Title: "WHO HAS IT, WHO WAS TOLD", Width: 12, Flex: 2})
	}
	return c
}

// cells returns the cells of a row, in the order of columns.
func (m *Model) cells(r row, now time.Time) []widget.Cell {
	it, a := r.item, r.alert()
	state, style := m.state(it, now), theme.Style{}
	lasted := it.lasted(now)
	if r.consequence >= 0 {
		state, style, lasted = widget.Cell{Text: "  follows", Style: m.theme.Faint}, m.theme.Faint, ""
	}
	cells := []widget.Cell{state, {Text: clock(a.Time, now), Style: m.theme.Faint}, {Text: lasted}}
	message := widget.Clean(brief(a))
	if m.width < columnsWidth {
		text := m.kind(r)
		if a.Count > 1 {
			text += fmt.Sprintf(" %dx", a.Count)
		}
		return append(cells, widget.Cell{Text: text + ": " + message, Style: style})
	}
	times := ""
	if a.Count > 1 {
		times = fmt.Sprint(a.Count)
	}
	cells = append(cells, widget.Cell{Text: m.kind(r), Style: style}, widget.Cell{Text: widget.Clean(a.Worker), Style: style},
		widget.Cell{Text: times}, widget.Cell{Text: message, Style: style})
	if m.width >= standingWidth {
		standing := widget.Cell{Text: it.Standing(now), Style: m.theme.Faint}
		if r.consequence >= 0 {
			standing.Text = ""
		}
		cells = append(cells, standing)
	}
	return cells
}

// kind is the kind with a mark that says whether consequences are folded under it; those are indented.
func (m *Model) kind(r row) string {
	mark := m.theme.Mark.Leaf
	switch {
	case r.consequence >= 0:
		return "    " + widget.Clean(r.alert().Kind)
	case m.unfolded[r.item.Identity()]:
		mark = m.theme.Mark.Open
	case len(r.item.Consequences) > 0:
		mark = m.theme.Mark.Closed
	}
	return mark + " " + widget.Clean(r.item.Kind)
}

// why has the selected one's message, and below who has it in hand.
func (m *Model) why(now time.Time) []string {
	out := make([]string, 0, whyRows)
	if m.scroll.Cursor >= len(m.rows) {
		out = append(out, widget.Heading(m.theme, "", "", m.width))
		for len(out) < whyRows {
			out = append(out, widget.Blank(m.width))
		}
		return out
	}
	r := m.rows[m.scroll.Cursor]
	remark := ""
	if does := r.does(); does != "" {
		remark = m.Keys.Offer.Help().Key + " " + widget.Clean(does)
	}
	out = append(out, widget.Heading(m.theme, r.item.Title()+orWords(", follows: ", kindOf(r)), remark, m.width))
	for i, l := range m.message(r) {
		style := theme.Style{}
		if i == 0 && r.item.standing(now) == open {
			style = m.theme.Warn
		}
		out = append(out, style.Paint(widget.Fit(" "+l, m.width, m.theme.Mark.Cut)))
	}
	return append(out, m.theme.Faint.Paint(widget.Fit(" "+r.item.Standing(now), m.width, m.theme.Mark.Cut)))
}

func kindOf(r row) string {
	if r.consequence < 0 {
		return ""
	}
	return r.alert().Kind
}

// Title names the item.
func (it *Item) Title() string {
	name := "alert"
	if it.ID != 0 {
		name = fmt.Sprint("incident ", it.ID)
	}
	return widget.Clean(name + ", " + it.Kind + orWords(" of ", it.Worker))
}

// message is the row's message in exactly messageRows lines; all of it is in the details.
func (m *Model) message(r row) []string {
	lines := widget.Wrap(widget.Clean(strings.ReplaceAll(r.alert().Message, "\n", "; ")), m.width-2)
	if len(lines) > messageRows {
		lines = lines[:messageRows]
		lines[messageRows-1] = widget.Fit(lines[messageRows-1], m.width-3, "") + m.theme.Mark.Cut
	}
	for len(lines) < messageRows {
		lines = append(lines, "")
	}
	return lines
}
