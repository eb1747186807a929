package logs

import (
	"fmt"
	"log/slog"
	"time"

	"nowcast/internal/tui/widget"
)

// View draws the page in the time zone of now.
func (m *Model) View(now time.Time) []string {
	head := ""
	if m.prompt != nil {
		note := ""
		if m.miss {
			note = " no such text" + m.among() + " "
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
	whose := "all"
	switch {
	case f.Launch != 0:
		whose = fmt.Sprintf("launch %d %s", f.Launch, f.Worker)
	case f.Name != "":
		whose = f.Name
	}
	title := "log of " + whose + widget.AndAbove(f.Level)
	q := m.pane.Query()
	if q != "" {
		title += ", /" + widget.Clean(q)
	}
	if q != "" || whose != "all" {
		title += " (esc shows all)"
	}
	return title
}

// among says where a search has looked, if not everywhere.
func (m *Model) among() string {
	f := m.pane.Filter()
	if f.Level > slog.LevelDebug {
		return " at " + widget.LevelName(f.Level) + " and above"
	}
	return ""
}

// state says whether the newest line is in sight.
func (m *Model) state() string {
	following, fresh := m.pane.Following()
	switch {
	case m.miss:
		return "no more matches in this direction" + m.among()
	case m.pane.Len() == 0:
		return "nothing logged yet"
	case following:
		return "following"
	case fresh > 0:
		return fmt.Sprintf("paused, %d new (F follows)", fresh)
	}
	return "paused (F follows)"
}
