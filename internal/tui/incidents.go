package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/tui/alerts"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/widget"
)

// askIncidents asks the alerter for its incidents where the feed has not told them. There may be no alerter.
func (m *Model) askIncidents() tea.Cmd {
	if !m.mirror.NeedIncidents() || m.incidents.underway || m.now.Before(m.incidents.again) {
		return nil
	}
	m.incidents.underway = true
	return m.link.AskIncidents(m.now)
}

func (m *Model) gotIncidents(i link.Incidents) {
	m.incidents.answered(i.Err, m.now.Add(historyAgain))
	if i.Err == nil {
		m.mirror.SetIncidents(i.Incidents, i.Asked)
		m.hand()
	}
}

// actAlerts carries out what the alerts page asks for.
func (m *Model) actAlerts(a alerts.Action) {
	switch a.Kind {
	case alerts.Refuse:
		m.say(a.Why, true)
	case alerts.Leave:
		m.open(m.before)
	case alerts.Details:
		id := a.Item.Identity()
		m.overlay = m.newOverlay("")
		m.overlay.alert = &id
		m.overlay.refresh(m)
	case alerts.Acknowledge:
		m.askAcknowledge(a.Item)
	case alerts.Snooze:
		m.askSnooze(a.Item)
	case alerts.Close:
		m.askClose(a.Item)
	case alerts.Offer:
		m.askOffer(a.Item.Source, a.Alert)
	case alerts.Logs:
		m.showAlertLog(a.Alert)
	}
}

// showAlertLog shows the log of what an alert is about.
func (m *Model) showAlertLog(a *engine.Alert) {
	if l := m.find(a.Launch); l != nil {
		m.showLog(launches.LogOf(l))
		return
	}
	if a.Worker == "" {
		m.say(fmt.Sprintf("launch %d is too old to be known here: `nowcastd logs --launch %d CONFIG` has its log", a.Launch, a.Launch), true)
		return
	}
	m.showLog(widget.LogFilter{Name: a.Worker})
}

// askAcknowledge asks for a note, and has the alerter know that the operator knows.
func (m *Model) askAcknowledge(it *alerts.Item) {
	id := it.ID
	m.ask = &ask{
		question: "Acknowledge " + it.Title(),
		warning:  "enter acknowledges it, and nobody is reminded of it any more; esc leaves it",
		prompt:   widget.NewPrompt(m.theme, "note, if you like: ", ""),
		typed: func(line string) (tea.Cmd, error) {
			args := control.IncidentArgs{Incident: id, Note: strings.TrimSpace(line)}
			return m.doAt(link.Alerter, fmt.Sprint("acknowledge incident ", id), control.CmdAcknowledge, args), nil
		},
	}
}

// askClose asks for a note, and has the alerter end an incident.
func (m *Model) askClose(it *alerts.Item) {
	id := it.ID
	m.ask = &ask{
		question: "Close " + it.Title(),
		warning:  "enter ends it, for everybody; it does not begin again for the same alert. esc leaves it",
		prompt:   widget.NewPrompt(m.theme, "why, if you like: ", ""),
		typed: func(line string) (tea.Cmd, error) {
			args := control.IncidentArgs{Incident: id, Note: strings.TrimSpace(line)}
			return m.doAt(link.Alerter, fmt.Sprint("close incident ", id), control.CmdClose, args), nil
		},
	}
}

// snoozeEnds is the hour until which a night's snooze lasts.
const snoozeEnds = 8

// askSnooze asks for how long nobody shall be told.
func (m *Model) askSnooze(it *alerts.Item) {
	id := it.ID
	until := time.Date(m.now.Year(), m.now.Month(), m.now.Day(), snoozeEnds, 0, 0, 0, m.loc)
	if !until.After(m.now) {
		until = until.AddDate(0, 0, 1)
	}
	snooze := func(key, text string, d time.Duration) choice {
		about := fmt.Sprintf("snooze incident %d %s", id, text)
		if d == 0 {
			about = fmt.Sprintf("end the snooze of incident %d", id)
		}
		return choice{key, text, func() tea.Cmd {
			return m.doAt(link.Alerter, about, control.CmdSnooze, control.SnoozeArgs{Incident: id, For: d})
		}}
	}
	m.ask = &ask{
		question: "Snooze " + it.Title() + "? Until then nobody outside is told of it; here it stays in the list.",
		choices: []choice{
			snooze("1", "for 1 h", time.Hour), snooze("4", "for 4 h", 4*time.Hour), snooze("8", "until 08:00", until.Sub(m.now)),
		},
	}
	if it.Snoozed != nil && it.Snoozed.Until.After(m.now) {
		m.ask.choices = append(m.ask.choices, snooze("0", "end it now", 0))
	}
}
