// Package logs is the console's third page: the merged log of all daemons and workers, following, searched, filtered; and
// what is older than the console, as far back as the log aggregator has it.
//
// The page owns filter, search and scroll; the lines are in the buffer that the root model fills from the feed. Older ones
// are in a view of their own (past), asked for in pages, so that the live buffer stays as it is.
package logs

import (
	"log/slog"

	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// Model is the page.
type Model struct {
	Keys KeyMap

	theme  *theme.Theme
	buf    *widget.LogBuffer
	live   *widget.LogPane
	past   *past            // older lines; nil: the live log is shown
	asked  int              // questions to the log aggregator so far: the number of the newest
	whose  widget.LogFilter // what was asked for by Show; the zero value: the log of all
	prompt *widget.Prompt
	miss   bool // the last search found nothing
	width  int
	height int
}

// New returns the page; it shows what is in buf.
func New(t *theme.Theme, buf *widget.LogBuffer) *Model {
	m := &Model{Keys: newKeyMap(), theme: t, buf: buf, live: widget.NewLogPane(t, buf)}
	m.live.SetFilter(widget.LogFilter{Level: atFirst})
	return m
}

// atFirst is the lowest level that is shown before the operator asks for more: what the system says of itself at DEBUG
// is half of all lines and says little that INFO does not.
const atFirst = slog.LevelInfo

// Sync takes in new lines.
func (m *Model) Sync() { m.live.Sync() }

// SetSize tells how much room the page has.
func (m *Model) SetSize(width, height int) {
	m.width, m.height = width, height
	m.live.SetSize(width, height-1)
	if m.past != nil {
		m.past.pane.SetSize(width, height-2)
	}
}

// Show shows the lines that f chooses, and follows; esc leads back to where it was asked for.
func (m *Model) Show(f widget.LogFilter) {
	m.past, m.whose, m.miss = nil, f, false
	m.live.Search("")
	m.live.SetFilter(f)
	m.live.Follow(true)
}

// pane is the one in sight.
func (m *Model) pane() *widget.LogPane {
	if m.past != nil {
		return m.past.pane
	}
	return m.live
}
