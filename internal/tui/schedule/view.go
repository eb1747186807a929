package schedule

import (
	"fmt"
	"time"

	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// View draws the page as of now, in the time zone of now.
func (m *Model) View(now time.Time) []string {
	table := widget.Table{Theme: m.theme, Columns: m.columns()}
	out := make([]string, 0, m.height)
	if len(m.entries) == 0 {
		for _, l := range widget.Wrap(m.empty(), m.width-3) {
			out = append(out, m.theme.Faint.Paint(widget.Fit("  "+l, m.width, m.theme.Mark.Cut)))
		}
	} else {
		out = append(out, table.Header(m.width))
	}
	widths := table.Widths(m.width)
	top, end := m.scroll.Window()
	for i := top; i < end; i++ {
		out = append(out, table.Row(m.cells(&m.entries[i], now), widths, m.width, i == m.scroll.Cursor))
	}
	for len(out) < m.height-whyRows {
		out = append(out, widget.Blank(m.width))
	}
	return append(out, m.why(now)...)
}

// empty says why nothing is listed, and what to do.
func (m *Model) empty() string {
	switch {
	case m.Known:
		return "Nothing is scheduled. Add entries to `scheduled workers:` of the configuration file, then send the scheduler SIGHUP."
	case m.Alive:
		return "Not known yet."
	}
	return "No scheduler is heard. `nowcastd up CONFIG` runs one with the other daemons; `nowcastd scheduler CONFIG` starts it alone."
}

// why says under a heading how the selected entry stands, and what became of its last due time.
func (m *Model) why(now time.Time) []string {
	e := m.Selected()
	if e == nil {
		return []string{widget.Heading(m.theme, "", "", m.width), widget.Blank(m.width), widget.Blank(m.width)}
	}
	standing, style := m.standing(e, now)
	return []string{
		widget.Heading(m.theme, command(e), "", m.width),
		style.Paint(widget.Fit(" "+widget.Clean(standing), m.width, m.theme.Mark.Cut)),
		m.theme.Faint.Paint(widget.Fit(" last: "+widget.Clean(m.lately(e, now)), m.width, m.theme.Mark.Cut)),
	}
}

// standing says what will happen for an entry.
func (m *Model) standing(e *Entry, now time.Time) (string, theme.Style) {
	due := "not due"
	if !e.Next.IsZero() {
		due = "due " + stamp(e.Next, now)
	}
	left := e.Next.Sub(now)
	switch {
	case e.Problem != "":
		return "problem: " + e.Problem, m.theme.Bad
	case e.Held:
		return fmt.Sprintf("held: nothing is launched for it until h lets it go on; %s, %s", due, e.When), m.theme.Warn
	case e.Next.IsZero():
		return fmt.Sprintf("%s: %s", due, e.When), m.theme.Plain
	case !m.Alive:
		return fmt.Sprintf("%s, but the scheduler is not heard and may not launch it; %s", due, e.When), m.theme.Warn
	case left < -late:
		return fmt.Sprintf("late: was %s, %s ago, and is not launched yet; %s", due, countdown(-left), e.When), m.theme.Warn
	}
	return fmt.Sprintf("%s, %s", due, e.When), m.theme.Plain
}

// lately says what became of the last due time.
func (m *Model) lately(e *Entry, now time.Time) string {
	if r := e.last(); r != nil {
		return stamp(r.Time, now) + "  " + r.String()
	}
	return "nothing yet, or longer ago than is kept"
}

// String says what became of a due time.
func (r *Run) String() string {
	s := "nothing was launched"
	if r.Launch != 0 {
		s = fmt.Sprint("launch ", r.Launch)
		if r.Standing != "" {
			s += " " + r.Standing
		} else {
			s += ", too old to be shown here"
		}
	}
	if r.Author != "" {
		s += ", asked for by " + r.Author
	}
	if r.Note != "" {
		s += ": " + r.Note
	}
	return s
}

// stamp shows a time with its day of the week, which is what schedules are made of.
func stamp(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("Mon 2006-01-02 15:04:05")
}
