package tui

import (
	"fmt"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/widget"
)

// worthSaying is how long a request of a worker waits before the header says so: shorter waits are a manager at work.
const worthSaying = 3 * time.Second

// troubles are what the daemons say of themselves that no page shows: workers that wait for an answer, a manager that
// stands by, an alerter that does not tell.
func (m *Model) troubles() []string {
	var out []string
	if d, known := m.mirror.Daemon(link.Manager); known && !d.Stopped && !d.Silent(m.now) && m.standby() != "" {
		out = append(out, m.standby())
	}
	if s := m.staleAlerts(); s != "" && m.hung() == "" {
		out = append(out, s)
	}
	for _, d := range m.mirror.Daemons() {
		if w := d.Waiting; w != nil && !d.Stopped && w.Requests > 0 && m.now.Sub(w.Since) > worthSaying {
			out = append(out, m.waiting(w)+m.heard(d))
		}
	}
	return out
}

// standby says for whom a manager stands by, "" if none does.
func (m *Model) standby() string {
	d, known := m.mirror.Daemon(link.Manager + " standby") // as the mirror calls it
	if !known || d.Stopped {
		return ""
	}
	return fmt.Sprintf("manager: standing by for %s%s", d.Standby, m.heard(d))
}

// waiting says how many requests of workers wait, since when, and why.
func (m *Model) waiting(w *feed.Waiting) string {
	s := fmt.Sprintf("%d requests wait since ", w.Requests)
	if w.Requests == 1 {
		s = "1 request waits since "
	}
	s += widget.Clock(w.Since.In(m.loc), m.now)
	d, known := m.mirror.Daemon(link.Manager)
	switch {
	case w.Managers == 0:
		return s + ": no manager is connected"
	case known && d.Silent(m.now):
		return s + ": the manager is silent"
	}
	return s + ": the manager has not answered them"
}

// heard says how old a daemon's word is, where it is old.
func (m *Model) heard(d feed.Daemon) string {
	if !d.Silent(m.now) {
		return ""
	}
	return ", as of " + widget.Clock(d.Heard.In(m.loc), m.now)
}
