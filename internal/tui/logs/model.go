// Package logs is the console's third page: the merged log of all daemons and workers, following, searched, filtered.
//
// The page owns filter, search and scroll; the lines are in the buffer that the root model fills from the feed.
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
	pane   *widget.LogPane
	prompt *widget.Prompt
	miss   bool // the last search found nothing
	width  int
	height int
}

// New returns the page; it shows what is in buf.
func New(t *theme.Theme, buf *widget.LogBuffer) *Model {
	m := &Model{Keys: newKeyMap(), theme: t, pane: widget.NewLogPane(t, buf)}
	m.pane.SetFilter(widget.LogFilter{Level: atFirst})
	return m
}

// atFirst is the lowest level that is shown before the operator asks for more: what the system says of itself at DEBUG
// is half of all lines and says little that INFO does not.
const atFirst = slog.LevelInfo

// Sync takes in new lines.
func (m *Model) Sync() { m.pane.Sync() }

// SetSize tells how much room the page has.
func (m *Model) SetSize(width, height int) {
	m.width, m.height = width, height
	m.pane.SetSize(width, height-1)
}

// Show shows the lines that f chooses, and follows.
func (m *Model) Show(f widget.LogFilter) {
	m.pane.SetFilter(f)
	m.pane.Follow(true)
}
