package tui

import (
	"fmt"

	"charm.land/bubbles/v2/key"

	"nowcast/internal/core/feed"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// showAlerts shows the alerts in full: the new ones, and under them those that were seen.
func (m *Model) showAlerts() {
	if len(m.listed()) == 0 {
		m.say("there is no alert", false)
		return
	}
	m.overlay = m.newOverlay("")
	m.overlay.alerts = true
	m.overlay.list(m)
}

// listed returns the alerts as the list has them.
func (m *Model) listed() []*feed.Raised { return append(m.newAlerts(), m.seenAlerts()...) }

// list writes the alerts into the overlay.
func (o *overlay) list(m *Model) {
	var lines []widget.Line
	add := func(a *feed.Raised, mark string, style theme.Style) {
		lines = append(lines,
			widget.Line{Label: widget.Clock(a.Time.In(m.loc), m.now), Text: widget.Clean(a.Kind) + mark, Style: style},
			widget.Line{Text: widget.Clean(a.Message)})
	}
	fresh, seen := m.newAlerts(), m.seenAlerts()
	for _, a := range fresh {
		add(a, "", m.theme.Warn)
	}
	for _, a := range seen {
		add(a, ", seen", m.theme.Faint)
	}
	o.pager.SetLines(listTitle(len(fresh), len(seen)), lines)
}

// listTitle says how many alerts the list has, of which the header counts the new ones.
func listTitle(fresh, seen int) string {
	switch {
	case fresh+seen == 0:
		return "no alert any more"
	case fresh == 0:
		return fmt.Sprintf("no new alert, %d seen", seen)
	case seen > 0:
		return fmt.Sprintf("%d new, newest first, and %d seen", fresh, seen)
	case fresh == 1:
		return "alert"
	}
	return fmt.Sprintf("%d alerts, newest first", fresh)
}

// alertListKeys are the list's keys for the bottom of the screen.
func (m *Model) alertListKeys() []key.Binding {
	var keys []key.Binding
	if a := m.shownAlert(); a != nil && m.offer(a) != "" {
		offer := m.keys.Go
		offer.SetHelp("g", m.offer(a))
		keys = append(keys, offer)
	}
	if len(m.newAlerts()) > 0 {
		hide := m.keys.Alerts
		hide.SetHelp("a", "seen, hide them")
		keys = append(keys, hide)
	}
	return keys
}

// shownAlert returns the alert that g is about: the first of the list where that is open, else that of the header.
func (m *Model) shownAlert() *feed.Raised {
	if m.overlay == nil || !m.overlay.alerts {
		a, _ := m.alert()
		return a
	}
	if all := m.listed(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// noOffer says why g can do nothing, and where there is more.
func (m *Model) noOffer(shown *feed.Raised) string {
	switch {
	case shown != nil:
		return "the newest alert offers nothing"
	case len(m.newAlerts()) > 0: // about launches, on their page
		return "the alert is about a launch in this list: r relaunches it, a shows the alert"
	case len(m.seenAlerts()) > 0:
		return "there is no new alert: a shows those seen"
	}
	return "there is no alert"
}

// alertKey names an alert for good: not every alert has a number.
type alertKey struct {
	source string
	id, at int64
}

func keyOf(a *feed.Raised) alertKey { return alertKey{a.Source, a.ID, a.Time.UnixNano()} }

// hideAlerts takes all alerts for seen, in this console only.
func (m *Model) hideAlerts() {
	fresh := m.newAlerts()
	for _, a := range fresh {
		m.seen[keyOf(a)] = true
	}
	if len(fresh) > 0 {
		m.say("hidden as seen: a shows them again", false)
	}
}
