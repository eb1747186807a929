package tui

import (
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/logs"
	"nowcast/internal/tui/widget"
)

// origin is where the operator was when the log of something was asked for.
type origin struct {
	page    page
	overlay *overlay
}

// showLog shows the lines that f chooses on the log page, from where esc leads back.
func (m *Model) showLog(f widget.LogFilter) {
	from := &origin{m.page, m.overlay}
	m.logPage.Show(f)
	m.open(pageLogs)
	m.from = from
}

// actLogs carries out what the log page asks for.
func (m *Model) actLogs(a logs.Action) tea.Cmd {
	switch a.Kind {
	case logs.Older:
		return m.link.AskOlder(a.Ask.Number, logsArgs(a.Ask))
	case logs.Refuse:
		m.say(a.Why, true)
	case logs.Leave:
		if from := m.from; from != nil {
			m.from = nil
			m.open(from.page)
			m.overlay = from.overlay
			m.overlay.refresh(m)
		}
	}
	return nil
}

// logsArgs says to the log aggregator what the page asks.
func logsArgs(a logs.Ask) control.LogsArgs {
	f := a.Filter
	return control.LogsArgs{
		Name: f.Name, Launch: f.Launch, Worker: f.Worker, From: f.From, To: f.To, Level: &f.Level,
		Search: a.Search, Until: a.Until, Before: a.Before,
	}
}

// gotOlder hands the page the log aggregator's answer.
func (m *Model) gotOlder(o link.Older) tea.Cmd {
	a := logs.Answer{Number: o.Number, Older: o.Page.Older, Reached: o.Page.Reached, Err: o.Err}
	for i := range o.Page.Records {
		a.Lines = append(a.Lines, logLine(&o.Page.Records[i]))
	}
	return m.actLogs(m.logPage.Answer(a))
}

func logLine(r *feed.LogRecord) widget.LogLine {
	return widget.LogLine{Time: r.Time, Level: r.Level, Name: r.Name, Text: r.Message, Launch: r.Launch}
}
