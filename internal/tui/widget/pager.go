package widget

import (
	"charm.land/bubbles/v2/key"

	"nowcast/internal/tui/theme"
)

// Line is one line of a pager: clean text in one style, after an optional label.
type Line struct {
	Label string
	Text  string
	Style theme.Style
	Head  bool // a title: it begins where labels do
}

// Pager shows a text under a title, wrapped, and scrolls it.
type Pager struct {
	theme  *theme.Theme
	title  string
	lines  []Line
	rows   []Line // lines, wrapped to the width
	label  int    // cells of the widest label
	top    int
	width  int
	height int // without the title
	atEnd  bool
}

// NewPager returns a pager that shows the beginning.
func NewPager(t *theme.Theme, title string) *Pager { return &Pager{theme: t, title: title} }

// SetLines gives it other lines. If the end was in sight after ShowEnd, it stays in sight.
func (p *Pager) SetLines(title string, lines []Line) {
	p.title, p.lines = title, lines
	p.lay()
}

// ShowEnd scrolls to the end, and keeps to it until scrolled up.
func (p *Pager) ShowEnd() {
	p.atEnd = true
	p.scroll(0)
}

// SetSize tells how much room there is.
func (p *Pager) SetSize(width, height int) {
	if p.width == width && p.height == height-1 {
		return
	}
	p.width, p.height = width, max(height-1, 0)
	p.lay()
}

// lay wraps the lines.
func (p *Pager) lay() {
	p.label = 0
	for _, l := range p.lines {
		p.label = max(p.label, Width(l.Label))
	}
	p.label = min(p.label, p.width/3)
	p.rows = p.rows[:0]
	indent := p.indent()
	for _, l := range p.lines {
		if l.Head {
			p.rows = append(p.rows, l)
			continue
		}
		for i, text := range Wrap(l.Text, p.width-indent-1) {
			label := l.Label
			if i > 0 {
				label = ""
			}
			p.rows = append(p.rows, Line{Label: label, Text: text, Style: l.Style})
		}
	}
	p.scroll(0)
}

func (p *Pager) indent() int {
	if p.label == 0 {
		return 1
	}
	return p.label + 3
}

func (p *Pager) scroll(delta int) {
	last := max(len(p.rows)-p.height, 0)
	if delta < 0 {
		p.atEnd = false
	}
	if p.atEnd {
		p.top = last
		return
	}
	p.top = max(0, min(p.top+delta, last))
}

// Key scrolls if k is a navigation key, and tells whether it was one.
func (p *Pager) Key(n Navigation, k interface{ String() string }) bool {
	if key.Matches(k, n.End) {
		p.ShowEnd()
		return true
	}
	delta, home, _, ok := n.Step(k, p.height)
	if home {
		delta = -len(p.rows)
	}
	if ok {
		p.scroll(delta)
	}
	return ok
}

// View draws the title and the rows in sight.
func (p *Pager) View() []string {
	out := []string{Heading(p.theme, p.title, p.position(), p.width)}
	for i := p.top; i < len(p.rows) && len(out) <= p.height; i++ {
		r := p.rows[i]
		if r.Head {
			out = append(out, " "+r.Style.Paint(Fit(r.Text, p.width-1, p.theme.Mark.Cut)))
			continue
		}
		head := " "
		if p.label > 0 {
			head = " " + p.theme.Faint.Paint(Fit(r.Label, p.label, p.theme.Mark.Cut)) + "  "
		}
		out = append(out, head+r.Style.Paint(Fit(r.Text, p.width-p.indent(), p.theme.Mark.Cut)))
	}
	for len(out) <= p.height {
		out = append(out, Blank(p.width))
	}
	return out
}

// position says what part is in sight, where not everything is.
func (p *Pager) position() string {
	switch {
	case len(p.rows) <= p.height:
		return ""
	case p.top == 0:
		return "top"
	case p.top >= len(p.rows)-p.height:
		return "end"
	}
	return itoa(100*p.top/(len(p.rows)-p.height)) + " %"
}
