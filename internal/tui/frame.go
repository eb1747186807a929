package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/link"
)

// askAgain is how long after a question that failed the console asks again.
const askAgain = time.Second

// historyAgain is the same for the history, which is large, and for schedule and incidents: there may be no scheduler, or no
// alerter.
const historyAgain = 5 * time.Second

// frame takes in what has come, and returns what must be asked now.
func (m *Model) frame(f link.Frame) tea.Cmd {
	m.now = f.Now.In(m.loc)
	if m.since.IsZero() {
		m.since = m.now
	}
	m.missing = f.Missing
	m.mirror.Apply(f.Events)
	m.hand()
	if m.status.text != "" && m.now.After(m.status.until) {
		m.status = status{}
		m.resize()
	}
	return tea.Batch(m.askSnapshot(), m.askHistory(), m.askSchedule(), m.askIncidents(), m.overlay.reload(m))
}

func (m *Model) askSnapshot() tea.Cmd {
	need := m.mirror.NeedSnapshot()
	if len(need) == 0 || m.snapshot.underway || m.now.Before(m.snapshot.again) {
		return nil
	}
	m.snapshot.underway = true
	return m.link.AskSnapshot(need[0])
}

// askHistory asks for old log lines: at first, when a log aggregator has started, and when lines were missed.
func (m *Model) askHistory() tea.Cmd {
	d, _ := m.mirror.Daemon(link.Aggregator)
	missed := m.mirror.Counts().MissedLogs
	known := m.history.done && d.PID == m.collector.PID && d.Started.Equal(m.collector.Started) && missed == m.missed
	if known || m.history.underway || m.now.Before(m.history.again) {
		return nil
	}
	m.collector, m.missed = d.Heartbeat, missed
	m.history.underway = true
	return m.link.AskHistory()
}

func (m *Model) gotSnapshot(s link.Snapshot) {
	err := s.Err
	if err == nil {
		err = m.mirror.SetSnapshot(s.Snapshot)
	}
	m.snapshot.answered(err, m.now.Add(askAgain))
	m.hand()
}

func (m *Model) gotHistory(h link.History) {
	m.history.answered(h.Err, m.now.Add(historyAgain))
	if h.Err == nil {
		m.mirror.AddHistory(h.Records)
		m.hand()
	}
}

func (a *asking) answered(err error, again time.Time) {
	a.underway, a.again, a.problem = false, again, ""
	if err != nil {
		a.problem = err.Error()
		return
	}
	a.done = true
}
