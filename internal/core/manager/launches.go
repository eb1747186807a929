package manager

import (
	"fmt"
	"slices"
	"strings"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
)

// mostInHand is how many launches are recorded as starting and not started yet: those that a manager which is told to stop
// starts before it ends. The others are only decided, and stay so for the next manager.
const mostInHand = 64

// decide records a launch; it is started when the turn is durable.
func (m *Manager) decide(t *turn, l *launch.Launch) *launch.Launch {
	m.lastLaunch++
	l.ID, l.State, l.Decided = m.lastLaunch, launch.Decided, m.Now().UTC()
	m.remember(l)
	t.changed[l.ID] = l
	m.warnOfStranger(t, l)
	m.noteLaunch(l)
	m.settle(t, silentKey(l.Name()), "it is launched again")
	argv, err := m.Launcher.Argv(m.Config, l.NextWorker)
	if err != nil {
		m.end(t, l, launch.Exit{ID: l.ID, Time: l.Decided, Status: -1, Err: err})
		return l
	}
	l.Argv = argv
	t.start = append(t.start, l.Clone())
	m.retellDeadlines(t, l.Name())
	return l
}

func (m *Manager) recordStart(t *turn, r startResult) {
	if r.again {
		m.raise(t, engine.Alert{Key: noRoom, Kind: "launches wait", Message: fmt.Sprintf("nothing can be launched: %v: %s", r.err, m.advice(r.err))})
		return
	}
	if r.slow {
		m.raiseStartHangs(t, r.id)
		return
	}
	delete(m.handed, r.id)
	m.settle(t, startHangs, "launches are started again")
	m.settle(t, noRoom, "launches are started again")
	early, ended := m.early[r.id]
	delete(m.early, r.id)
	l := m.launches[r.id]
	if l == nil || r.left {
		return
	}
	if r.err != nil {
		m.end(t, l, launch.Exit{ID: r.id, Time: m.Now().UTC(), Status: -1, Err: r.err})
		return
	}
	m.running(t, l, r.Started)
	m.justStarted(l)
	if ended {
		m.recordExit(t, early)
	}
}

// running notes which process a launch has.
func (m *Manager) running(t *turn, l *launch.Launch, s launch.Started) {
	at := s.Time.UTC()
	l.PID, l.PIDStart, l.Boot, l.Started, l.Output = s.PID, s.PIDStart, s.Boot, &at, s.Output
	if l.State == launch.Decided || l.State == launch.Starting { // it may have ended already
		l.State = launch.Running
		l.Usual = m.policies.learned.usual(l.NextWorker)
		m.watch(l)
		m.retellDeadlines(t, l.Name())
	}
	t.changed[l.ID] = l
}

// recordExit ends a launch. An end that comes before the start, as of a worker that lives shorter than its start takes to be told,
// waits for that: a record has both or, if the manager dies between them, neither.
func (m *Manager) recordExit(t *turn, e launch.Exit) {
	switch l := m.launches[e.ID]; {
	case l == nil || l.State.Final():
	case l.State == launch.Starting:
		m.early[e.ID] = e
	default:
		m.end(t, l, e)
	}
}

// end puts a launch into its final state, or into that of one whose process cannot be seen any more.
func (m *Manager) end(t *turn, l *launch.Launch, e launch.Exit) {
	m.conclude(t, l, e)
	if l.State == launch.Unknown {
		m.inDoubt(t, l)
		return
	}
	m.judge(t, l)
}

func (m *Manager) conclude(t *turn, l *launch.Launch, e launch.Exit) {
	if e.Status >= 0 {
		l.Exit = &e.Status
	}
	if e.Usage != nil {
		l.Usage = e.Usage
	}
	l.Signal = e.Signal
	l.Claim(e)
	l.State, l.Note = l.Outcome(e)
	t.changed[l.ID] = l
	if !l.State.Final() {
		return
	}
	at := e.Time.UTC()
	l.Ended = &at
	m.active[l.Name()] = slices.DeleteFunc(m.active[l.Name()], func(a *launch.Launch) bool { return a == l })
	if len(m.active[l.Name()]) == 0 {
		delete(m.active, l.Name())
	}
	m.finished = append(m.finished, l.ID)
	m.noteEnded(l)
	m.settle(t, waitsKey(l, ""), "its process has ended")
	m.unwatch(t, l)
	m.awaitRemains(l)
	m.lookAgain()
}

// inDoubt raises the alert for a launch of which nobody can tell whether it was started, or runs. It is never repeated because of
// that: an operator looks, and decides.
func (m *Manager) inDoubt(t *turn, l *launch.Launch) {
	line, id := "launch of "+l.Name()+" is in doubt: "+l.Note, l.ID
	t.log(func() { m.Log.Error(line, "launch", id) })
	a := engine.Alert{Key: launchKey(l), Kind: "launch in doubt", Worker: l.Name(), Launch: l.ID, Message: l.NextWorker.String() + ": " + l.Note}
	if l.State.Final() {
		a.Offer, a.Args = control.CmdRelaunch, relaunchArgs(l.ID)
	} else {
		a.Offer, a.Args = control.CmdKill, killArgs(l.ID) // gives it up
	}
	m.raise(t, a)
}

// launchKey is the key of alerts about the end of a launch and of those that do the same.
func launchKey(l *launch.Launch) string {
	key := launchPrefix + l.NextWorker.String()
	if len(key) > longestKey {
		key = fmt.Sprintf("%s %08x", cut(key, longestKey), engine.Sum([]byte(key)))
	}
	return key
}

// longestKey is how much of many arguments is in a key; their checksum stands for the rest.
const longestKey = 1 << 10

const launchPrefix = "launch "

// warnOfStranger raises an alert when a worker is launched whose reports nobody will accept, as the reference launches it, too.
func (m *Manager) warnOfStranger(t *turn, l *launch.Launch) {
	key := "not registered " + l.Name()
	if _, ok := m.Config.Registry.Workers[l.Name()]; ok {
		m.settle(t, key, "it is in the message registry")
		return
	}
	m.raise(t, engine.Alert{Key: key, Kind: "worker not registered", Worker: l.Name(), Launch: l.ID,
		Message: fmt.Sprintf("%s was launched because of %s, and is not in message registry: workers of %s: nothing that it reports will be accepted. Correct the rule or the registry",
			l.NextWorker, l.Cause, m.Config.File)})
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
