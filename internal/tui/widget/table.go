package widget

import (
	"strings"

	"nowcast/internal/tui/theme"
)

// Column is one column of a table.
type Column struct {
	Title string
	Width int  // cells; with Flex the least
	Flex  int  // share of the width that is left over
	Right bool // numbers: aligned right
}

// Cell is the text of one column in one row. Text must be clean.
type Cell struct {
	Text  string
	Style theme.Style
}

// Table draws the visible rows of a list in columns.
type Table struct {
	Theme   *theme.Theme
	Columns []Column
}

// Widths returns the width of each column in a table that is width cells wide, with one blank between columns.
func (t *Table) Widths(width int) []int {
	widths := make([]int, len(t.Columns))
	left, flex := width-len(t.Columns)-1, 0
	for i, c := range t.Columns {
		widths[i] = c.Width
		left -= c.Width
		flex += c.Flex
	}
	for i, c := range t.Columns {
		if c.Flex > 0 && left > 0 {
			share := left * c.Flex / flex
			widths[i] += share
			left -= share
			flex -= c.Flex
		}
	}
	return widths
}

// Header returns the line of column titles.
func (t *Table) Header(width int) string {
	cells := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		cells[i].Text = c.Title
	}
	return t.Theme.Faint.Paint(t.line(cells, t.Widths(width), width, true))
}

// Row returns one row; the selected one is painted whole.
func (t *Table) Row(cells []Cell, widths []int, width int, selected bool) string {
	if selected {
		return t.Theme.Selected.Paint(t.line(cells, widths, width, true))
	}
	return t.line(cells, widths, width, false)
}

func (t *Table) line(cells []Cell, widths []int, width int, plain bool) string {
	var b strings.Builder
	b.Grow(width + 32*len(cells))
	b.WriteByte(' ')
	used := 1
	for i, c := range cells {
		w := min(widths[i], width-used)
		if w <= 0 {
			break
		}
		text := Fit(c.Text, w, t.Theme.Mark.Cut)
		if t.Columns[i].Right {
			text = FitRight(c.Text, w, t.Theme.Mark.Cut)
		}
		if !plain {
			text = c.Style.Paint(text)
		}
		b.WriteString(text)
		used += w
		if used < width {
			b.WriteByte(' ')
			used++
		}
	}
	b.WriteString(Blank(width - used))
	return b.String()
}
