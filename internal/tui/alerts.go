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

// alerts returns those that still want attention, newest first: not hidden, and not about what has been dealt with.
func (m *Model) alerts() []*feed.Raised {
	all := m.mirror.Alerts()
	var open []*feed.Raised
	for i := range slices.Backward(all) {
		a := &all[i]
		if l := m.launchOf(a); m.hidden[seen(a)] || m.madeUp(a) || l != nil && !m.again.Urgent(l, m.now) {
			continue
		}
		open = append(open, a)
	}
	return open
}

// alert returns the alert of the header, and how many there are. The launches page has those about launches as rows at its top:
// it need not say them twice.
func (m *Model) alert() (newest *feed.Raised, count int) {
	for _, a := range m.alerts() {
		if m.page == pageLaunches && m.launchOf(a) != nil {
			continue
		}
		if newest == nil {
			newest = a
		}
		count++
	}
	return newest, count
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

// openAlerts shows all alerts in full.
func (m *Model) openAlerts() {
	if len(m.alerts()) == 0 {
		m.say("there is no alert", false)
		return
	}
	m.overlay = m.newOverlay("")
	m.overlay.alerts = true
	m.overlay.list(m)
}

// list writes the alerts into the overlay.
func (o *overlay) list(m *Model) {
	var lines []widget.Line
	open := m.alerts()
	for _, a := range open {
		lines = append(lines,
			widget.Line{Label: widget.Clock(a.Time.In(m.loc), m.now), Text: widget.Clean(a.Kind), Style: m.theme.Warn},
			widget.Line{Text: widget.Clean(a.Message)})
	}
	title := fmt.Sprintf("%d alerts, newest first", len(open))
	if len(open) < 2 {
		title = "alert"
	}
	o.pager.SetLines(title, lines)
}

// alertKey names an alert for good: not every alert has a number.
type alertKey struct {
	source string
	id, at int64
}

func seen(a *feed.Raised) alertKey { return alertKey{a.Source, a.ID, a.Time.UnixNano()} }

// hideAlerts takes all alerts for seen, in this console only.
func (m *Model) hideAlerts() {
	for _, a := range m.alerts() {
		m.hidden[seen(a)] = true
	}
}
