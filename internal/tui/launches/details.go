package launches

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// Standing says in one line how a launch stands, and why.
func Standing(l *launch.Launch, now time.Time) string {
	s := string(l.State)
	if l.Started != nil {
		verb := " after "
		if !l.State.Final() {
			verb = " for "
		}
		s += verb + widget.Duration(l.Duration(now))
	}
	switch {
	case l.Note != "":
		s += ": " + l.Note
	case l.LastReport() != "":
		s += ": reported " + l.LastReport()
	}
	return widget.Clean(s)
}

// origin says where a launch comes from and how to find it.
func origin(l *launch.Launch) string {
	parts := []string{"caused by " + orNone(l.Cause)}
	if l.PID != 0 {
		parts = append(parts, fmt.Sprint("pid ", l.PID))
	}
	if l.Exit != nil {
		parts = append(parts, fmt.Sprint("exit ", *l.Exit))
	}
	if l.Signal != "" {
		parts = append(parts, "signal "+l.Signal)
	}
	return widget.Clean(strings.Join(parts, ", "))
}

func orNone(s string) string {
	if s == "" {
		return "nothing known"
	}
	return s
}

// maxChain bounds how far a chain of causes is followed.
const maxChain = 50

// Describe says everything about a launch. Find returns a launch by its number, nil if it is not known any more.
func Describe(t *theme.Theme, l *launch.Launch, now time.Time, find func(int64) *launch.Launch) []widget.Line {
	_, style := StateMark(t, l.State)
	lines := []widget.Line{{Label: "state", Text: Standing(l, now), Style: style}}
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, widget.Line{Label: label, Text: widget.Clean(text)})
		}
	}
	add("worker", l.Module)
	add("arguments", widget.JoinWords(l.Args))
	add("host", l.Host)
	add("decided", stamp(&l.Decided, now))
	add("started", stamp(l.Started, now))
	add("ended", stamp(l.Ended, now))
	if l.PID != 0 {
		add("pid", fmt.Sprint(l.PID))
	}
	if l.Exit != nil {
		add("exit status", fmt.Sprint(*l.Exit))
	}
	add("signal", l.Signal)
	add("killed by", l.KilledBy)
	add("command", widget.JoinWords(l.Argv))
	add("output", l.Output)
	if len(l.Reports) == 0 {
		add("reports", "none")
	}
	for i, r := range l.Reports {
		label := ""
		if i == 0 {
			label = "reports"
		}
		guess := ""
		if r.Guess {
			guess = "  (taken to be from this launch: no other could have sent it)"
		}
		lines = append(lines, widget.Line{Label: label, Text: widget.Clean(stamp(&r.Time, now) + "  " + r.Type + guess)})
	}
	return append(lines, chain(t, l, find)...)
}

// chain lists what caused the launch, back to the beginning.
func chain(t *theme.Theme, l *launch.Launch, find func(int64) *launch.Launch) []widget.Line {
	lines := []widget.Line{{Label: "caused by", Text: widget.Clean(orNone(l.Cause))}}
	for n := 0; l.Parent != 0 && n < maxChain; n++ {
		parent := find(l.Parent)
		if parent == nil {
			return append(lines, widget.Line{Text: fmt.Sprintf("launch %d, which is too old to be shown here", l.Parent), Style: t.Faint})
		}
		l = parent
		mark, style := StateMark(t, l.State)
		lines = append(lines,
			widget.Line{Text: mark + " " + Title(l) + ", " + string(l.State), Style: style},
			widget.Line{Text: "  caused by " + widget.Clean(orNone(l.Cause)), Style: t.Faint})
	}
	return lines
}

// stamp shows a time in the zone of now, "" if it is not known.
func stamp(t *time.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.In(now.Location()).Format("2006-01-02 15:04:05.000")
}
