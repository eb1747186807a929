package manager

import (
	"fmt"

	"nowcast/internal/core/launch"
)

// resume goes on with the launches that the last manager left.
func (m *Manager) resume() {
	t := m.turn()
	m.tellDamage(t)
	for _, id := range sortedIDs(m.launches) {
		l := m.launches[id]
		switch l.State {
		case launch.Decided:
			if l.OtherDay {
				m.leaveUnstarted(t, l)
				continue
			}
			m.waitAgain(t, l)
			t.start = append(t.start, l.Clone())
		case launch.Starting:
			m.recover(t, l)
		case launch.Running:
			if !m.elsewhere(t, l) {
				m.watch(l)
				m.Launcher.Adopt(l.Clone())
			}
		case launch.Unknown:
			m.back(t, l)
		default:
			m.awaitRemains(l)
		}
	}
	m.submit(t)
}

// recover goes on with a launch that was being started when the last manager died. The launcher knows whether there was a
// process, unless the machine was restarted meanwhile.
func (m *Manager) recover(t *turn, l *launch.Launch) {
	if m.elsewhere(t, l) {
		return
	}
	s, started, err := m.Launcher.Recover(l.Clone())
	switch {
	case err != nil:
		m.conclude(t, l, launch.Exit{ID: l.ID, Time: m.Now(), Status: -1, Unseen: true, Err: err})
		if l.Reported() {
			m.judge(t, l)
			break
		}
		m.inDoubt(t, l)
		m.missedByBarriers(t, l)
	case started:
		m.running(t, l, s)
		m.Launcher.Adopt(l.Clone())
	case l.OtherDay:
		m.leaveUnstarted(t, l)
	default: // it stands at starting already
		l.Output = "" // ours, from now on
		l.Boot, l.Output = m.Launcher.Boot(), m.Launcher.OutputFile(l)
		t.changed[l.ID] = l
		t.ready = append(t.ready, l.Clone())
		m.marking++
	}
}

// elsewhere puts a launch of another machine, whose manager this one stands in for, among those that cannot be seen. Its process may
// well run on there: it is not touched, and what it reports counts.
func (m *Manager) elsewhere(t *turn, l *launch.Launch) bool {
	if m.here(l) {
		return false
	}
	l.State = launch.Unknown
	l.Note = fmt.Sprintf("started by the manager on %s, where its process cannot be seen from here: look there before you launch it again; kill gives it up", l.Machine)
	t.changed[l.ID] = l
	m.inDoubt(t, l)
	return true
}

// here tells whether a launch is one of this machine, whatever that is called by now.
func (m *Manager) here(l *launch.Launch) bool {
	return l.Machine == "" || l.Machine == m.Machine || l.Boot == m.Launcher.Boot()
}

// back goes on with a launch of this machine that the manager of another one could not see. One of which the end of the connection to
// its host is known stays as it is.
func (m *Manager) back(t *turn, l *launch.Launch) {
	switch {
	case !m.here(l) || l.Exit != nil || l.Signal != "":
		return
	case l.PID == 0:
		l.State, l.Note = launch.Starting, ""
		m.recover(t, l)
	default:
		l.State, l.Note = launch.Running, ""
		t.changed[l.ID] = l
		m.watch(l)
		m.Launcher.Adopt(l.Clone())
	}
	if l.State != launch.Lost {
		m.settle(t, launchKey(l), "it can be seen again")
	}
}
