package manager

import (
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// startResult is what became of the attempt to start a launch.
type startResult struct {
	id int64
	launch.Started
	err error
}

// starter starts launches one after the other, in the order in which they were decided. It is a goroutine of its own because a
// process takes a millisecond to make and messages must not wait for that.
func (m *Manager) starter() {
	for l := range m.toStart {
		m.Log.Info("launching " + l.Module)
		m.Log.Debug("cmd = " + pyList(l.Argv))
		s, err := m.Launcher.Start(l)
		m.started <- startResult{l.ID, s, err}
	}
}

// decide records a launch; it is started when the turn is durable.
func (m *Manager) decide(t *turn, l *launch.Launch) *launch.Launch {
	m.lastLaunch++
	l.ID, l.State, l.Decided = m.lastLaunch, launch.Decided, m.Now().UTC()
	m.remember(l)
	t.changed[l.ID] = l
	argv, err := m.Launcher.Argv(m.Config, l.NextWorker)
	if err != nil {
		m.end(t, l, launch.Exit{ID: l.ID, Time: l.Decided, Status: -1, Err: err})
		return l
	}
	l.Argv = argv
	t.start = append(t.start, l.Clone())
	return l
}

func (m *Manager) recordStart(t *turn, r startResult) {
	m.starting--
	l := m.launches[r.id]
	if l == nil {
		return
	}
	if r.err != nil {
		m.end(t, l, launch.Exit{ID: r.id, Time: m.Now().UTC(), Status: -1, Err: r.err})
		return
	}
	at := r.Time.UTC()
	l.PID, l.PIDStart, l.Started, l.Output = r.PID, r.PIDStart, &at, r.Output
	if l.State.May(launch.Running) { // it may have ended already
		l.State = launch.Running
	}
	t.changed[l.ID] = l
}

func (m *Manager) recordExit(t *turn, e launch.Exit) {
	if l := m.launches[e.ID]; l != nil && !l.State.Final() {
		m.end(t, l, e)
	}
}

// end puts a launch into its final state.
func (m *Manager) end(t *turn, l *launch.Launch, e launch.Exit) {
	at := e.Time.UTC()
	l.Ended = &at
	if e.Status >= 0 {
		l.Exit = &e.Status
	}
	l.Signal = e.Signal
	l.State, l.Note = l.Outcome(e)
	t.changed[l.ID] = l
	m.active[l.Name()] = slices.DeleteFunc(m.active[l.Name()], func(a *launch.Launch) bool { return a == l })
	m.finished = append(m.finished, l.ID)
	m.judge(t, l)
}

// attribute finds the launch that sent a message: the one it names, else the likeliest of those that are running and have not
// reported their end. The second is a guess if several are.
func (m *Manager) attribute(t *turn, msg message.Message, now time.Time) int64 {
	l, guess := m.launches[msg.Launch], false
	if l == nil || l.Name() != msg.Source {
		candidates := m.unreported(msg.Source)
		if len(candidates) == 0 {
			return 0
		}
		l, guess = likeliest(candidates, msg.Type), len(candidates) > 1
	}
	if msg.Type != message.TypeNeed { // a question says nothing about how the work goes, and there may be thousands
		l.Reports = append(l.Reports[max(0, len(l.Reports)-keepReports+1):len(l.Reports):len(l.Reports)], launch.Report{Time: now, Type: msg.Type, Guess: guess})
		t.changed[l.ID] = l
	}
	return l.ID
}

// likeliest returns the oldest launch whose arguments have what the message type is about ("success nowcast" is more likely from
// "run_NEMO HOST nowcast" than from "run_NEMO HOST forecast"), else the oldest.
func likeliest(candidates []*launch.Launch, typ string) *launch.Launch {
	_, about, _ := strings.Cut(typ, " ")
	for _, l := range candidates {
		if about != "" && !slices.ContainsFunc(strings.Fields(about), func(word string) bool { return !slices.Contains(l.Args, word) }) {
			return l
		}
	}
	return candidates[0]
}

// keepReports is how many reports of one launch its record keeps, the newest; the messages themselves are all stored.
const keepReports = 20

// unreported returns the unfinished launches of a worker that have not said how they ended, oldest first.
func (m *Manager) unreported(worker string) []*launch.Launch {
	return slices.DeleteFunc(slices.Clone(m.active[worker]), (*launch.Launch).Reported)
}

// remember puts a launch among those the manager knows.
func (m *Manager) remember(l *launch.Launch) {
	m.launches[l.ID] = l
	if l.State.Final() {
		m.finished = append(m.finished, l.ID)
	} else {
		m.active[l.Name()] = append(m.active[l.Name()], l)
	}
}

// pyList shows an argv as Python shows a list, for the log line that people's scripts look for.
func pyList(argv []string) string {
	list := make([]pyyaml.Value, len(argv))
	for i, a := range argv {
		list[i] = a
	}
	return pyyaml.Repr(list)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
