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
	out := []string{head}
	if m.past != nil {
		out = append(out, m.top(now))
	}
	return append(out, m.pane().View(now.Location(), true)...)
}

// title says what is shown.
func (m *Model) title() string {
	f := m.pane().Filter()
	whose := "all"
	switch {
	case f.Launch != 0:
		whose = fmt.Sprintf("launch %d %s", f.Launch, f.Worker)
	case f.Name != "":
		whose = f.Name
	}
	title := "log of " + whose + widget.AndAbove(f.Level)
	q := m.pane().Query()
	if q != "" {
		title += ", /" + widget.Clean(q)
	}
	switch {
	case m.past != nil:
		title = "past " + title
	case m.whose != (widget.LogFilter{}):
		title += " (esc goes back)"
	case q != "" || whose != "all":
		title += " (esc shows all)"
	}
	return title
}

// among says where a search has looked, if not everywhere.
func (m *Model) among() string {
	f := m.pane().Filter()
	if f.Level > slog.LevelDebug {
		return " at " + widget.LevelName(f.Level) + " and above"
	}
	return ""
}

// state says whether the newest line is in sight.
func (m *Model) state() string {
	following, fresh := m.live.Following()
	switch {
	case m.miss && m.past != nil:
		return "no more matches in what is shown"
	case m.miss:
		return "no more matches in this direction" + m.among() + ", enter: all history"
	case m.past != nil:
		return "esc goes back, F to the newest"
	case m.live.Len() == 0:
		return "nothing here yet, home asks for older"
	case following:
		return "following"
	case fresh > 0:
		return fmt.Sprintf("paused, %d new (F follows)", fresh)
	}
	return "paused (F follows)"
}

// top says above the lines of the past what is before them.
func (m *Model) top(now time.Time) string {
	p, style := m.past, m.theme.Faint
	what, older := "older lines", "older lines"
	if p.ask.Search != "" {
		what = fmt.Sprintf("lines with %q", p.ask.Search)
		older = "older " + what
	}
	var text string
	switch {
	case p.underway && p.ask.Search != "":
		text = "looking for " + what + " in all that is kept" + p.back(now)
	case p.underway:
		text = what + ": loading" + p.back(now)
	case p.failed:
		text, style = what+" could not be read; home asks again", m.theme.Bad
	case p.end && p.buf.Len() == 0:
		text, style = "no "+what+m.among()+" in all that is kept", m.theme.Warn
	case p.end && p.pane.ShowsTop():
		text = "the beginning: no " + older + m.among() + " are kept"
	case p.end: // it is said where it is so: above the first line
		text = older + ": home goes to the first, of " + p.oldest().In(now.Location()).Format(time.DateTime)
	default:
		text = what + ": home loads more" + p.back(now)
	}
	return style.Paint(widget.Fit(" "+m.theme.Mark.Dot+" "+widget.Clean(text), m.width, m.theme.Mark.Cut))
}

// back says how far back was looked.
func (p *past) back(now time.Time) string {
	t := p.oldest()
	if !p.reached.IsZero() && (t.IsZero() || p.reached.Before(t)) {
		t = p.reached
	}
	if t.IsZero() {
		return ""
	}
	return ", now back to " + t.In(now.Location()).Format(time.DateTime)
}
