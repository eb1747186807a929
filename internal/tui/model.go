// Package tui is the console: it shows what the daemons say, how old that is, and asks before it does harm.
//
// The root model holds the one mirror of the daemons' state and routes keys; each page (launches, checklist, logs, schedule, alerts) owns its
// cursor, filter and scroll; package link does all input and output. Data flows one way: link.Frame -> Update -> mirror -> pages
// -> View. Update is quick and touches nothing outside; View only reads. The console keeps nothing: closing it loses nothing.
package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/alerts"
	"nowcast/internal/tui/checklist"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/logs"
	"nowcast/internal/tui/schedule"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// page is one of the console's pages.
type page int

const (
	pageLaunches page = iota
	pageChecklist
	pageLogs
	pageSchedule
	pageAlerts
	pages
)

func (p page) String() string {
	return [...]string{"Launches", "Checklist", "Logs", "Schedule", "Alerts"}[p]
}

// logLines is how many log lines the console keeps.
const logLines = 20_000

// Model is the root model.
type Model struct {
	keys    keyMap
	colours theme.Options
	theme   *theme.Theme // one for all pages
	link    *link.Link
	title   string // which system this is: the configuration's name
	loc     *time.Location

	now       time.Time // of the last frame, in loc
	since     time.Time // of the first frame
	missing   string    // a socket that does not exist
	mirror    *feed.Mirror
	shown     feed.Revisions // what the pages have been handed
	again     launches.Again // launches that were launched again
	logs      *widget.LogBuffer
	logTotal  uint64
	snapshot  asking
	history   asking
	entries   asking // the schedule
	incidents asking
	collector feed.Heartbeat // the log aggregator whose history we have
	missed    uint64         // log events that had been missed when the history was asked for

	page      page
	launches  *launches.Model
	checklist *checklist.Model
	logPage   *logs.Model
	from      *origin // where the log page was asked for; nil: by its number
	schedule  *schedule.Model
	alerts    *alerts.Model
	before    page // where the alerts page was asked for with a
	overlay   *overlay
	ask       *ask
	status    status

	width, height int
}

// asking is the state of a question that the console asks a daemon by itself.
type asking struct {
	underway bool
	done     bool // answered at least once
	again    time.Time
	problem  string // why the last one failed
}

// status is the last answer, for a while.
type status struct {
	text  string
	bad   bool
	until time.Time
}

// NewModel returns a model that reads from l. Title says which system it shows; times are shown in loc.
func NewModel(l *link.Link, title string, o theme.Options, loc *time.Location) *Model {
	buf := widget.NewLogBuffer(logLines)
	t := theme.New(o)
	m := &Model{
		keys: newKeyMap(), colours: o, theme: t, link: l, title: title, loc: loc, logs: buf,
		launches: launches.New(t, buf), checklist: checklist.New(t), logPage: logs.New(t, buf), schedule: schedule.New(t),
		alerts: alerts.New(t),
	}
	m.mirror = feed.NewMirror(feed.MirrorOptions{Logs: logLines, Now: func() time.Time { return m.now }})
	m.shown = feed.Revisions{Launches: never, Checklist: never, Barriers: never}
	return m
}

// never is a revision that no mirror has.
const never = ^uint64(0)

// Init asks for the first frame, and what colour the terminal's background has.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.link.Next, tea.RequestBackgroundColor) }

// find returns a launch by its number, nil if it is not known.
func (m *Model) find(id int64) *launch.Launch {
	l, _ := m.mirror.Launch(id)
	return l
}

// hand gives the pages what has changed since they were handed it last. The checklist page looks at its tree only while it
// is open, since folding out a large one takes longer than a frame.
func (m *Model) hand() {
	rev := m.mirror.Revisions()
	m.launches.Known, m.checklist.Known = m.known(), m.known()
	if rev.Launches != m.shown.Launches || rev.Barriers != m.shown.Barriers || rev.Alerts != m.shown.Alerts {
		m.shown.Launches, m.shown.Barriers, m.shown.Alerts = rev.Launches, rev.Barriers, rev.Alerts
		m.again = launches.Repeated(m.mirror.Launches())
		m.launches.Set(m.mirror.Launches(), m.again, m.late(), barriers(m.mirror.Barriers()), m.now)
	}
	if m.page == pageChecklist && rev.Checklist != m.shown.Checklist {
		m.shown.Checklist = rev.Checklist
		m.checklist.Set(m.mirror.Checklist(), changes(m.mirror.Touched()))
	}
	if rev.Logs != m.shown.Logs {
		m.shown.Logs = rev.Logs
		m.logTotal = syncLogs(m.logs, m.mirror.Logs(), m.mirror.LogTotal(), m.logTotal)
		m.launches.Sync()
		m.logPage.Sync()
	}
	if m.page == pageSchedule {
		m.handSchedule()
	}
	m.handAlerts()
	m.overlay.refresh(m)
}

// known tells whether a manager has ever said how things are.
func (m *Model) known() bool { return m.mirror.Counts().Snapshots > 0 }

func barriers(open []engine.Barrier) []launches.Barrier {
	out := make([]launches.Barrier, len(open))
	for i, b := range open {
		out[i] = launches.Barrier{ID: b.ID, Opened: b.Opened, Cause: b.Cause, Missing: b.Missing}
		for _, h := range b.Held {
			out[i].Held = append(out[i].Held, h.NextWorker)
		}
	}
	return out
}

func changes(touched []feed.Touch) []checklist.Change {
	out := make([]checklist.Change, len(touched))
	for i, t := range touched {
		out[i] = checklist.Change{At: t.At, Author: t.Author, Key: t.Key, Items: t.Items}
	}
	return out
}

// lateness is how far back a record that came late may have been put; it is the mirror's bound, with room.
const lateness = 4096

// syncLogs makes the buffer equal to the mirror's records, and returns total. Before, it was equal to them when the mirror's
// total was before. Only lines from the first difference on are made anew.
func syncLogs(buf *widget.LogBuffer, records []feed.LogRecord, total, before uint64) uint64 {
	gone := buf.Len() + int(total-before) - len(records) // fell out at the old end
	if gone < 0 || gone > buf.Len() || gone < buf.Len() && !sameRecord(buf.At(buf.First()+uint64(gone)), &records[0]) {
		gone = buf.Len() // history was put before what we have: begin anew
		buf.TakeBack(buf.First())
	}
	buf.DropOldest(gone)
	i := max(0, buf.Len()-lateness)
	for i < buf.Len() && sameRecord(buf.At(buf.First()+uint64(i)), &records[i]) {
		i++
	}
	buf.TakeBack(buf.First() + uint64(i))
	for ; i < len(records); i++ {
		buf.Append(logLine(&records[i]))
	}
	return total
}

// sameRecord compares what tells records apart: one process never logs twice at one time.
func sameRecord(l *widget.LogLine, r *feed.LogRecord) bool {
	return l.Time.Equal(r.Time) && l.Launch == r.Launch && l.Level == r.Level
}
