package checklist

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/tui/widget"
)

const (
	indent     = 2   // cells per level
	wide       = 100 // from this width on there is room for who has changed an entry
	maxPreview = 100 // entries; a larger container is not sorted for the sake of one line
)

// View draws the page as of now.
func (m *Model) View(now time.Time) []string {
	out := make([]string, 0, m.height)
	out = append(out, m.heading(now))
	if len(m.rows) == 0 {
		text := "  The checklist is empty. What workers report appears here."
		if !m.Known {
			text = "  Not known yet."
		}
		out = append(out, m.theme.Faint.Paint(widget.Fit(text, m.width, m.theme.Mark.Cut)))
	}
	top, end := m.scroll.Window()
	for i := top; i < end; i++ {
		out = append(out, m.row(&m.rows[i], i == m.scroll.Cursor, now))
	}
	for len(out) < m.height {
		out = append(out, widget.Blank(m.width))
	}
	return out
}

func (m *Model) heading(now time.Time) string {
	if m.prompt != nil {
		note := ""
		if m.miss {
			note = " no such text "
		}
		return m.prompt.View(m.width-len(note)) + m.theme.Warn.Paint(note)
	}
	remark := ""
	switch {
	case m.miss:
		remark = "no such text"
	case m.query != "":
		remark = "/" + widget.Clean(m.query) + "  n next, N previous, esc ends"
	case len(m.rows) > 0:
		remark = fmt.Sprintf("row %d of %d", m.scroll.Cursor+1, len(m.rows))
	}
	return widget.Heading(m.theme, "checklist, "+kind(m.values)+m.changed(now), remark, m.width)
}

// changed says when the checklist changed last, as far as this console has seen.
func (m *Model) changed(now time.Time) string {
	if m.last.at.IsZero() {
		return ""
	}
	switch ago := now.Sub(m.last.at); {
	case ago < time.Second:
		return ", changed just now" + by(m.last.author)
	case ago < time.Minute:
		return fmt.Sprintf(", changed %ds ago%s", int(ago.Seconds()), by(m.last.author))
	default:
		return ", changed " + widget.Duration(ago) + " ago" + by(m.last.author)
	}
}

func by(author string) string {
	if author == "" {
		return ""
	}
	return " by " + widget.Clean(author)
}

// row draws one entry: key, value or what it contains, and its age if it has just changed.
func (m *Model) row(r *row, selected bool, now time.Time) string {
	mark := m.theme.Mark.Leaf
	if size(r.value) > 0 {
		mark = m.theme.Mark.Closed
		if m.open[r.path] {
			mark = m.theme.Mark.Open
		}
	}
	key := "-"
	if !r.list {
		key = scalar(r.key) + ":"
	}
	head := widget.Blank(1+r.depth*indent) + mark + " " + key + " "
	value, faint := m.value(r)

	note := m.note(r.path, now)
	room := m.width - widget.Width(note)
	if w := room * 2 / 3; widget.Width(head) > w {
		head = widget.Fit(head, w-1, m.theme.Mark.Cut) + " "
	}
	value = widget.Fit(value, room-widget.Width(head), m.theme.Mark.Cut)
	if selected {
		return m.theme.Selected.Paint(head + value + note)
	}
	style := m.theme.Plain
	if faint {
		style = m.theme.Faint
	}
	if i := widget.IndexFold(head+value, m.query); m.query != "" && i >= 0 {
		all, end := head+value, i+len(m.query)
		return all[:i] + m.theme.Match.Paint(all[i:end]) + all[end:] + m.theme.Fresh.Paint(note)
	}
	return head + style.Paint(value) + m.theme.Fresh.Paint(note)
}

// value shows what is at a row: a scalar, or a container's size and the beginning of what is in it.
func (m *Model) value(r *row) (text string, faint bool) {
	n := size(r.value)
	if n < 0 {
		return scalar(r.value), false
	}
	text = kind(r.value)
	if n > 0 && n <= maxPreview && !m.open[r.path] {
		text += "  " + m.preview(r.value)
	}
	return text, true
}

// preview is the beginning of a container in one line.
func (m *Model) preview(v pyyaml.Value) string {
	var parts []string
	length := 0
	m.children(v, nil, func(key, value pyyaml.Value, list bool) bool {
		part := ""
		switch {
		case !list && size(value) >= 0:
			part = scalar(key)
		case !list:
			part = scalar(key) + ": " + scalar(value)
		default:
			part = scalar(value)
		}
		parts = append(parts, part)
		length += len(part) + 2
		return length < m.width
	})
	return strings.Join(parts, ", ")
}

// note marks an entry that has just changed.
func (m *Model) note(path string, now time.Time) string {
	t, ok := m.fresh[path]
	age := now.Sub(t.at)
	if !ok || age >= freshFor {
		return ""
	}
	note := fmt.Sprintf(" %s %ds", m.theme.Mark.Fresh, max(0, int(age.Seconds())))
	if m.width >= wide {
		author := by(t.author)
		note += " ago" + widget.Fit(author, min(30, widget.Width(author)), m.theme.Mark.Cut)
	}
	return note
}
