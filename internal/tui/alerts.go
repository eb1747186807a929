package tui

import (
	"encoding/json"
	"fmt"
	"slices"

	"charm.land/bubbles/v2/key"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// alerts returns those that still want attention, newest first: not hidden, and not about a launch that has been dealt with.
func (m *Model) alerts() []*feed.Raised {
	all := m.mirror.Alerts()
	var open []*feed.Raised
	for i := range slices.Backward(all) {
		a := &all[i]
		if l := m.launchOf(a); m.hidden[seen(a)] || l != nil && !m.again.Urgent(l, m.now) {
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
	if a.Offer == control.CmdEvaluate {
		return "rule again"
	}
	return widget.Clean(a.Offer)
}

// maxAlert is how many lines an alert may take in the header.
const maxAlert = 2

// alertLines show the newest alert. The keys that belong to it are in the footer.
func (m *Model) alertLines(a *feed.Raised, count int) []string {
	text := fmt.Sprintf("%s %s %s: %s", m.theme.Mark.Warn, widget.Clock(a.Time.In(m.loc), m.now), a.Kind, a.Message)
	more := ""
	if count > 1 {
		more = fmt.Sprintf("  %d more ", count-1)
	}
	lines := widget.Wrap(widget.Clean(text), m.width-2-len(more))
	if len(lines) > maxAlert {
		lines = lines[:maxAlert]
		lines[maxAlert-1] = widget.Fit(lines[maxAlert-1], m.width-16, "") + m.theme.Mark.Cut + " (a: all)"
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		if i > 0 {
			l, more = "  "+l, ""
		}
		out[i] = m.line([]part{{" " + l, m.theme.Warn}}, []part{{more, m.theme.Faint}})
	}
	return out
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

// alertKeys are the keys that belong to alerts.
func (m *Model) alertKeys() []key.Binding {
	var keys []key.Binding
	a, _ := m.alert()
	if m.overlay != nil && m.overlay.alerts {
		if open := m.alerts(); len(open) > 0 {
			a = open[0]
		}
	}
	if a == nil {
		return nil
	}
	if word := m.offer(a); word != "" {
		offer := m.keys.Go
		offer.SetHelp("g", word)
		keys = append(keys, offer)
	}
	return append(keys, m.keys.Alerts)
}
