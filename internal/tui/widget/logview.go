package widget

import (
	"log/slog"
	"strings"
	"time"
)

// layout is how much of a record's head fits beside its message.
type layout struct {
	clock string // time format
	level int    // cells for the level's word
	name  int    // cells for the logger name
}

// wide is where milliseconds and long names fit without squeezing the message.
const wide = 110

func (p *LogPane) layout() layout {
	lay := layout{"15:04:05.000", len("CRITICAL"), 24}
	if p.width < wide {
		lay = layout{"15:04:05", len("ERROR"), 18}
	}
	if p.Dates {
		lay.clock = "01-02 " + lay.clock
	}
	return lay
}

// prefix returns the cells before the message.
func (p *LogPane) prefix() int {
	l := p.layout()
	return 1 + len(l.clock) + 1 + l.level + 1 + l.name + 1
}

// first returns the first row shown.
func (p *LogPane) first() spot {
	if p.following {
		return p.back(p.last(), p.height-1)
	}
	return p.top
}

// ShowsTop tells whether there is nothing above the first row shown.
func (p *LogPane) ShowsTop() bool { return p.first() == spot{} }

// View draws exactly the rows of the pane, times in loc. The cursor is drawn if focus is set and the pane does not follow.
func (p *LogPane) View(loc *time.Location, focus bool) []string {
	out := make([]string, 0, p.height)
	at := p.first()
	for len(out) < p.height && at.index < len(p.chosen) {
		line := p.buf.At(p.chosen[at.index])
		rows := p.rows(line)
		for ; at.row < len(rows) && len(out) < p.height; at.row++ {
			marked := focus && !p.following && at == p.cursor
			out = append(out, p.row(line, rows[at.row], at.row == 0, marked, loc))
		}
		at = spot{at.index + 1, 0}
	}
	for len(out) < p.height {
		out = append(out, Blank(p.width))
	}
	return out
}

// row draws one row of a record; the rows after the first have the message only.
func (p *LogPane) row(l *LogLine, message string, first, marked bool, loc *time.Location) string {
	th, lay := p.theme, p.layout()
	var b strings.Builder
	b.Grow(p.width + 64)
	if marked {
		b.WriteString(th.Key.Paint(th.Mark.Cursor))
	} else {
		b.WriteByte(' ')
	}
	if first {
		b.WriteString(th.Faint.Paint(l.Time.In(loc).Format(lay.clock)))
		b.WriteByte(' ')
		b.WriteString(p.level(l.Level, lay.level))
		b.WriteByte(' ')
		b.WriteString(Fit(l.Name, lay.name, th.Mark.Cut))
		b.WriteByte(' ')
	} else {
		b.WriteString(Blank(p.prefix() - 1))
	}
	room := p.width - p.prefix()
	if room <= 0 {
		return Fit("", p.width, "")
	}
	if !p.wraps(l) {
		message = Skip(message, p.skip)
	}
	text := Fit(message, room, th.Mark.Cut)
	b.WriteString(p.highlight(text, l.Level))
	return b.String()
}

// level draws the level's word in w cells: WARN and CRIT where there is no room for more.
func (p *LogPane) level(l slog.Level, w int) string {
	word := LevelName(l)
	if len(word) > w {
		word = word[:len("WARN")]
	}
	word = Fit(word, w, "")
	switch {
	case l >= 12:
		return p.theme.Critical.Paint(word)
	case l >= slog.LevelError:
		return p.theme.Bad.Paint(word)
	case l >= slog.LevelWarn:
		return p.theme.Warn.Paint(word)
	}
	return p.theme.Faint.Paint(word)
}

// highlight paints what the search finds in a row.
func (p *LogPane) highlight(text string, l slog.Level) string {
	style := p.theme.Faint
	if l >= slog.LevelInfo {
		style = p.theme.Plain
	}
	if p.query == "" {
		return style.Paint(text)
	}
	var b strings.Builder
	for {
		i := IndexFold(text, p.query)
		if i < 0 {
			b.WriteString(style.Paint(text))
			return b.String()
		}
		end := i + len(p.query)
		b.WriteString(style.Paint(text[:i]))
		b.WriteString(p.theme.Match.Paint(text[i:end]))
		text = text[end:]
	}
}
