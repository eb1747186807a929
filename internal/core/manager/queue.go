package manager

import (
	"errors"
	"fmt"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/policy"
)

// taken is how many launches take a place: of each worker, and on each host. What cannot be seen any more may still run.
type taken struct{ workers, hosts map[string]int }

func (m *Manager) taken() *taken {
	n := &taken{map[string]int{}, map[string]int{}}
	for _, all := range m.active {
		for _, l := range all {
			if l.State != launch.Decided {
				n.add(l)
			}
		}
	}
	return n
}

func (n *taken) add(l *launch.Launch) {
	n.workers[l.Name()]++
	n.hosts[l.Host]++
}

// waits says why a decided launch cannot start yet, "" if it can.
func (m *Manager) waits(l *launch.Launch, now time.Time, n *taken) string {
	if _, ok := m.policies.remains[l.Parent]; ok && l.Attempt > 1 {
		return fmt.Sprintf("for what launch %d has left behind, to be ended", l.Parent)
	}
	if l.NotBefore != nil && l.NotBefore.After(now) {
		return "for " + l.NotBefore.Local().Format("15:04:05") + ", to be tried again"
	}
	if most := m.policy(l).Concurrency; most > 0 && n.workers[l.Name()] >= most {
		return fmt.Sprintf("%d of %s run (concurrency)", most, l.Name())
	}
	if most := m.slots(l.Host); most > 0 && n.hosts[l.Host] >= most {
		return fmt.Sprintf("%d run on %s (slots)", most, l.Host)
	}
	return ""
}

// slots is how many launches may run on a host at once, 0 any number.
func (m *Manager) slots(host string) int {
	if host == launch.Localhost {
		return m.Config.Slots
	}
	return m.Config.Hosts[host].Slots
}

// admit has decided launches recorded as starting before they are, in the order in which they were decided; those that must
// wait stay where they are. A manager that finds a launch recorded as starting knows that there may be a process, and asks the
// launcher before it starts one.
func (m *Manager) admit(t *turn) {
	if m.stopping || m.mustWait == len(m.decided) {
		return
	}
	now, taken := m.Now(), m.taken()
	wait, rest := m.decided[:m.mustWait], m.decided[m.mustWait:] // wait grows into what rest has left
	for len(rest) > 0 && m.marking+len(m.waiting)+len(m.handed) < mostInHand {
		l := rest[0]
		rest = rest[1:]
		m.looked++
		live := m.launches[l.ID]
		if live == nil || live.State != launch.Decided {
			continue // an operator has called it off
		}
		why := m.waits(live, now, taken)
		if why != live.Waits {
			live.Waits = why
			t.changed[l.ID] = live
		}
		if live.NotBefore != nil {
			m.wakeAt(*live.NotBefore)
		}
		if why != "" {
			wait = append(wait, l)
			continue
		}
		taken.add(live)
		live.State, live.Machine, live.Boot, live.Output = launch.Starting, m.Machine, m.Launcher.Boot(), m.Launcher.OutputFile(live)
		t.changed[l.ID] = live
		t.ready = append(t.ready, live.Clone())
		m.marking++
	}
	m.mustWait = len(wait)
	m.decided = append(wait, rest...)
}

// lookAgain has all that wait looked at: something has changed that they may have waited for. Without it a message would cost as much as
// there are thousands of them.
func (m *Manager) lookAgain() { m.mustWait = 0 }

// waitAgain has a retry of an earlier manager wait on by this one's clock.
func (m *Manager) waitAgain(t *turn, l *launch.Launch) {
	if l.NotBefore != nil {
		now := m.Now()
		due := now.Add(policy.Remaining(l.Decided, *l.NotBefore, now)).UTC()
		l.NotBefore = &due
		t.changed[l.ID] = l
	}
}

// hurry has the retry of a launch that waits for its time start now, if an operator wants the same launched again: two of them would
// do the work twice. nil: there is none.
func (m *Manager) hurry(t *turn, author string, l *launch.Launch, n launch.NextWorker) *launch.Launch {
	for m.launches[l.Superseded] != nil {
		l = m.launches[l.Superseded]
	}
	if l.State != launch.Decided || l.NotBefore == nil || l.NextWorker.String() != n.String() {
		return nil
	}
	l.NotBefore, l.Waits = nil, ""
	l.Cause += ", at once by " + author
	t.changed[l.ID] = l
	m.wake(0)
	return l
}

var errCalledOff = errors.New("called off before it was started")

// callOff ends a launch that has not been started, because an operator wants that.
func (m *Manager) callOff(t *turn, author string, l *launch.Launch) {
	l.KilledBy, l.Waits = author, ""
	m.end(t, l, launch.Exit{ID: l.ID, Time: m.Now().UTC(), Status: -1, Err: errCalledOff})
}
