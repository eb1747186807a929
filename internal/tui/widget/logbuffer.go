package widget

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// LogLine is one record of a log. Name and Text are clean; Text has one line break between lines.
type LogLine struct {
	Time   time.Time
	Level  slog.Level
	Name   string
	Text   string
	Launch int64
}

// LogBuffer keeps the newest lines in order, each under a number. What falls out at the old end is gone from the console,
// not from the log files. The newest lines may be taken back and put in anew, when a late line belongs between them.
type LogBuffer struct {
	lines []LogLine // a ring: line number n is at n % cap
	first uint64    // number of the oldest line
	end   uint64    // number of the next line
	takes uint64    // how often lines were taken back
	taken uint64    // the lowest number taken back last time
}

// middle is the number of the first line that is added: there is room before it for all the past.
const middle = 1 << 62

// NewLogBuffer returns an empty buffer for size lines.
func NewLogBuffer(size int) *LogBuffer {
	return &LogBuffer{lines: make([]LogLine, size), first: middle, end: middle}
}

// Cleaned returns the line as a buffer keeps it.
func (l LogLine) Cleaned() LogLine {
	l.Name = Clean(l.Name)
	if !isPlain(l.Text) || len(l.Text) > maxLine {
		l.Text = strings.Join(CleanLines(l.Text), "\n")
	}
	return l
}

// Append cleans a line and adds it.
func (b *LogBuffer) Append(l LogLine) {
	*b.At(b.end) = l.Cleaned()
	b.end++
	if b.end-b.first > uint64(len(b.lines)) {
		b.first++
	}
}

// Prepend cleans lines and puts them before all others; they keep their order. Where that makes too many, the newest are
// taken back: who goes into the past has left them behind.
func (b *LogBuffer) Prepend(lines []LogLine) {
	size := len(b.lines)
	lines = lines[:min(len(lines), size)]
	if over := b.Len() + len(lines) - size; over > 0 {
		b.TakeBack(b.end - uint64(over))
	}
	for _, l := range slices.Backward(lines) {
		b.first--
		*b.At(b.first) = l.Cleaned()
	}
}

// DropOldest forgets n lines.
func (b *LogBuffer) DropOldest(n int) {
	for ; n > 0 && b.first < b.end; n-- {
		*b.At(b.first) = LogLine{}
		b.first++
	}
}

// TakeBack forgets the lines from number n on. Their numbers will be used again.
func (b *LogBuffer) TakeBack(n uint64) {
	if n < b.end {
		b.end = max(n, b.first)
		b.takes++
		b.taken = b.end
	}
}

// Last returns the newest lines that f chooses, oldest first, at most n.
func (b *LogBuffer) Last(f LogFilter, n int) []*LogLine {
	var out []*LogLine
	for i := b.end; i > b.first && len(out) < n; i-- {
		if l := b.At(i - 1); f.Accepts(l) {
			out = append(out, l)
		}
	}
	slices.Reverse(out)
	return out
}

// Len returns how many lines there are.
func (b *LogBuffer) Len() int { return int(b.end - b.first) }

// At returns the line with a number between First and End.
func (b *LogBuffer) At(n uint64) *LogLine { return &b.lines[n%uint64(len(b.lines))] }

// First returns the number of the oldest line that is there.
func (b *LogBuffer) First() uint64 { return b.first }

// End returns the number that the next line will have.
func (b *LogBuffer) End() uint64 { return b.end }

// NextLevel returns the level that the level key leads to: what is shown at first is INFO and above, the details come last.
func NextLevel(l slog.Level) slog.Level {
	if l += 4; l > slog.LevelError {
		return slog.LevelDebug
	}
	return l
}

// AndAbove says that lower levels are not shown.
func AndAbove(l slog.Level) string {
	if l <= slog.LevelDebug {
		return ""
	}
	return ", " + LevelName(l) + " and above"
}

// LevelName returns the level as Python names it.
func LevelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	case l < 12: // logging.LevelCritical
		return "ERROR"
	}
	return "CRITICAL"
}
