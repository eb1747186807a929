package logs

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nowcast/internal/tui/widget"
)

// View draws the page in the time zone of now.
func (m *Model) View(now time.Time) []string {
	head := ""
	if m.prompt != nil {
		note := ""
		if m.miss {
			note = " no such text "
		}
		head = m.prompt.View(m.width-len(note)) + m.theme.Warn.Paint(note)
	} else {
		head = widget.Heading(m.theme, m.title(), m.state(), m.width)
	}
	return append([]string{head}, m.pane.View(now.Location(), true)...)
}

// title says what is shown.
func (m *Model) title() string {
	f := m.pane.Filter()
	parts := []string{"log of all"}
	switch {
	case f.Launch != 0:
		parts[0] = fmt.Sprintf("log of launch %d %s", f.Launch, f.Worker)
	case f.Name != "":
		parts[0] = "log of " + f.Name
	}
	if f.Level > slog.LevelDebug {
		parts = append(parts, widget.LevelName(f.Level)+" and above")
	}
	if q := m.pane.Query(); q != "" {
		parts = append(parts, "/"+widget.Clean(q))
	}
	if len(parts) > 1 || parts[0] != "log of all" {
		parts = append(parts, "esc shows everything")
	}
	return strings.Join(parts, ", ")
}

// state says whether the newest line is in sight.
func (m *Model) state() string {
	following, fresh := m.pane.Following()
	switch {
	case m.miss:
		return "no more matches in this direction"
	case m.pane.Len() == 0:
		return "nothing logged yet"
	case following:
		return "following"
	case fresh > 0:
		return fmt.Sprintf("paused, %d new (F follows)", fresh)
	}
	return "paused (F follows)"
}
