package manager

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/policy"
)

// policies is what the manager keeps in mind to do something by itself, beside what is recorded. Only the loop uses it.
type policies struct {
	began    time.Time
	timer    *time.Timer // fires when tick has something to do; see clock.go
	wakes    time.Time
	watched  map[int64]*watched     // launches that run, see overdue.go
	learned  learned                // how long launches took
	launched map[string][]time.Time // when registered workers were launched, oldest first, see silence.go
	success  map[string]time.Time   // when each worker succeeded last
	given    map[string]time.Time   // when each worker's deadline was changed while the manager ran
	remains  map[int64]time.Time    // launches ended by policy whose sessions are not empty, and when that is killed, see remains.go
	held     []heldClear            // clear checklist messages that wait, see clear.go
}

func newPolicies(now time.Time) policies {
	return policies{began: now, timer: time.NewTimer(0), watched: map[int64]*watched{}, remains: map[int64]time.Time{}, learned: learned{},
		launched: map[string][]time.Time{}, success: map[string]time.Time{}, given: map[string]time.Time{}}
}

// policy returns the policy of a launch's worker; of one that is not registered, none.
func (m *Manager) policy(l *launch.Launch) config.Policy {
	return m.Config.Registry.Workers[l.Name()].Policy
}

// judge is called with a launch that has just ended, and decides in the same turn what follows. What did not go well is an alert
// until a launch of the same worker with the same arguments succeeds, or one that took its place. If the policy has attempts
// left, it is tried again; the rule for what it reported is called all the same.
func (m *Manager) judge(t *turn, l *launch.Launch) {
	if l.State == launch.Succeeded {
		m.succeeded(t, l)
		return
	}
	byOperator := l.KilledBy != "" && l.KilledBy != launch.ByPolicy
	retry := m.retry(t, l)
	if byOperator {
		m.endedByOperator(t, l)
	} else {
		then := ""
		switch {
		case retry != nil:
			wait := retry.NotBefore.Local().Format("15:04:05")
			then = fmt.Sprintf("it is tried again at %s (%d of %d)", wait, l.Attempts(), m.policy(l).Retries.Most)
		case l.Attempts() > 1:
			then = fmt.Sprintf("gave up after %d attempts", l.Attempts())
		}
		m.raise(t, m.ended(l, then))
		m.logEnd(t, l, then, retry != nil)
	}
	m.retellDeadlines(t, l.Name())
	if retry == nil {
		m.missedByBarriers(t, l)
	}
}

// logEnd has the log say what has become of a launch that did not end well, and what follows. What its worker has reported is in the
// log without us.
func (m *Manager) logEnd(t *turn, l *launch.Launch, then string, again bool) {
	if l.Reported() && then == "" {
		return
	}
	level := slog.LevelError
	if l.Reported() && again {
		level = slog.LevelWarn
	}
	line, id := "launch of "+l.Name()+" "+string(l.State)+": "+l.Note, l.ID
	if then != "" {
		line += "; " + then
	}
	t.log(func() { m.Log.Log(context.Background(), level, line, "launch", id) })
}

// endedByOperator notes in the alert that is open, if there is one, that an operator has ended what was to make it good. It is no trouble of
// its own: who ended it knows.
func (m *Manager) endedByOperator(t *turn, l *launch.Launch) {
	a := m.openAlert(launchKey(l))
	if a == nil {
		return
	}
	if l.Started == nil {
		a.Message += "; retry called off by " + l.KilledBy
	} else {
		a.Message += fmt.Sprintf("; launch %d was ended by %s", l.ID, l.KilledBy)
	}
	t.alert(*a)
}

// ended is the alert about a launch that did not end well.
func (m *Manager) ended(l *launch.Launch, then string) engine.Alert {
	a := engine.Alert{Key: launchKey(l), Kind: "worker " + string(l.State), Worker: l.Name(), Launch: l.ID,
		Message: l.NextWorker.String() + ": " + l.Note, Offer: control.CmdRelaunch, Args: relaunchArgs(l.ID)}
	if then != "" {
		a.Message += "; " + then
	}
	if cause := m.launches[l.Parent]; cause != nil && launchKey(cause) != a.Key && m.openAlert(launchKey(cause)) != nil {
		a.Because = launchKey(cause)
	}
	return a
}

// retry decides the next attempt if the policy has one left, and what happened is known: what is in doubt, or what an operator
// ended, is not repeated, and neither is what could not be launched at all.
func (m *Manager) retry(t *turn, l *launch.Launch) *launch.Launch {
	p := m.policy(l).Retries
	n := l.Attempts() // the retry after attempt n is the nth
	if n > p.Most || l.Superseded != 0 || len(l.Argv) == 0 || l.OtherDay || l.KilledBy != "" && l.KilledBy != launch.ByPolicy {
		return nil
	}
	now := m.Now()
	since := max(0, now.Sub(*l.Ended)) // it may have ended while there was no manager, or before somebody set the clock back
	due := now.Add(policy.Wait(p, n) - since).UTC()
	next := m.decide(t, &launch.Launch{NextWorker: l.NextWorker, Cause: fmt.Sprintf("retry %d of %d of launch %d", n, p.Most, l.ID),
		Parent: l.ID, Message: l.Message, Attempt: n + 1, NotBefore: &due})
	m.replace(l, next.ID)
	if next.State.Final() {
		return nil // it could not be launched, and that is said
	}
	return next
}

// succeeded learns from a success, and ends the alerts about launches that it makes good.
func (m *Manager) succeeded(t *turn, l *launch.Launch) {
	m.noteSuccess(t, l.Name(), *l.Ended)
	if l.Started != nil {
		took := l.Ended.Sub(*l.Started)
		if what := policy.Outlier(took, l.Usual); what != "" {
			l.Note = strings.TrimPrefix(l.Note+"; ", "; ") + fmt.Sprintf("%s: %s, usually %s",
				what, config.Length(took.Round(time.Second)), config.Length(l.Usual.Median.Round(time.Second)))
		}
		m.policies.learned.add(l.NextWorker, took, m.Now())
	}
	m.madeGood(t, l, launchKey(l))
	m.madeGoodToday(t, l)
	for after := l; ; {
		before := m.launches[after.Parent]
		if before == nil || before.Superseded != after.ID {
			return
		}
		m.madeGood(t, l, launchKey(before))
		after = before
	}
}

// madeGood ends the alert with this key, unless it is about a launch that came after the one that has succeeded.
func (m *Manager) madeGood(t *turn, l *launch.Launch, key string) {
	if a := m.openAlert(key); a != nil && a.Launch <= l.ID {
		m.settle(t, key, fmt.Sprintf("launch %d succeeded", l.ID))
	}
}

// madeGoodToday ends the alerts about earlier launches that differ from the one that has succeeded only in numbers and dates, as yesterday's do.
// What may still run somewhere stays for an operator to look at.
func (m *Manager) madeGoodToday(t *turn, l *launch.Launch) {
	kind := kindOfKey(launchKey(l))
	for i := range m.alerts {
		a := &m.alerts[i]
		if !a.Open() || a.Worker != l.Name() || a.Launch >= l.ID || kindOfKey(a.Key) != kind {
			continue
		}
		if about := m.launches[a.Launch]; about == nil || about.State.Final() {
			m.settle(t, a.Key, fmt.Sprintf("launch %d succeeded", l.ID))
		}
	}
}

// kindOfKey returns the kind of launches that an alert with a launchKey is about, "" if it is about something else. The launch itself may be
// forgotten long since.
func kindOfKey(key string) string {
	what, ok := strings.CutPrefix(key, launchPrefix)
	words := strings.Fields(what)
	if !ok || len(words) == 0 {
		return ""
	}
	return policy.Kind(launch.NextWorker{Module: words[0], Args: words[1:]})
}
