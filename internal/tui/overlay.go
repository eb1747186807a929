package tui

import (
	"errors"
	"fmt"
	"os"
	"strings"

	tea "charm.land/bubbletea/v2"

	"charm.land/bubbles/v2/key"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/alerts"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/widget"
)

// overlay is a text over the page: the help, the details of a launch, or what it printed.
type overlay struct {
	pager   *widget.Pager
	move    widget.Navigation
	launch  int64            // the launch it is about; 0: none
	entry   string           // the entry of the schedule that it is about; "": none
	barrier int64            // the barrier that it is about; 0: none
	alert   *alerts.Identity // the alert that it is about; nil: none
	file    string           // the output file that is shown; "": details
	busy    bool             // it is being read
	loaded  bool             // it was read once
}

func (m *Model) newOverlay(title string) *overlay {
	return &overlay{pager: widget.NewPager(m.theme, title), move: widget.NewNavigation()}
}

// key scrolls, and tells whether the key was for that.
func (o *overlay) key(_ *Model, k tea.KeyPressMsg) bool { return o.pager.Key(o.move, k) }

// help lists all keys.
func (m *Model) help() *overlay {
	o := m.newOverlay("")
	var lines []widget.Line
	section := func(title string, keys []key.Binding) {
		if len(lines) > 0 {
			lines = append(lines, widget.Line{})
		}
		lines = append(lines, widget.Line{Text: title, Style: m.theme.Title, Head: true})
		for _, k := range keys {
			lines = append(lines, widget.Line{Label: k.Help().Key, Text: k.Help().Desc})
		}
	}
	section(m.page.String(), m.pageHelp())
	section("Everywhere", m.keys.help())
	lines = append(lines, widget.Line{}, widget.Line{
		Text:  "What is shown comes from the daemons and says when it is old. Keys that change something ask first. Closing the console stops nothing.",
		Style: m.theme.Faint,
	})
	o.pager.SetLines("help", lines)
	return o
}

func (m *Model) pageHelp() []key.Binding {
	switch m.page {
	case pageLaunches:
		return m.launches.Help()
	case pageChecklist:
		return m.checklist.Help()
	case pageSchedule:
		return m.schedule.Help()
	case pageAlerts:
		return m.alerts.Help()
	}
	return m.logPage.Help()
}

// details shows everything about a launch, or about a barrier if that is nil, and keeps up with it.
func (m *Model) details(l *launch.Launch, barrier int64) *overlay {
	o := m.newOverlay("")
	if l != nil {
		o.launch = l.ID
	} else {
		o.barrier = barrier
	}
	o.refresh(m)
	return o
}

func (o *overlay) describe(m *Model, l *launch.Launch) {
	o.pager.SetLines(widget.Clean(fmt.Sprintf("launch %d, %s", l.ID, l.Name())), launches.Describe(m.theme, l, m.again, m.logs, m.now, m.find))
}

func (o *overlay) describeBarrier(m *Model) {
	title := fmt.Sprint("barrier ", o.barrier)
	for _, b := range barriers(m.mirror.Barriers()) {
		if b.ID == o.barrier {
			o.pager.SetLines(title, b.Describe(m.theme, m.mirror.Launches(), m.again, m.now))
			return
		}
	}
	o.pager.SetLines(title, []widget.Line{{Text: "it is open now: nobody is missing any more, or somebody has released it", Style: m.theme.Good}})
}

// overlayKeys are the keys worth a place at the bottom while the overlay is open.
func (m *Model) overlayKeys() []key.Binding {
	scroll := key.NewBinding(key.WithHelp("↑ ↓", "scroll"))
	switch {
	case m.overlay.alert != nil:
		return append(m.alerts.About(), scroll)
	case m.overlay.launch != 0 && m.page == pageLaunches:
		k := m.launches.Keys
		if m.overlay.file != "" {
			return []key.Binding{k.Relaunch, k.Edit, k.Logs, scroll}
		}
		return []key.Binding{k.Relaunch, k.Edit, k.Kill, k.Logs, k.Output, scroll}
	case m.overlay.barrier != 0:
		return []key.Binding{m.launches.Keys.Release, scroll}
	case m.overlay.entry != "":
		return append(m.schedule.About(), scroll)
	}
	return []key.Binding{scroll}
}

// refresh brings details up to date.
func (o *overlay) refresh(m *Model) {
	switch {
	case o == nil || o.file != "":
	case o.alert != nil:
		if it := m.alerts.Find(*o.alert); it != nil {
			o.pager.SetLines(it.Title(), m.alerts.Describe(it, m.now))
		}
	case o.entry != "":
		if e := m.schedule.Find(o.entry); e != nil {
			o.pager.SetLines(widget.Clean("schedule, "+e.ID), m.schedule.Describe(e, m.now))
		}
	case o.barrier != 0:
		o.describeBarrier(m)
	case o.launch != 0:
		if l := m.find(o.launch); l != nil {
			o.describe(m, l)
		}
	}
}

// openOutput shows the end of what a launch printed.
func (m *Model) openOutput(l *launch.Launch) tea.Cmd {
	if l.Output == "" {
		m.say(launches.Title(l)+" has no output file: it was never started", true)
		return nil
	}
	o := m.newOverlay("output of " + launches.Title(l))
	o.launch, o.file = l.ID, l.Output
	o.busy = true
	m.overlay = o
	return m.link.ReadOutput(l.ID, l.Output)
}

// reload reads the output of a launch that is under way again.
func (o *overlay) reload(m *Model) tea.Cmd {
	if o == nil || o.file == "" || o.busy {
		return nil
	}
	if l := m.find(o.launch); l == nil || l.State.Final() {
		return nil
	}
	o.busy = true
	return m.link.ReadOutput(o.launch, o.file)
}

// output takes in what was read.
func (o *overlay) output(m *Model, out link.Output) {
	if o == nil || o.file != out.Path {
		return
	}
	o.busy = false
	title := "output, " + out.Path
	if out.Err != nil {
		o.pager.SetLines(title, []widget.Line{{Text: widget.Clean(whyUnreadable(out)), Style: m.theme.Bad}})
		return
	}
	var lines []widget.Line
	if out.Skipped > 0 {
		lines = append(lines, widget.Line{Text: fmt.Sprintf("(%d bytes before this are in the file)", out.Skipped), Style: m.theme.Faint})
	}
	if strings.TrimSpace(out.Text) == "" {
		lines = append(lines, widget.Line{Text: "It has printed nothing.", Style: m.theme.Faint})
	} else {
		for _, l := range widget.CleanLines(out.Text) {
			lines = append(lines, widget.Line{Text: l})
		}
	}
	o.pager.SetLines(title, lines)
	if !o.loaded { // afterwards it stays where the operator has scrolled
		o.pager.ShowEnd()
	}
	o.loaded = true
}

// whyUnreadable says why an output file cannot be shown and where to look.
func whyUnreadable(out link.Output) string {
	if errors.Is(out.Err, os.ErrNotExist) {
		return out.Path + " does not exist on this machine. It is on the manager's host, or has been pruned."
	}
	return "cannot read " + out.Err.Error()
}
