package widget

import (
	"log/slog"
	"slices"
	"time"

	"nowcast/internal/tui/theme"
)

// LogFilter chooses lines.
type LogFilter struct {
	Level slog.Level // not below
	Name  string     // of this logger; "" all

	// Launch chooses the lines of one launch; 0 all. Programs that do not know the number of their launch are recognised by
	// their name, Worker, between From and To; a zero To is the end of all times. (The same as control.LogsArgs: a test compares them.)
	Launch   int64
	Worker   string
	From, To time.Time
}

// Accepts tells whether f chooses a line.
func (f *LogFilter) Accepts(l *LogLine) bool {
	switch {
	case l.Level < f.Level, f.Name != "" && l.Name != f.Name:
		return false
	case f.Launch == 0 || l.Launch == f.Launch:
		return true
	}
	return l.Launch == 0 && f.Worker != "" && l.Name == f.Worker && !l.Time.Before(f.From) && (f.To.IsZero() || !l.Time.After(f.To))
}

// spot is a display row: one row of one chosen line.
type spot struct {
	index int // in LogPane.chosen
	row   int // of that line: a record may have several
}

// LogPane is a window on a LogBuffer: filtered, scrolled, searched. It follows the newest line until it is scrolled up,
// and then says how many have come since.
type LogPane struct {
	Dates bool // show dates: the lines are not all of today

	theme  *theme.Theme
	buf    *LogBuffer
	filter LogFilter

	chosen []uint64 // numbers of the lines that pass the filter, ascending
	low    uint64   // lines from this number
	seen   uint64   // to below this one have been looked at
	takes  uint64   // the buffer's, when that was
	width  int
	height int

	following bool
	fresh     int  // lines that came while not following
	top       spot // first row shown; meaningless while following
	cursor    spot
	wrap      bool
	skip      int    // cells of the message scrolled out on the left
	query     string // lower case
}

// NewLogPane returns a pane that follows.
func NewLogPane(t *theme.Theme, buf *LogBuffer) *LogPane {
	p := &LogPane{theme: t, buf: buf, following: true}
	p.SetFilter(LogFilter{Level: slog.LevelDebug})
	return p
}

// SetSize tells how much room there is.
func (p *LogPane) SetSize(width, height int) {
	p.width, p.height = width, max(height, 0)
	p.show()
}

// Filter returns what is chosen.
func (p *LogPane) Filter() LogFilter { return p.filter }

// SetFilter chooses other lines. The cursor stays on its line if that is still there.
func (p *LogPane) SetFilter(f LogFilter) {
	number, had := p.current()
	p.filter = f
	p.chosen, p.low, p.seen, p.fresh = p.chosen[:0], p.buf.First(), p.buf.First(), 0
	p.Sync()
	if had && !p.following {
		i, _ := slices.BinarySearch(p.chosen, number)
		p.cursor = spot{index: min(i, max(len(p.chosen)-1, 0))}
		p.top = p.cursor
		p.show()
	}
	p.fresh = 0
}

// current returns the number of the line under the cursor.
func (p *LogPane) current() (uint64, bool) {
	if p.cursor.index >= len(p.chosen) {
		return 0, false
	}
	return p.chosen[p.cursor.index], true
}

// Current returns the line under the cursor, nil if there is none.
func (p *LogPane) Current() *LogLine {
	if n, ok := p.current(); ok {
		return p.buf.At(n)
	}
	return nil
}

// Sync takes in what the buffer has received, and lets go of what it has dropped.
func (p *LogPane) Sync() {
	gone, _ := slices.BinarySearch(p.chosen, p.buf.First())
	if gone > 0 {
		p.chosen = p.chosen[gone:]
		p.cursor, p.top = p.cursor.minus(gone), p.top.minus(gone)
	}
	p.takeBack()
	p.reach()
	for n := max(p.seen, p.buf.First()); n < p.buf.End(); n++ {
		if p.filter.Accepts(p.buf.At(n)) {
			p.chosen = append(p.chosen, n)
			if !p.following {
				p.fresh++
			}
		}
	}
	p.seen = p.buf.End()
	p.show()
}

// takeBack forgets the lines that the buffer has taken back, to look at them anew.
func (p *LogPane) takeBack() {
	behind := p.buf.takes - p.takes
	p.takes = p.buf.takes
	switch behind {
	case 0:
		return
	case 1:
		p.seen = min(p.seen, p.buf.taken)
	default: // taken back several times since: only the last is known
		p.low, p.seen = p.buf.First(), p.buf.First()
	}
	keep, _ := slices.BinarySearch(p.chosen, p.seen)
	if !p.following {
		p.fresh = max(0, p.fresh-(len(p.chosen)-keep))
	}
	p.chosen = p.chosen[:keep]
}

// reach takes in the lines that were put before the oldest. What is in sight stays where it is.
func (p *LogPane) reach() {
	var older []uint64
	for n := p.buf.First(); n < p.low; n++ {
		if p.filter.Accepts(p.buf.At(n)) {
			older = append(older, n)
		}
	}
	p.low = p.buf.First()
	if len(older) > 0 {
		p.chosen = append(older, p.chosen...)
		p.cursor.index += len(older)
		p.top.index += len(older)
	}
}

func (s spot) minus(n int) spot {
	if s.index < n {
		return spot{}
	}
	return spot{s.index - n, s.row}
}

// Follow turns following on or off.
func (p *LogPane) Follow(on bool) {
	if !on && p.following {
		p.top = p.back(p.last(), p.height-1)
	}
	p.following = on
	p.fresh = 0
	p.show()
}

// Following tells whether the pane keeps to the newest line; if not, fresh lines have come since.
func (p *LogPane) Following() (on bool, fresh int) { return p.following, p.fresh }

// Len returns the number of chosen lines.
func (p *LogPane) Len() int { return len(p.chosen) }

// SetWrap chooses between wrapping long lines and scrolling them sideways.
func (p *LogPane) SetWrap(on bool) {
	p.wrap, p.skip = on, 0
	p.cursor.row, p.top.row = 0, 0
	p.show()
}

// Wrapped tells whether long lines are wrapped.
func (p *LogPane) Wrapped() bool { return p.wrap }

// Sideways scrolls the messages by n cells.
func (p *LogPane) Sideways(n int) {
	if !p.wrap {
		p.skip = max(0, min(p.skip+n, maxLine))
	}
}
