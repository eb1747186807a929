package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// follow asks the rule what comes after a report, and requests it. It returns the type of the reply if that is not ack.
func (m *Manager) follow(ctx context.Context, t *turn, r *request, record engine.Message) string {
	msg := r.msg
	replyType := ""
	next, err := m.call(ctx, msg, r.ticket)
	switch {
	case err == nil:
	case errors.Is(err, m.NoFunction):
		m.Log.Log(ctx, engine.LevelCritical, "could not find after_"+msg.Source+" in "+m.Rules.Module()+" module")
		replyType = message.NoAfterWorker
		m.ruleFailed(t, msg, record.ID, fmt.Errorf("%s has no such function, so nothing was launched: add def after_%s(msg, config, checklist), "+
			"which returns [] if nothing is to follow, then have the rule look at the message again", m.Rules.Module(), msg.Source))
	default:
		m.Log.Log(ctx, engine.LevelCritical, "after_"+msg.Source+" failed on ("+msg.Type+"): nothing was launched\n"+err.Error()+traceback(err))
		m.ruleFailed(t, msg, record.ID, err)
	}
	// A rule that failed or is missing returned nothing, and its worker still leaves the barriers.
	m.request(t, engine.Report{Worker: msg.Source, Type: msg.Type, Message: record.ID, Launch: record.Launch, Args: m.arguments(record.Launch), Time: record.Time}, next)
	if strings.HasPrefix(msg.Type, "success") {
		m.noteSuccess(t, msg.Source, record.Time)
	}
	return replyType
}

// traceback returns the calls that led to an error, if it knows them, on lines of their own.
func traceback(err error) string {
	var e interface{ Traceback() string }
	if errors.As(err, &e) && e.Traceback() != "" {
		return "\n" + strings.TrimSuffix(e.Traceback(), "\n")
	}
	return ""
}

// request passes what a rule returned through the barriers, and decides the launches.
func (m *Manager) request(t *turn, r engine.Report, next launch.Next) {
	before := m.barriers
	now, open, lines := engine.Follow(before, r, next, m.lastBarrier+1)
	if len(next.Await) > 0 {
		m.lastBarrier++
	}
	if len(lines) > 0 {
		m.setBarriers(t, open)
		m.lines(lines)
	}
	for _, req := range now {
		m.decide(t, &launch.Launch{NextWorker: req.NextWorker, Cause: req.Cause, Message: req.Message, Parent: req.Parent})
	}
}

// setBarriers replaces the open barriers.
func (m *Manager) setBarriers(t *turn, open []engine.Barrier) {
	still := map[int64]bool{}
	for _, b := range open {
		still[b.ID] = true
		t.effects.Barriers = append(t.effects.Barriers, b)
		m.wakeAt(b.Opened.Add(m.Config.Barrier))
	}
	for _, b := range m.barriers {
		if !still[b.ID] {
			t.effects.Released = append(t.effects.Released, b.ID)
			m.settle(t, barrierKey(b.ID), "it has opened")
		}
	}
	m.barriers = open
	t.barriers = append([]engine.Barrier{}, open...)
}

// rulesNotLoaded is the key of the alert that says so.
const rulesNotLoaded = "rules"

// refreshRules loads the rules again if their file has changed. The rules log what came of it. It returns why those in use are not
// those of the file.
func (m *Manager) refreshRules() error {
	reloaded, err := m.Rules.Refresh()
	if reloaded {
		m.warnOfNoRules()
	}
	switch open := m.openAlert(rulesNotLoaded); {
	case err == nil && open != nil:
		t := m.turn()
		m.settle(t, rulesNotLoaded, "they are loaded")
		m.submit(t)
	case err != nil:
		text := "the rules loaded before stay in use: " + firstLine(err.Error())
		if open != nil && open.Message == text {
			break // it is known
		}
		t := m.turn()
		m.raise(t, engine.Alert{Key: rulesNotLoaded, Kind: "rules not loaded", Message: text})
		m.submit(t)
	}
	return err
}
