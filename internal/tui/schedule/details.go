package schedule

import (
	"cmp"
	"slices"
	"time"

	"nowcast/internal/tui/widget"
)

// missed says in words what becomes of due times while the scheduler is down.
var missed = map[string]string{
	"run":    "run: launched once when the scheduler is back",
	"skip":   "skip: not made up for",
	"report": "report: an alert offers to launch it",
}

// Describe says everything about an entry: how it stands first, then what it is, then its last runs, newest first.
func (m *Model) Describe(e *Entry, now time.Time) []widget.Line {
	standing, style := m.standing(e, now)
	if left := e.Next.Sub(now); m.Alive && !e.Held && e.Problem == "" && left > 0 {
		standing += ", in " + countdown(left)
	}
	lines := []widget.Line{{Label: "state", Text: widget.Clean(standing), Style: style}}
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, widget.Line{Label: label, Text: widget.Clean(text)})
		}
	}
	add("entry", e.ID)
	add("worker", e.Worker.Module)
	add("arguments", widget.JoinWords(e.Worker.Args))
	add("host", e.Worker.Host)
	add("when", e.When)
	if !e.Next.IsZero() {
		add("next due", e.Next.In(now.Location()).Format("Mon 2006-01-02 15:04:05 MST"))
	}
	add("time zone", cmp.Or(e.Timezone, "local time"))
	word := missed[e.Missed]
	if word == "" {
		word = e.Missed
	}
	add("if missed", word)
	return append(append(lines, widget.Line{}), m.runs(e, now)...)
}

// runs lists the last runs, newest first.
func (m *Model) runs(e *Entry, now time.Time) []widget.Line {
	if len(e.Runs) == 0 {
		return []widget.Line{{Label: "last runs", Text: "none yet", Style: m.theme.Faint}}
	}
	lines := []widget.Line{{Text: "Last runs, newest first", Style: m.theme.Title, Head: true}}
	for _, r := range slices.Backward(e.Runs) {
		mark, style := m.theme.Mark.Wait, m.theme.Warn
		switch {
		case r.State != "":
			mark, style = m.theme.State(r.State)
		case r.Launch != 0:
			mark, style = m.theme.Mark.Lost, m.theme.Faint
		}
		lines = append(lines, widget.Line{Label: m.dueAndTime(&r, now), Text: mark + " " + widget.Clean(r.String()), Style: style})
	}
	return lines
}

// dueAndTime is the due time of a run and, where that was another, the time of what was done.
func (m *Model) dueAndTime(r *Run, now time.Time) string {
	due := r.Due.In(now.Location()).Format(time.DateTime)
	switch {
	case r.Due.IsZero() || r.Author != "":
		return r.Time.In(now.Location()).Format(time.DateTime)
	case r.Time.Sub(r.Due) > late:
		return due + " +" + countdown(r.Time.Sub(r.Due))
	}
	return due
}
