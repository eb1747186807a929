package alerts

import (
	"strconv"
	"strings"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/tui/widget"
)

// Describe says everything about an item: what it is first, then who has it in hand, who was told, and what followed from it.
func (m *Model) Describe(it *Item, now time.Time) []widget.Line {
	state := m.state(it, now)
	lines := []widget.Line{{Label: "state", Text: state.Text + " for " + it.lasted(now), Style: state.Style}}
	if it.Ended != nil {
		lines[0].Text = state.Text + " " + stamp(*it.Ended, now) + " after " + it.lasted(now) + widget.Clean(orWords(": ", it.End))
	}
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, widget.Line{Label: label, Text: widget.Clean(text)})
		}
	}
	label := "message"
	for l := range strings.Lines(it.Message) {
		add(label, strings.TrimRight(l, "\r\n"))
		label = ""
	}
	add("kind", it.Kind)
	add("worker", it.Worker)
	if it.Launch != 0 {
		add("launch", launchNumber(&it.Alert))
	}
	add("said by", it.Source)
	add("since", stamp(it.Time, now))
	if it.Count > 1 {
		add("came", it.times(now))
	}
	add("offers", orWords("r ", it.Does))
	label = "in hand"
	for _, h := range it.hands(now) {
		add(label, h)
		label = ""
	}
	lines = append(lines, m.sent(it, now)...)
	return append(lines, m.consequences(it, now)...)
}

// sent lists who was told what and when, and what has not arrived.
func (m *Model) sent(it *Item, now time.Time) []widget.Line {
	if len(it.Sent) == 0 {
		return []widget.Line{{Label: "told", Text: "nobody outside", Style: m.theme.Faint}}
	}
	lines := []widget.Line{{}, {Text: "Told", Style: m.theme.Title, Head: true}}
	for _, s := range it.Sent {
		l := widget.Line{Label: clock(s.Time, now), Text: m.theme.Mark.Good + " " + widget.Clean(s.What+" to "+s.To), Style: m.theme.Good}
		if s.Note != "" {
			l.Text, l.Style = m.theme.Mark.Bad+" "+widget.Clean(s.What+" has not arrived at "+s.To+" so far: "+s.Note), m.theme.Bad
		}
		lines = append(lines, l)
	}
	return lines
}

// consequences lists what followed.
func (m *Model) consequences(it *Item, now time.Time) []widget.Line {
	if len(it.Consequences) == 0 {
		return nil
	}
	lines := []widget.Line{{}, {Text: "What follows from it", Style: m.theme.Title, Head: true}}
	for i := range it.Consequences {
		c := &it.Consequences[i]
		text := c.Kind + ": " + strings.ReplaceAll(c.Message, "\n", "; ")
		if c.Launch != 0 {
			text += " (launch " + launchNumber(c) + ")"
		}
		style := m.theme.Warn
		if c.Ended != nil {
			text, style = text+"; ended "+clock(*c.Ended, now)+orWords(": ", c.End), m.theme.Faint
		}
		lines = append(lines, widget.Line{Label: clock(c.Time, now), Text: widget.Clean(text), Style: style})
	}
	return lines
}

func launchNumber(a *engine.Alert) string { return strconv.FormatInt(a.Launch, 10) }

// stamp shows a time with its date and time zone.
func stamp(t, now time.Time) string { return t.In(now.Location()).Format("2006-01-02 15:04:05 MST") }
