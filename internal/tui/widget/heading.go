package widget

import (
	"strconv"
	"strings"

	"nowcast/internal/tui/theme"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Heading draws a title in a rule that is width cells wide, with a remark at the right.
func Heading(t *theme.Theme, title, remark string, width int) string {
	title = Clean(title)
	room := width - 5
	if remark != "" {
		room -= Width(remark) + 2
	}
	if Width(title) > room {
		title = Fit(title, max(room, 0), t.Mark.Cut)
	}
	left, gap := t.Mark.Rule+" ", " "
	if title == "" {
		left, gap = t.Mark.Rule, ""
	}
	out := t.Faint.Paint(left) + t.Title.Paint(title) + gap
	used := Width(left) + Width(title) + len(gap)
	end := ""
	if remark != "" {
		end = " " + remark + " "
	}
	rule := max(width-used-Width(end)-1, 0)
	last := max(min(1, width-used-Width(end)), 0)
	return out + t.Faint.Paint(strings.Repeat(t.Mark.Rule, rule)+end+strings.Repeat(t.Mark.Rule, last))
}
