package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"charm.land/bubbles/v2/key"

	"nowcast/internal/tui/widget"
)

// The least size at which everything has its place.
const (
	leastWidth  = 60
	leastHeight = 15
)

// View draws the screen.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	return v
}

// lines returns the screen, line by line.
func (m *Model) lines() []string {
	switch {
	case m.width == 0:
		return nil // the size is not known yet
	case m.width < leastWidth || m.height < leastHeight:
		return m.tooSmall()
	}
	out := m.header()
	bottom := m.bottom()
	out = append(out, m.body()...)
	if over := len(out) + len(bottom) - m.height; over > 0 {
		out = out[:len(out)-over]
	}
	return append(out, bottom...)
}

func (m *Model) tooSmall() []string {
	text := fmt.Sprintf("The console needs %dx%d cells; this window has %dx%d. q quits.", leastWidth, leastHeight, m.width, m.height)
	return widget.Wrap(text, m.width)
}

// body draws the page or what is over it.
func (m *Model) body() []string {
	switch {
	case m.overlay != nil:
		return m.overlay.pager.View()
	case m.page == pageLaunches:
		return m.launches.View(m.asOf())
	case m.page == pageChecklist:
		return m.checklist.View(m.now)
	case m.page == pageSchedule:
		return m.schedule.View(m.now)
	case m.page == pageAlerts:
		return m.alerts.View(m.now)
	}
	return m.logPage.View(m.now)
}

// resize gives page and overlay the room that header and bottom leave.
func (m *Model) resize() {
	if m.width < leastWidth || m.height < leastHeight {
		return
	}
	// Questions and answers lie over the last rows: the table must not move while the operator looks at it.
	height := m.height - len(m.header()) - 1
	m.launches.SetSize(m.width, height)
	m.checklist.SetSize(m.width, height)
	m.logPage.SetSize(m.width, height)
	m.schedule.SetSize(m.width, height)
	m.alerts.SetSize(m.width, height)
	if m.overlay != nil {
		m.overlay.pager.SetSize(m.width, height)
	}
}

// maxStatus is how many lines an answer may take.
const maxStatus = 4

// bottom draws the question, or the last answer and the keys.
func (m *Model) bottom() []string {
	if m.ask != nil {
		return m.ask.view(m, m.width, 8)
	}
	var out []string
	if m.status.text != "" {
		style := m.theme.Good
		if m.status.bad {
			style = m.theme.Bad
		}
		lines := widget.Wrap(m.status.text, m.width-2)
		for _, l := range lines[:min(len(lines), maxStatus)] {
			out = append(out, style.Paint(widget.Fit(" "+l, m.width, m.theme.Mark.Cut)))
		}
	}
	last := []key.Binding{m.keys.Help, m.keys.Quit}
	if m.overlay != nil {
		last = []key.Binding{m.keys.Back}
	}
	return append(out, widget.Footer(m.theme, m.footerKeys(), last, m.width))
}

func (m *Model) footerKeys() []key.Binding {
	if m.overlay != nil {
		return m.overlayKeys()
	}
	switch m.page {
	case pageLaunches:
		return m.launches.Footer()
	case pageChecklist:
		return m.checklist.Footer()
	case pageSchedule:
		return m.schedule.Footer()
	case pageAlerts:
		return m.alerts.Footer()
	}
	return m.logPage.Footer()
}
