package launches

import (
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// From these widths on there is room for a column of arguments and one of hosts, for the cause, for the note. They are in
// the details at any width.
const (
	hostWidth  = 100
	causeWidth = 130
	noteWidth  = 160
)

// columns returns the table's columns: what matters less appears where there is room. In a narrow window, arguments stand right
// behind their worker, since a column of their own would be cut.
func (m *Model) columns(now time.Time) []widget.Column {
	started := widget.Column{Title: "STARTED", Width: len("15:04:05")}
	if m.older(now) {
		started.Width = len("01-02 15:04")
	}
	state, took := widget.Column{Title: "STATE", Width: 11}, widget.Column{Title: "TOOK", Width: 7, Right: true}
	if m.width < hostWidth {
		return []widget.Column{state, {Title: m.title(), Width: 12, Flex: 1}, started, took}
	}
	c := []widget.Column{
		state, {Title: "WORKER", Width: max(6, min(m.worker, 26))}, {Title: m.arguments(), Width: 12, Flex: 5},
		{Title: "HOST", Width: max(4, min(m.host, 22))}, started, took,
	}
	if m.width >= causeWidth {
		c = append(c, widget.Column{Title: "CAUSE", Width: 12, Flex: 3})
	}
	if m.width >= noteWidth {
		c = append(c, widget.Column{Title: "NOTE", Width: 12, Flex: 4})
	}
	return c
}

// older tells whether a launch of another day is listed.
func (m *Model) older(now time.Time) bool {
	y, mo, d := now.Date()
	midnight := time.Date(y, mo, d, 0, 0, 0, 0, now.Location())
	for _, r := range m.rows {
		if r.launch != nil && r.launch.Decided.Before(midnight) {
			return true
		}
	}
	return false
}

// barrierCells returns the cells of a barrier, in the order of columns.
func (m *Model) barrierCells(b *Barrier, now time.Time) []widget.Cell {
	warn, faint := m.theme.Warn, m.theme.Faint
	clock := widget.Cell{Text: widget.Clock(b.Opened.In(now.Location()), now), Style: faint}
	took := widget.Cell{Text: widget.Duration(now.Sub(b.Opened))}
	state := widget.Cell{Text: m.theme.Mark.Wait + " waiting", Style: warn}
	if m.width < hostWidth {
		return []widget.Cell{state, {Text: widget.Clean(b.short()), Style: warn}, clock, took}
	}
	cells := []widget.Cell{state, {Text: "barrier", Style: warn}, {Text: widget.Clean(b.short() + " (b releases)"), Style: warn}, {}, clock, took}
	if m.width >= causeWidth {
		cells = append(cells, widget.Cell{Text: widget.Clean(b.Cause), Style: faint})
	}
	if m.width >= noteWidth {
		cells = append(cells, widget.Cell{Text: widget.Clean(b.holds()), Style: warn})
	}
	return cells
}

// cells returns the cells of a launch, in the order of columns.
func (m *Model) cells(l *launch.Launch, now time.Time) []widget.Cell {
	mark, style := m.again.mark(m.theme, l)
	faint := m.theme.Faint
	state := mark + " " + string(l.State)
	if m.again[l.ID] != nil {
		state += " " + m.theme.Mark.Again
	}
	clock, took := when(l, now)
	lasted := widget.Cell{Text: took}
	if m.late[l.ID] && !l.State.Final() {
		lasted = widget.Cell{Text: m.theme.Mark.Warn + took, Style: m.theme.Warn}
	}
	cells := []widget.Cell{{Text: state, Style: style}}
	if m.width < hostWidth {
		command := l.Name() + " " + widget.JoinWords(l.Args)
		if l.Host != launch.Localhost {
			command += " on " + l.Host
		}
		if w := waits(l, now); w != "" { // before what could push it out
			command = l.Name() + ", " + w + ": " + widget.JoinWords(l.Args)
		}
		return append(cells, widget.Cell{Text: widget.Clean(command)}, widget.Cell{Text: clock, Style: faint}, lasted)
	}
	host := widget.Cell{Text: widget.Clean(l.Host)}
	if l.Host == launch.Localhost {
		host.Style = faint
	}
	args := widget.JoinWords(l.Args)
	if w := waits(l, now); w != "" {
		args = w + ": " + args
	}
	cells = append(cells, widget.Cell{Text: widget.Clean(l.Name())}, widget.Cell{Text: widget.Clean(args)},
		host, widget.Cell{Text: clock, Style: faint}, lasted)
	if m.width >= causeWidth {
		cells = append(cells, widget.Cell{Text: widget.Clean(l.Cause), Style: faint})
	}
	if m.width >= noteWidth {
		cells = append(cells, widget.Cell{Text: widget.Clean(m.again.note(l)), Style: style})
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
