package alerts

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/tui/widget"
)

// state is the word of the first column: where the colour is not seen, the mark and the word are.
func (m *Model) state(it *Item, now time.Time) widget.Cell {
	mark := m.theme.Mark
	switch {
	case !it.Open():
		return widget.Cell{Text: mark.Good + " ended", Style: m.theme.Good}
	case it.snoozed(now):
		return widget.Cell{Text: mark.Wait + " snoozed", Style: m.theme.Faint}
	case it.standing(now) == inHand:
		return widget.Cell{Text: mark.Wait + " in hand", Style: m.theme.Busy}
	}
	return widget.Cell{Text: mark.Warn + " open", Style: m.theme.Warn}
}

// brief is an alert's message in one line, without the packages before its worker's name, for which a table has no room.
func brief(a *engine.Alert) string {
	message := strings.ReplaceAll(a.Message, "\n", "; ")
	if _, after, ok := strings.Cut(message, "."+a.Worker+" "); ok && a.Worker != "" && !strings.Contains(message[:len(message)-len(after)-1], " ") {
		return a.Worker + " " + after
	}
	return message
}

// lasted is how long it has lasted, or did last.
func (it *Item) lasted(now time.Time) string {
	if it.Ended != nil {
		return widget.Duration(it.Ended.Sub(it.Time))
	}
	return widget.Duration(now.Sub(it.Time))
}

// Standing says in one line who has it in hand, what follows from it, and who was told.
func (it *Item) Standing(now time.Time) string {
	var parts []string
	if it.Ended != nil {
		parts = append(parts, "ended "+clock(*it.Ended, now)+orWords(": ", it.End))
	}
	parts = append(parts, it.hands(now)...)
	if it.Count > 1 {
		parts = append(parts, it.times(now))
	}
	if n := len(it.Consequences); n > 0 {
		parts = append(parts, fmt.Sprintf("%d follow from it", n))
	}
	if told := it.told(); told != "" {
		parts = append(parts, told)
	}
	return widget.Clean(strings.Join(parts, "; "))
}

// hands says who has it in hand.
func (it *Item) hands(now time.Time) []string {
	var parts []string
	if a := it.Acknowledged; a != nil {
		parts = append(parts, "acknowledged by "+mark(a, now))
	}
	if it.snoozed(now) {
		parts = append(parts, fmt.Sprintf("snoozed until %s by %s%s", clock(it.Snoozed.Until, now), it.Snoozed.Author, orWords(": ", it.Snoozed.Note)))
	}
	switch {
	case it.InHand != "":
		parts = append(parts, it.InHand)
	case len(parts) == 0 && it.Open() && it.ID == 0:
		parts = append(parts, "the alerter has not taken it up: nobody outside is told")
	case len(parts) == 0 && it.Open():
		parts = append(parts, "nobody has acknowledged it")
	}
	return parts
}

// mark says who, when and why.
func mark(a *feed.Mark, now time.Time) string {
	return a.Author + " at " + clock(a.Time, now) + orWords(": ", a.Note)
}

// times says how often it came.
func (it *Item) times(now time.Time) string {
	s := fmt.Sprintf("%d times", it.Count)
	if it.Last != nil {
		s += ", last " + clock(*it.Last, now)
	}
	return s
}

// told says which places outside were told, and which could not be so far; "" if none was to be.
func (it *Item) told() string {
	var arrived, not []string
	for _, s := range newest(it.Sent) {
		if s.Note == "" {
			arrived = append(arrived, s.To)
		} else {
			not = append(not, s.To+" ("+s.Note+")")
		}
	}
	var parts []string
	if len(not) > 0 { // first: it may be cut
		parts = append(parts, "has not arrived at "+strings.Join(not, ", "))
	}
	if len(arrived) > 0 {
		parts = append(parts, "told "+strings.Join(arrived, ", "))
	}
	return strings.Join(parts, "; ")
}

// newest returns what each place was told last, in the order in which they were told first.
func newest(sent []feed.Sent) []feed.Sent {
	var all []feed.Sent
	at := map[string]int{}
	for _, s := range sent {
		i, known := at[s.To]
		if !known {
			at[s.To] = len(all)
			all = append(all, s)
			continue
		}
		all[i] = s
	}
	return all
}

func clock(t, now time.Time) string { return widget.Clock(t.In(now.Location()), now) }

// orWords returns text behind what joins it, nothing if there is none.
func orWords(join, text string) string {
	if text == "" {
		return ""
	}
	return join + text
}
