package launches

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// Barrier is an open barrier (specs: compat section 1, step 6d).
type Barrier struct {
	ID      int64
	Opened  time.Time
	Cause   string
	Missing []string // as in launch.Next.Await
	Held    []launch.NextWorker
}

// String says what it waits for and holds.
func (b Barrier) String() string { return "waiting, " + b.short() }

// short is what stands beside the word waiting.
func (b Barrier) short() string {
	held := "nothing held yet"
	if len(b.Held) > 0 {
		held = fmt.Sprint(len(b.Held), " held")
	}
	return held + ", for " + strings.Join(b.Missing, ", ")
}

// holds names what is held.
func (b Barrier) holds() string {
	if len(b.Held) == 0 {
		return "holds nothing yet"
	}
	names := make([]string, len(b.Held))
	for i, n := range b.Held {
		names[i] = n.String()
	}
	return "holds " + strings.Join(names, "; ")
}

// Describe says everything about a barrier: since when, who is missing and how each of them stands, and what is held. All is
// newest first.
func (b Barrier) Describe(t *theme.Theme, all []*launch.Launch, again Again, now time.Time) []widget.Line {
	lines := []widget.Line{
		{Label: "state", Text: t.Mark.Wait + " waiting for " + widget.Duration(now.Sub(b.Opened)), Style: t.Warn},
		{Label: "opened", Text: stamp(&b.Opened, now)},
		{Label: "because of", Text: widget.Clean(orNone(b.Cause))},
		{},
		{Text: "Who is missing", Style: t.Title, Head: true},
	}
	for _, element := range b.Missing {
		lines = append(lines, b.missing(t, element, all, again, now))
	}
	lines = append(lines, widget.Line{}, widget.Line{Text: "What is launched then; b launches it now", Style: t.Title, Head: true})
	for _, n := range b.Held {
		lines = append(lines, widget.Line{Text: widget.Clean(Command(&launch.Launch{NextWorker: n}))})
	}
	if len(b.Held) == 0 {
		lines = append(lines, widget.Line{Text: "nothing so far", Style: t.Faint})
	}
	return lines
}

// missing says how one that the barrier waits for stands: whether it runs, or will not report any more.
func (b Barrier) missing(t *theme.Theme, element string, all []*launch.Launch, again Again, now time.Time) widget.Line {
	worker, args := launch.Awaited(element)
	line := widget.Line{Label: widget.Clean(element)}
	i := slices.IndexFunc(all, func(l *launch.Launch) bool {
		return l.Name() == worker && !slices.ContainsFunc(args, func(a string) bool { return !slices.Contains(l.Args, a) })
	})
	if i < 0 {
		line.Text, line.Style = t.Mark.Lost+" was not launched, as far as is known here", t.Warn
		return line
	}
	l := all[i]
	mark, style := again.mark(t, l)
	line.Text, line.Style = fmt.Sprintf("%s %d %s", mark, l.ID, again.Standing(l, now)), style
	if l.Decided.Before(b.Opened) && l.State.Final() {
		line.Text, line.Style = fmt.Sprintf("%s was not launched since; before, %d %s", t.Mark.Lost, l.ID, again.Standing(l, now)), t.Warn
	}
	return line
}
