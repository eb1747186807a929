package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// part is a piece of a line in one style.
type part struct {
	text  string
	style theme.Style
}

// line joins parts at the left and at the right of a line; what does not fit is cut on the left.
func (m *Model) line(left, right []part) string {
	room := m.width
	for _, p := range right {
		room -= widget.Width(p.text)
	}
	var b strings.Builder
	for _, p := range left {
		if w := widget.Width(p.text); w > room {
			p.text = widget.Fit(p.text, room, m.theme.Mark.Cut)
		}
		room -= widget.Width(p.text)
		b.WriteString(p.style.Paint(p.text))
	}
	b.WriteString(widget.Blank(room))
	for _, p := range right {
		b.WriteString(p.style.Paint(p.text))
	}
	return b.String()
}

// header draws the lines above the page: pages and clock, daemons and counts, and, where there is cause, how old all this is
// and the newest alert.
func (m *Model) header() []string {
	out := []string{m.tabs(), m.daemonLine()}
	if s := m.stale(); s != "" {
		for _, l := range widget.Wrap(widget.Clean(s), m.width-4) {
			out = append(out, m.theme.Bad.Paint(widget.Fit(" "+m.theme.Mark.Warn+" "+l, m.width, m.theme.Mark.Cut)))
		}
	}
	for _, t := range m.troubles() {
		for _, l := range widget.Wrap(widget.Clean(t), m.width-4) {
			out = append(out, m.theme.Warn.Paint(widget.Fit(" "+m.theme.Mark.Warn+" "+l, m.width, m.theme.Mark.Cut)))
		}
	}
	if it := m.alert(); it != nil {
		out = append(out, m.alertLines(it)...)
	}
	return out
}

// From these widths on the first line has room for the program's name, and for the time zone.
const (
	roomyTabs = 100
	zoneTabs  = 78
)

// tabs names the pages, with how many alerts nobody has in hand yet, which system this is, and the time.
func (m *Model) tabs() string {
	left := []part{{" nowcast  ", m.theme.Title}}
	if m.width < roomyTabs { // which system it is matters more
		left = nil
	}
	room := m.width
	for p := range pages {
		text, style := fmt.Sprintf(" %d %s", p+1, p), m.theme.Plain
		fresh := len(m.alerts.Fresh(m.now))
		if p == pageAlerts && fresh > 0 {
			text, style = fmt.Sprintf("%s %s%d", text, m.theme.Mark.Warn, fresh), m.theme.Warn
		}
		if m.width >= roomyTabs {
			text += " "
		}
		if p == m.page {
			style = m.theme.Tab
		}
		left = append(left, part{text, style})
	}
	for _, p := range left {
		room -= widget.Width(p.text)
	}
	clock := m.now.Format("  15:04:05 MST ")
	for _, layout := range []string{" 15:04:05 ", " 15:04"} {
		if m.width < zoneTabs || widget.Width(clock) > room {
			clock = m.now.Format(layout)
		}
		if widget.Width(clock) <= room {
			break
		}
	}
	room -= widget.Width(clock)
	title := " " + widget.Clean(m.title)
	if widget.Width(title) > room {
		title = widget.Fit(title, max(room, 0), m.theme.Mark.Cut)
	}
	return m.line(left, []part{{title, m.theme.Faint}, {clock, m.theme.Plain}})
}

// short is a daemon's name without what all of its kind have.
func short(name string) string {
	name = strings.TrimPrefix(name, "message_")
	return widget.Clean(strings.TrimPrefix(name, "log_"))
}

// rank is the order of daemons in the header: as a message meets them.
var rank = []string{link.Broker, "manager", "scheduler", "log_aggregator", "alerter"}

// daemonLine says which daemons are well, which are not, and how the launches stand.
func (m *Model) daemonLine() string {
	daemons := m.mirror.Daemons()
	slices.SortStableFunc(daemons, func(a, b feed.Daemon) int { return cmp.Compare(place(a.Name), place(b.Name)) })
	var well, silent, stopped []string
	longest := time.Duration(0)
	for _, d := range daemons {
		switch {
		case d.Stopped && d.Standby != "": // it stands by no more: it has taken over, or nobody wants it
		case d.Stopped:
			stopped = append(stopped, short(d.Name))
		case d.Silent(m.now):
			silent = append(silent, short(d.Name))
			longest = max(longest, d.SilentFor(m.now))
		default:
			well = append(well, short(d.Name))
		}
	}
	left := []part{{" ", m.theme.Plain}}
	room := m.width - 1
	add := func(names []string, mark, word string, style theme.Style) {
		if len(names) == 0 {
			return
		}
		text := mark + " " + strings.Join(names, ", ") + " " + word + "  "
		if widget.Width(text) > room && len(names) > 1 {
			text = fmt.Sprintf("%s %d daemons %s  ", mark, len(names), word)
		}
		room -= widget.Width(text)
		left = append(left, part{text, style})
	}
	counts := m.counts()
	for _, p := range counts {
		room -= widget.Width(p.text)
	}
	add(silent, m.theme.Mark.Bad, fmt.Sprintf("silent %d s", int(longest.Seconds())), m.theme.Bad)
	add(stopped, m.theme.Mark.Wait, "stopped", m.theme.Warn)
	if _, known := m.mirror.Daemon(link.Manager); !known && m.standby() == "" {
		add([]string{"manager"}, m.theme.Mark.Lost, "not heard yet", m.theme.Warn)
	}
	add(well, m.theme.Mark.Good, "ok", m.theme.Good)
	return m.line(left, counts)
}

func place(name string) int {
	if i := slices.Index(rank, name); i >= 0 {
		return i
	}
	return len(rank)
}

// counts says how the launches stand: the answer to "what failed, and how far are we?".
func (m *Model) counts() []part {
	if !m.known() {
		return nil // zeros would be a lie
	}
	c := m.again.Count(m.mirror.Launches(), m.asOf())
	held := c.Waiting
	for _, b := range m.mirror.Barriers() {
		held += len(b.Held)
	}
	var out []part
	add := func(n int, mark, word string, style theme.Style) {
		text := fmt.Sprintf("  %s %d %s", mark, n, word)
		if n == 0 {
			text, style = fmt.Sprintf("  %d %s", n, word), m.theme.Faint
		}
		out = append(out, part{text, style})
	}
	add(c.Failed, m.theme.Mark.Bad, "failed", m.theme.Critical)
	add(c.Running, m.theme.Mark.Busy, "running", m.theme.Busy)
	if held > 0 {
		add(held, m.theme.Mark.Wait, "held", m.theme.Warn)
	}
	done := "done"
	if m.width >= longCounts {
		done = "done in 24 h"
	}
	add(c.Done, m.theme.Mark.Good, done, m.theme.Good)
	return append(out, part{" ", m.theme.Plain})
}

// longCounts is from which width on the counts say what they are about.
const longCounts = 100

// patience is how long the console waits for the first word of the manager before it says that something is wrong.
const patience = 3 * time.Second

// stale says why what is shown may not be true any more, "" if it is.
func (m *Model) stale() string {
	asOf := "nothing is known yet; trying again"
	if at := m.mirror.AsOf(); m.known() {
		asOf = "what you see is as of " + widget.Clock(at.In(m.loc), m.now)
	}
	d, known := m.mirror.Daemon(link.Manager)
	standby := m.standby()
	switch {
	case m.missing != "":
		return fmt.Sprintf("not connected: %s does not exist: is `nowcastd up` running with this configuration? %s", m.missing, asOf)
	case !d.Stopped && m.hung() != "":
		return m.hung() + ": " + asOf
	case m.page == pageSchedule && m.staleSchedule() != "":
		return m.staleSchedule()
	case standby != "" && (!known || d.Stopped || d.Silent(m.now)):
		return standby + ", so nothing is launched from here: " + asOf
	case m.snapshot.problem != "" && (!known || d.Silent(m.now)):
		return fmt.Sprintf("not connected: %s: %s", m.snapshot.problem, asOf)
	case !known && m.now.Sub(m.since) > patience:
		return "manager not heard yet, is `nowcastd up` running with this configuration? " + asOf
	case d.Stopped:
		return "manager has stopped: " + asOf
	case known && d.Silent(m.now):
		return fmt.Sprintf("manager silent for %d s: %s", int(d.SilentFor(m.now).Seconds()), asOf)
	case m.snapshot.problem != "":
		return fmt.Sprintf("%s: %s", m.snapshot.problem, asOf)
	case m.page == pageLogs && m.history.problem != "":
		return "older log lines are missing here, live ones are not: " + m.history.problem
	}
	return ""
}

// hung says that nothing comes through the message broker, "" if something does. All daemons are silent then, and none of them is to blame.
func (m *Model) hung() string {
	broker, known := m.mirror.Daemon(link.Broker)
	if !known || broker.Stopped {
		return ""
	}
	least := broker.SilentFor(m.now)
	for _, d := range m.mirror.Daemons() {
		if d.SilentFor(m.now) <= 3*d.Every { // one that says goodbye is heard, too
			return ""
		}
		least = min(least, d.SilentFor(m.now))
	}
	return fmt.Sprintf("nothing came through the message broker for %d s: it was killed or hangs (kill -9 %d; nowcastd up starts it again)", int(least.Seconds()), broker.PID)
}

// asOf is the time as of which launches are shown: now, or when the manager was last heard of, so that nothing seems to
// go on running that may have ended.
func (m *Model) asOf() time.Time {
	d, known := m.mirror.Daemon(link.Manager)
	if known && (d.Stopped || d.Silent(m.now)) {
		return m.mirror.AsOf().In(m.loc)
	}
	return m.now
}
