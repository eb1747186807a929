package launches

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// origin says where a launch comes from and how to find it.
func origin(l *launch.Launch) string {
	s := "because of " + orNone(l.Cause)
	if l.PID != 0 {
		s += fmt.Sprint(", pid ", l.PID)
	}
	return widget.Clean(s)
}

func orNone(s string) string {
	if s == "" {
		return "nothing known"
	}
	return s
}

const (
	maxChain = 50 // how far a chain of causes is followed
	lastLog  = 20 // log records in the details; the key for all of them is below
)

// Describe says everything about a launch: how it stands and why first, then what it was, what it logged last, and what caused
// it, back to the beginning. Find returns a launch by its number, nil if it is not known any more.
func Describe(t *theme.Theme, l *launch.Launch, again Again, log *widget.LogBuffer, now time.Time, find func(int64) *launch.Launch) []widget.Line {
	_, style := again.mark(t, l)
	lines := []widget.Line{{Label: "state", Text: again.Standing(l, now), Style: style}}
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, widget.Line{Label: label, Text: widget.Clean(text)})
		}
	}
	add("launch", Title(l))
	add("because of", orNone(l.Cause))
	add("attempt", attempt(l))
	add("started", started(l, now))
	add("ended", stamp(l.Ended, now))
	add("takes", usual(l))
	add("process", process(l))
	add("used", used(l))
	add("command", widget.JoinWords(l.Argv))
	add("output", l.Output)
	label := "reports"
	for _, r := range l.Reports {
		guess := ""
		if r.Guess {
			guess = "  (taken to be from this launch: no other could have sent it)"
		}
		lines = append(lines, widget.Line{Label: label, Text: widget.Clean(stamp(&r.Time, now) + "  " + r.Type + guess)})
		label = ""
	}
	switch {
	case l.Refused != "":
		add(label, fmt.Sprintf("%q was refused: that type is not in the message registry", l.Refused))
	case len(l.Reports) == 0:
		add(label, "none")
	}
	lines = append(lines, logged(t, l, log, now)...)
	return append(lines, chain(t, l, again, find)...)
}

// started says when a launch began, and when that was decided if it had to wait.
func started(l *launch.Launch, now time.Time) string {
	decided := stamp(&l.Decided, now)
	switch {
	case l.Started == nil:
		return "not yet; decided " + decided
	case l.Started.Sub(l.Decided) < time.Second:
		return stamp(l.Started, now)
	}
	return stamp(l.Started, now) + ", decided " + decided
}

// process says which process it was and how that ended.
func process(l *launch.Launch) string {
	var parts []string
	if l.PID != 0 {
		pid := fmt.Sprint("pid ", l.PID)
		if l.Machine != "" {
			pid += " on " + l.Machine
		}
		parts = append(parts, pid)
	}
	if l.Exit != nil {
		parts = append(parts, fmt.Sprint("exit status ", *l.Exit))
	}
	if l.Signal != "" {
		parts = append(parts, "signal "+l.Signal)
	}
	if l.KilledBy != "" {
		parts = append(parts, "killed by "+l.KilledBy)
	}
	return strings.Join(parts, ", ")
}

// logged is the end of a launch's log.
func logged(t *theme.Theme, l *launch.Launch, log *widget.LogBuffer, now time.Time) []widget.Line {
	records := log.Last(LogOf(l), lastLog)
	if len(records) == 0 {
		return []widget.Line{{Label: "log", Text: "nothing that is kept here", Style: t.Faint}}
	}
	lines := []widget.Line{{}}
	if slices.ContainsFunc(records, func(r *widget.LogLine) bool { return r.Launch == 0 }) {
		lines = append(lines, widget.Line{Label: "log", Text: "by name and time: other launches of " + widget.Clean(l.Name()) + " may be in it", Style: t.Faint})
	}
	for _, r := range records {
		style := t.Plain
		switch {
		case r.Level >= slog.LevelError:
			style = t.Bad
		case r.Level >= slog.LevelWarn:
			style = t.Warn
		case r.Level < slog.LevelInfo:
			style = t.Faint
		}
		label, word := r.Time.In(now.Location()).Format("15:04:05"), widget.LevelName(r.Level)+" "
		for _, text := range strings.Split(r.Text, "\n") {
			lines = append(lines, widget.Line{Label: label, Text: word + text, Style: style})
			label, word = "", ""
		}
	}
	return append(lines, widget.Line{})
}

// chain lists what caused the launch, back to the beginning.
func chain(t *theme.Theme, l *launch.Launch, again Again, find func(int64) *launch.Launch) []widget.Line {
	var lines []widget.Line
	label := "caused by"
	for n := 0; l.Parent != 0 && n < maxChain; n++ {
		parent := find(l.Parent)
		if parent == nil {
			return append(lines, widget.Line{Label: label, Text: fmt.Sprintf("launch %d, which is too old to be shown here", l.Parent), Style: t.Faint})
		}
		l = parent
		mark, style := again.mark(t, l)
		lines = append(lines, widget.Line{Label: label, Text: mark + " " + Title(l) + ": " + string(l.State), Style: style})
		label = ""
	}
	if l.Cause != "" && len(lines) > 0 {
		lines = append(lines, widget.Line{Text: "  because of " + widget.Clean(l.Cause), Style: t.Faint})
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
