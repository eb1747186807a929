package manager

import (
	"fmt"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// answerAgain answers a request that was handled before, and does nothing else: no record, no rule, no change. The answer waits
// for this turn, which becomes durable with or after the one in which the request was handled.
func (m *Manager) answerAgain(t *turn, r *request, before *engine.Handled) {
	m.Log.Debug("request was handled before; it is answered again", "message", before.Message, "request", r.ticket.ID, "worker", r.msg.Source)
	answer := message.Message{Source: message.ManagerName, Type: before.Reply}
	if r.err == nil && r.msg.Type == message.TypeNeed && before.Reply == message.Ack {
		answer = engine.Decide(&m.Config.Registry, r.msg, m.checklist).Reply // what it needs, as it is now
	}
	if r.err == nil {
		// Whether the first answer arrived is not known, so its launch may be working on: that it waits is not certain.
		m.noGuessAfterAll(t, r, before)
		m.tellWaiting(t, r, origin{launch: m.launches[before.Launch], guess: true})
	}
	m.reply(t, r, answer)
}

const waitsInVain = "worker waits in vain" // kind of alert

// surelyWaits is how long after its last report a worker that had the answer has certainly ended.
const surelyWaits = 5 * time.Second

// tellWaiting tells operators of a worker whose report is handled while the answer cannot reach it: it came by a broker that has
// died since, and a Python worker waits for ever on a connection that is gone. Workers of ours name their messages, send
// them again and get the answer.
func (m *Manager) tellWaiting(t *turn, r *request, from origin) {
	switch {
	case !r.ticket.Orphan || r.msg.ID != "":
		if r.msg.Launch == 0 && from.launch == nil { // somebody has started it anew
			m.settle(t, waitsKey(nil, r.msg.Source), "it has reported since")
		}
		return
	case from.launch != nil && from.launch.State.Final():
		return // nobody is there who waits
	case from.launch == nil && m.tooLate(r):
		return // leaveUndone tells, and nobody knows whether there is anybody who waits
	}
	handled := "handled"
	if m.tooLate(r) {
		handled = "recorded and not acted upon"
	}
	a := engine.Alert{Key: waitsKey(from.launch, r.msg.Source), Kind: waitsInVain, Worker: r.msg.Source}
	l := from.launch
	switch {
	case l == nil:
		a.Message = fmt.Sprintf("report (%s) of %s handled, worker still waiting: safe to kill. The message broker died before the answer arrived. No launch of this manager sent it: "+
			"look for the process of %s", r.msg.Type, r.msg.Source, r.msg.Source)
	default:
		a.Message = fmt.Sprintf("report (%s) of %s %s, worker still waiting: safe to kill. The message broker died before the answer arrived", r.msg.Type, l.NextWorker, handled)
		if from.guess {
			a.Message = fmt.Sprintf("report (%s) of %s %s; the message broker died, so the worker may wait for an answer that has not arrived: "+
				"kill it if it does nothing any more", r.msg.Type, l.NextWorker, handled)
		}
		a.Launch, a.Offer, a.Args = l.ID, control.CmdKill, killArgs(l.ID)
		m.wake(surelyWaits)
		if m.Config.Waiting == config.WaitingEnd && !from.guess {
			t.then = append(t.then, func() { m.endWaiting(l.ID) })
		}
	}
	m.raise(t, a)
}

// checkWaiting ends those of whom it was not certain that they wait, where waiting workers: end has it: who has said how its work went,
// and is still there after a while, waits or hangs.
func (m *Manager) checkWaiting(t *turn, now time.Time) {
	if m.Config.Waiting != config.WaitingEnd {
		return
	}
	for _, a := range m.alerts {
		l, w := m.launches[a.Launch], m.policies.watched[a.Launch]
		if !a.Open() || a.Kind != waitsInVain || l == nil || w == nil || !w.signal.IsZero() || !l.Reported() || l.Reports[len(l.Reports)-1].Guess {
			continue
		}
		if left := surelyWaits - now.Sub(a.Time); left > 0 {
			m.wake(left)
			continue
		}
		w.signal = now
		t.then = append(t.then, func() { m.endWaiting(l.ID) })
	}
}

// endWaiting ends a worker that waits in vain, as waiting workers: end has it. What it reported is durable by now, and is the
// outcome of its launch.
func (m *Manager) endWaiting(id int64) {
	l := m.launches[id]
	if l == nil || l.State.Final() || l.PID == 0 {
		return
	}
	m.Log.Info("its report is handled and the answer cannot reach it: it gets SIGTERM (waiting workers: end)", "worker", l.Name(), "launch", l.ID)
	if _, err := m.Launcher.Kill(l, "TERM"); err != nil {
		m.Log.Error("a worker that waits in vain could not be ended", "worker", l.Name(), "launch", l.ID, "err", err)
	}
}

// waitsKey is the key of the alert that a worker waits in vain.
func waitsKey(l *launch.Launch, worker string) string {
	if l != nil {
		return fmt.Sprint("waits launch ", l.ID)
	}
	return "waits " + worker
}
