package tui

import (
	"fmt"
	"strings"

	"nowcast/internal/core/engine"
	"nowcast/internal/tui/alerts"
	"nowcast/internal/tui/widget"
)

// alert returns the alert of the header, nil if there is none: the newest that nobody has in hand. The alerts page has them all,
// and the launches page has those about launches as rows at its top: the header need not say them twice.
func (m *Model) alert() *alerts.Item {
	if m.page == pageAlerts {
		return nil
	}
	for _, it := range m.alerts.Fresh(m.now) {
		if m.page != pageLaunches || m.launchOf(&it.Alert) == nil {
			return it
		}
	}
	return nil
}

// maxAlert is how many lines an alert may take in the header.
const maxAlert = 2

// alertLines show the newest alert, with the keys that belong to it: at the bottom they would push out those of the page.
func (m *Model) alertLines(it *alerts.Item) []string {
	keys := m.alertKeys(it)
	room := m.width - 2
	for _, p := range keys {
		room -= widget.Width(p.text)
	}
	at, times := it.Time, "" // of the newest time, as the text is of that
	if it.Last != nil {
		at = *it.Last
	}
	if it.Count > 1 {
		times = fmt.Sprintf(", %d times", it.Count)
	}
	text := fmt.Sprintf("%s %s %s%s: %s", m.theme.Mark.Warn, widget.Clock(at.In(m.loc), m.now), it.Kind, times, strings.ReplaceAll(it.Message, "\n", "; "))
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
func (m *Model) alertKeys(it *alerts.Item) []part {
	if m.overlay != nil {
		return nil
	}
	var keys []part
	if it.Does != "" {
		keys = append(keys, part{"  g", m.theme.Key}, part{" " + widget.Clean(it.Does), m.theme.Faint})
	}
	all := " alerts "
	if n := len(m.alerts.Fresh(m.now)); n > 1 {
		all = fmt.Sprintf(" all %d ", n)
	}
	return append(keys, part{"  a", m.theme.Key}, part{all, m.theme.Faint})
}

// askNewest asks what the alert of the header offers.
func (m *Model) askNewest() {
	it := m.alert()
	switch fresh := m.alerts.Fresh(m.now); {
	case it != nil && it.Does != "":
		var a engine.Alert = it.Alert
		m.askOffer(it.Source, &a)
	case it != nil:
		m.say("the newest alert offers nothing: a shows it", true)
	case len(fresh) > 0:
		m.say("the alert is about a launch in this list: r relaunches it, a shows the alert", true)
	default:
		m.say("there is no alert that nobody has in hand: a shows all", true)
	}
}
