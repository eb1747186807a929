package widget

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Move moves the cursor by rows. Up stops following; down to the last row resumes it.
func (p *LogPane) Move(rows int) {
	if len(p.chosen) == 0 {
		return
	}
	if rows < 0 {
		if p.following {
			p.Follow(false)
		}
		p.cursor = p.back(p.cursor, -rows)
	} else if !p.following {
		p.cursor = p.ahead(p.cursor, rows)
		if p.cursor == p.last() {
			p.Follow(true)
		}
	}
	p.show()
}

// Home goes to the oldest line, which stops following.
func (p *LogPane) Home() {
	p.Follow(false)
	p.cursor, p.top = spot{}, spot{}
	p.show()
}

// AtTop tells whether there is nothing above the cursor.
func (p *LogPane) AtTop() bool { return p.cursor == spot{} }

// GoTo puts the cursor on the newest line that is not newer than t, or on the oldest, and into the middle.
func (p *LogPane) GoTo(t time.Time) {
	p.Follow(false)
	i, _ := slices.BinarySearchFunc(p.chosen, t, func(n uint64, t time.Time) int {
		if p.buf.At(n).Time.After(t) {
			return 1
		}
		return -1
	})
	p.cursor = spot{index: max(0, i-1)}
	p.top = p.back(p.cursor, p.height/2)
	p.show()
}

// Height returns the number of rows shown.
func (p *LogPane) Height() int { return p.height }

// last returns the last row of the last line.
func (p *LogPane) last() spot {
	if len(p.chosen) == 0 {
		return spot{}
	}
	i := len(p.chosen) - 1
	return spot{i, p.rowsOf(i) - 1}
}

// back returns the row n rows above s, or the first.
func (p *LogPane) back(s spot, n int) spot {
	for n > s.row && s.index > 0 {
		n -= s.row + 1
		s.index--
		s.row = p.rowsOf(s.index) - 1
	}
	return spot{s.index, max(s.row-n, 0)}
}

// ahead returns the row n rows below s, or the last.
func (p *LogPane) ahead(s spot, n int) spot {
	if len(p.chosen) == 0 {
		return spot{}
	}
	for {
		rows := p.rowsOf(s.index)
		if s.row+n < rows {
			return spot{s.index, s.row + n}
		}
		if s.index == len(p.chosen)-1 {
			return spot{s.index, rows - 1}
		}
		n -= rows - s.row
		s = spot{s.index + 1, 0}
	}
}

func (s spot) above(o spot) bool { return s.index < o.index || s.index == o.index && s.row < o.row }

// show moves the window so that the cursor is in it and no room is wasted below the last line.
func (p *LogPane) show() {
	if len(p.chosen) == 0 || p.following {
		p.cursor = p.last()
		return
	}
	p.cursor.index = min(p.cursor.index, len(p.chosen)-1)
	p.cursor.row = min(p.cursor.row, p.rowsOf(p.cursor.index)-1)
	p.top.index = min(p.top.index, len(p.chosen)-1)
	p.top.row = min(p.top.row, p.rowsOf(p.top.index)-1)
	if full := p.back(p.last(), p.height-1); full.above(p.top) {
		p.top = full
	}
	if p.cursor.above(p.top) {
		p.top = p.cursor
	}
	if least := p.back(p.cursor, p.height-1); p.top.above(least) {
		p.top = least
	}
}

// rowsOf returns how many rows a chosen line takes.
func (p *LogPane) rowsOf(index int) int {
	l := p.buf.At(p.chosen[index])
	if !p.wraps(l) {
		return 1 + strings.Count(l.Text, "\n")
	}
	return len(p.rows(l))
}

// wraps tells whether a line is wrapped. Warnings and worse always are: their end is often what matters.
func (p *LogPane) wraps(l *LogLine) bool { return p.wrap || l.Level >= slog.LevelWarn }

// rows returns the message in rows.
func (p *LogPane) rows(line *LogLine) []string {
	lines := strings.Split(line.Text, "\n")
	if !p.wraps(line) {
		return lines
	}
	var rows []string
	for _, l := range lines {
		rows = append(rows, Wrap(l, p.width-p.prefix())...)
	}
	return rows
}
