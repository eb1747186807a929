package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/theme"
)

// Update takes a message and returns what must be done because of it.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.colours.Light = !msg.IsDark()
		*m.theme = *theme.New(m.colours)
	case link.Frame:
		cmd = tea.Batch(m.link.Next, m.frame(msg))
	case link.Snapshot:
		m.gotSnapshot(msg)
	case link.History:
		m.gotHistory(msg)
	case link.Schedule:
		m.gotSchedule(msg)
	case link.Incidents:
		m.gotIncidents(msg)
	case link.Older:
		cmd = m.gotOlder(msg)
	case link.Output:
		m.overlay.output(m, msg)
	case link.Answer:
		m.answered(msg)
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case tea.PasteMsg:
		m.paste(msg)
	}
	m.resize()
	return m, cmd
}

// key routes a key: to the question that is open, to text that is being typed, to the overlay, to what works
// everywhere, to the page.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	m.status = status{}
	switch {
	case k.String() == "ctrl+c" && m.ask == nil && !m.typing():
		return tea.Quit
	case m.ask != nil:
		return m.ask.key(m, k)
	case m.typing():
		m.toPage(k)
		return nil
	}
	for p := range pages {
		if key.Matches(k, m.keys.Pages[p]) {
			m.open(p)
			return nil
		}
	}
	switch {
	case m.overlay != nil:
		return m.overlayKey(k)
	case key.Matches(k, m.keys.Quit):
		return tea.Quit
	case key.Matches(k, m.keys.Suspend):
		return tea.Suspend
	case key.Matches(k, m.keys.Help):
		m.overlay = m.help()
	case key.Matches(k, m.keys.NextPage):
		m.open((m.page + 1) % pages)
	case key.Matches(k, m.keys.PreviousPage):
		m.open((m.page + pages - 1) % pages)
	case m.page == pageAlerts: // whose keys a and g are others
		return m.toPage(k)
	case key.Matches(k, m.keys.Alerts):
		m.before = m.page
		m.open(pageAlerts)
	case key.Matches(k, m.keys.Go):
		m.askNewest()
	default:
		return m.toPage(k)
	}
	return nil
}

// overlayKey answers a key while an overlay is open. It scrolls or closes it; keys about a launch go on to its page.
func (m *Model) overlayKey(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case m.overlay.key(m, k):
		return nil
	case key.Matches(k, m.keys.Back, m.keys.Help):
		m.overlay = nil
		return nil
	case m.overlay.launch != 0 && m.page == pageLaunches && m.launches.Keys.AboutLaunch(k),
		m.overlay.barrier != 0 && key.Matches(k, m.launches.Keys.Release),
		m.overlay.entry != "" && m.schedule.Keys.AboutEntry(k),
		m.overlay.alert != nil && m.alerts.Keys.AboutAlert(k):
		return m.toPage(k)
	}
	return nil
}

// toPage hands a key or a paste to the page.
func (m *Model) toPage(msg tea.Msg) tea.Cmd {
	switch m.page {
	case pageLaunches:
		return m.act(m.launches.Update(msg))
	case pageChecklist:
		m.checklist.Update(msg)
	case pageLogs:
		return m.actLogs(m.logPage.Update(msg))
	case pageSchedule:
		m.actSchedule(m.schedule.Update(msg))
	case pageAlerts:
		m.actAlerts(m.alerts.Update(msg))
	}
	return nil
}

func (m *Model) paste(p tea.PasteMsg) {
	switch {
	case m.ask != nil && m.ask.prompt != nil:
		m.ask.prompt.Update(p)
	case m.ask == nil && m.typing():
		m.toPage(p)
	}
}

// typing tells whether the page takes keys as text.
func (m *Model) typing() bool {
	switch m.page {
	case pageLaunches:
		return m.launches.Typing()
	case pageChecklist:
		return m.checklist.Typing()
	case pageLogs:
		return m.logPage.Typing()
	}
	return false
}

// open shows a page.
func (m *Model) open(p page) {
	m.page, m.overlay = p, nil
	m.hand()
}

// act carries out what the launches page asks for.
func (m *Model) act(a launches.Action) tea.Cmd {
	switch a.Kind {
	case launches.Refuse:
		m.say(a.Why, true)
	case launches.Details:
		m.overlay = m.details(a.Launch, a.Barrier.ID)
	case launches.Output:
		return m.openOutput(a.Launch)
	case launches.Logs:
		m.showLog(launches.LogOf(a.Launch))
	case launches.Relaunch:
		m.askRelaunch(a.Launch, nil)
	case launches.Edit:
		m.askArguments(a.Launch)
	case launches.Kill:
		m.askKill(a.Launch, a.Signal)
	case launches.Release:
		m.askRelease(a.Barrier)
	}
	return nil
}
