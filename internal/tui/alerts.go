package tui

import (
	"encoding/json"
	"fmt"
	"slices"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// newAlerts returns those that want attention, newest first: not seen in this console, and not about what has been dealt with.
func (m *Model) newAlerts() []*feed.Raised { return m.openAlerts(false) }

// seenAlerts returns those that the operator has taken for seen, newest first, without what has been dealt with since.
func (m *Model) seenAlerts() []*feed.Raised { return m.openAlerts(true) }

func (m *Model) openAlerts(seen bool) []*feed.Raised {
	all := m.mirror.Alerts()
	var open []*feed.Raised
	for i := range slices.Backward(all) {
		a := &all[i]
		if m.seen[keyOf(a)] != seen || m.madeUp(a) {
			continue
		}
		if l := m.launchOf(a); l != nil && !m.again.Urgent(l, m.now) {
			continue
		}
		open = append(open, a)
	}
	return open
}

// alert returns the alert of the header, nil if there is none, and how many new ones the list has. The launches page has those
// about launches as rows at its top: the header need not say them twice, but counts them as the list does.
func (m *Model) alert() (newest *feed.Raised, count int) {
	open := m.newAlerts()
	for _, a := range open {
		if m.page != pageLaunches || m.launchOf(a) == nil {
			return a, len(open)
		}
	}
	return nil, len(open)
}

// launchOf returns the launch that an alert offers to repeat, nil if it is about something else.
func (m *Model) launchOf(a *feed.Raised) *launch.Launch {
	var args control.RelaunchArgs
	if a.Offer != control.CmdRelaunch || json.Unmarshal(a.Args, &args) != nil {
		return nil
	}
	return m.find(args.Launch)
}

// offer says what an alert offers in a few words, "" if nothing.
func (m *Model) offer(a *feed.Raised) string {
	if l := m.launchOf(a); l != nil {
		return fmt.Sprint("relaunch ", l.ID)
	}
	switch a.Offer {
	case "":
		return ""
	case control.CmdEvaluate:
		return "rule again"
	case control.CmdRunNow:
		return "run now"
	}
	return "do it" // the question says what
}

// maxAlert is how many lines an alert may take in the header.
const maxAlert = 2

// alertLines show the newest alert, with the keys that belong to it: at the bottom they would push out those of the page.
func (m *Model) alertLines(a *feed.Raised, count int) []string {
	keys := m.alertKeys(a, count)
	room := m.width - 2
	for _, p := range keys {
		room -= widget.Width(p.text)
	}
	text := fmt.Sprintf("%s %s %s: %s", m.theme.Mark.Warn, widget.Clock(a.Time.In(m.loc), m.now), a.Kind, a.Message)
	lines := widget.Wrap(widget.Clean(text), room)
	if len(lines) > maxAlert {
		lines = lines[:maxAlert]
		lines[maxAlert-1] = widget.Fit(lines[maxAlert-1], room-1, "") + m.theme.Mark.Cut
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		if i > 0 {
			l, keys = "  "+l, nil
		}
		out[i] = m.line([]part{{" " + l, m.theme.Warn}}, keys)
	}
	return out
}

// alertKeys draw the keys that belong to the newest alert; over an overlay they do other things.
func (m *Model) alertKeys(a *feed.Raised, count int) []part {
	if m.overlay != nil {
		return nil
	}
	var keys []part
	if word := m.offer(a); word != "" {
		keys = append(keys, part{"  g", m.theme.Key}, part{" " + word, m.theme.Faint})
	}
	all := " in full "
	if count > 1 {
		all = fmt.Sprintf(" all %d ", count)
	}
	return append(keys, part{"  a", m.theme.Key}, part{all, m.theme.Faint})
}
