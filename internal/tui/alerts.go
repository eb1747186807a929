package tui

import (
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/tui/alerts"
	"nowcast/internal/tui/link"
)

// takeUp is how long the alerter may take to make an incident of an alert; then the alert is shown without.
const takeUp = 5 * time.Second

// handAlerts gives the page the incidents, and the alerts that the alerter has not taken up: without an alerter, all of them.
func (m *Model) handAlerts() {
	incidents, known := m.mirror.Incidents()
	m.alerts.Known = known || m.known()
	var items []alerts.Item
	have := map[alerts.Identity]bool{}
	for i := range incidents {
		it := alerts.Item{Incident: incidents[i]}
		have[it.Identity()] = true
		for c := range it.Consequences {
			have[alerts.IdentityOf("", &it.Consequences[c])] = true // it may be another daemon's
		}
		items = append(items, it)
	}
	alive := m.alerting()
	if !alive {
		m.endSince(items)
	}
	for _, a := range m.mirror.Alerts() {
		took := a.Open() && alive && m.now.Sub(a.Time) < takeUp
		old := !a.Open() && known // the alerter knows better what it has ended
		folded := have[alerts.IdentityOf("", &a.Alert)]
		if !took && !old && !folded && !have[alerts.IdentityOf(a.Source, &a.Alert)] {
			items = append(items, alerts.Item{Incident: feed.Incident{Source: a.Source, Alert: a.Alert}})
		}
	}
	items = slices.DeleteFunc(items, func(it alerts.Item) bool { return it.Ended != nil && m.now.Sub(*it.Ended) > alerts.Kept })
	for i := range items {
		m.describeAlert(&items[i])
	}
	m.alerts.Set(items, m.now)
}

// endSince takes over which alerts have ended since the alerter was heard last.
func (m *Model) endSince(items []alerts.Item) {
	ended := map[alerts.Identity]*engine.Alert{}
	for _, a := range m.mirror.Alerts() {
		if !a.Open() {
			ended[alerts.IdentityOf(a.Source, &a.Alert)] = &a.Alert
		}
	}
	for i := range items {
		if e := ended[items[i].Identity()]; e != nil && items[i].Open() {
			items[i].Ended, items[i].End = e.Ended, e.End
		}
	}
}

// describeAlert says what an alert offers, and what is being done about it already.
func (m *Model) describeAlert(it *alerts.Item) {
	if it.Ended != nil {
		return
	}
	it.Does = m.offer(&it.Alert)
	it.ConsequenceDoes = make([]string, len(it.Consequences))
	for c := range it.Consequences {
		it.ConsequenceDoes[c] = m.offer(&it.Consequences[c])
	}
	switch l := m.launchOf(&it.Alert); {
	case l != nil:
		it.InHand = m.again.Since(l)
	case m.madeUp(&it.Alert):
		it.InHand = "launched since by an operator"
	}
}

// alerting tells whether there is an alerter that makes incidents of alerts.
func (m *Model) alerting() bool {
	d, heard := m.mirror.Daemon(link.Alerter)
	return heard && !d.Stopped && !d.Silent(m.now)
}

// staleAlerts says why the alerts page does not show all there is, "" if it does. Every page says so: there is nobody else who would.
func (m *Model) staleAlerts() string {
	d, heard := m.mirror.Daemon(link.Alerter)
	without := "nobody outside is told"
	if m.page == pageAlerts {
		without = "nobody outside is told and nothing can be acknowledged: "
		if heard {
			without += "new alerts are shown as the daemons say them"
		} else {
			without += "these are the alerts as the daemons say them"
		}
	}
	switch {
	case !heard && m.now.Sub(m.since) > patience:
		return "no alerter is heard, " + without + "; `nowcastd up` runs one"
	case heard && d.Stopped:
		return "alerter has stopped, " + without
	case heard && d.Silent(m.now):
		return fmt.Sprintf("alerter silent for %d s, %s", int(d.SilentFor(m.now).Seconds()), without)
	case m.incidents.problem != "" && m.mirror.NeedIncidents():
		return "the alerter does not tell its incidents: " + m.incidents.problem
	}
	return ""
}

// late returns the launches that the manager calls late: it knows what is expected of each.
func (m *Model) late() map[int64]bool {
	late := map[int64]bool{}
	for _, a := range m.mirror.Alerts() {
		if a.Kind == "late" && a.Launch != 0 && a.Open() {
			late[a.Launch] = true
		}
	}
	return late
}
