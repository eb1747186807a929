package schedule

import (
	"fmt"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// From these widths on there is room for columns of words for when it is due, of arguments, and of the last run's note. All
// that is below the table at any width; names must not be cut for it.
const (
	whenWidth      = 100
	argumentsWidth = 110
	noteWidth      = 150
)

// columns returns the table's columns. In a narrow window, arguments stand right behind their worker.
func (m *Model) columns() []widget.Column {
	title := fmt.Sprint(len(m.entries), " entries")
	if len(m.entries) == 1 {
		title = "1 entry"
	}
	due, in := widget.Column{Title: "DUE", Width: len("01-02 15:04")}, widget.Column{Title: "IN", Width: 9}
	when, last := widget.Column{Title: "WHEN", Width: 18, Flex: 1}, widget.Column{Title: "LAST RUN", Width: 20}
	switch {
	case m.width < whenWidth:
		return []widget.Column{due, in, {Title: title, Width: 16, Flex: 1}, last}
	case m.width < argumentsWidth:
		return []widget.Column{due, in, {Title: title, Width: 16, Flex: 2}, when, last}
	}
	worker := len("WORKER")
	for _, e := range m.entries {
		worker = max(worker, widget.Width(widget.Clean(e.ID)))
	}
	c := []widget.Column{due, in, {Title: "WORKER", Width: min(worker, 30)}, {Title: "ARGUMENTS (" + title + ")", Width: 12, Flex: 3}, when, last}
	if m.width >= noteWidth {
		c = append(c, widget.Column{Title: "NOTE", Width: 12, Flex: 4})
	}
	return c
}

// cells returns the cells of an entry, in the order of columns.
func (m *Model) cells(e *Entry, now time.Time) []widget.Cell {
	due := widget.Cell{Text: widget.Clock(e.Next.In(now.Location()), now)}
	if e.Next.IsZero() {
		due = widget.Cell{Text: "not due", Style: m.theme.Faint}
	}
	cells := []widget.Cell{due, m.in(e, now)}
	when := widget.Cell{Text: widget.Clean(e.When), Style: m.theme.Faint}
	switch {
	case m.width < whenWidth:
		return append(cells, widget.Cell{Text: widget.Clean(command(e))}, m.last(e, now))
	case m.width < argumentsWidth:
		return append(cells, widget.Cell{Text: widget.Clean(command(e))}, when, m.last(e, now))
	}
	args := widget.JoinWords(e.Worker.Args)
	if e.Worker.Host != launch.Localhost {
		args += " on " + e.Worker.Host
	}
	cells = append(cells, widget.Cell{Text: widget.Clean(e.ID)}, widget.Cell{Text: widget.Clean(args)}, when, m.last(e, now))
	if m.width >= noteWidth {
		note := widget.Cell{Text: e.Problem, Style: m.theme.Bad}
		if r := e.last(); e.Problem == "" && r != nil {
			note = widget.Cell{Text: r.Note}
		}
		note.Text = widget.Clean(note.Text)
		cells = append(cells, note)
	}
	return cells
}

// late is how long after its due time an entry is called late: the scheduler needs its moment, and so do our frames.
const late = 2 * time.Second

// in says how long it is until an entry is due, or why nothing will be launched then, or whether that is doubtful.
func (m *Model) in(e *Entry, now time.Time) widget.Cell {
	left := e.Next.Sub(now)
	switch {
	case e.Problem != "":
		return widget.Cell{Text: m.theme.Mark.Bad + " problem", Style: m.theme.Bad}
	case e.Held:
		return widget.Cell{Text: m.theme.Mark.Wait + " held", Style: m.theme.Warn}
	case e.Next.IsZero():
		return widget.Cell{}
	case !m.Alive && left < 0:
		return widget.Cell{Text: m.theme.Mark.Lost, Style: m.theme.Warn}
	case !m.Alive:
		return widget.Cell{Text: m.theme.Mark.Lost + " " + countdown(left), Style: m.theme.Warn}
	case left < -late:
		return widget.Cell{Text: m.theme.Mark.Warn + " " + countdown(-left), Style: m.theme.Warn}
	case left < 0:
		return widget.Cell{Text: "now", Style: m.theme.Busy}
	}
	return widget.Cell{Text: countdown(left)}
}

// countdown is a duration in whole seconds, as it ticks.
func countdown(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return widget.Duration(d)
}

// last says when the last run was, its launch, and how that stands.
func (m *Model) last(e *Entry, now time.Time) widget.Cell {
	r := e.last()
	if r == nil {
		return widget.Cell{Text: "none yet", Style: m.theme.Faint}
	}
	clock := widget.Clock(r.Time.In(now.Location()), now)
	if r.Launch == 0 {
		return widget.Cell{Text: clock + " " + m.theme.Mark.Wait + " not run", Style: m.theme.Warn}
	}
	if r.State == "" {
		return widget.Cell{Text: fmt.Sprintf("%s %s %d", clock, m.theme.Mark.Lost, r.Launch), Style: m.theme.Faint}
	}
	mark, style := m.theme.State(r.State)
	return widget.Cell{Text: fmt.Sprintf("%s %s %d", clock, mark, r.Launch), Style: style}
}

// command names what an entry launches and, unless it is here, where.
func command(e *Entry) string {
	s := e.ID
	if len(e.Worker.Args) > 0 {
		s += " " + widget.JoinWords(e.Worker.Args)
	}
	if e.Worker.Host != launch.Localhost {
		s += " on " + e.Worker.Host
	}
	return s
}
