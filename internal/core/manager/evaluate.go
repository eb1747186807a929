package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/message"
)

// ruleKey is the key of the alert that the rule of a worker has failed. It stays open until the rule was called again for each
// message that it failed on, or the checklist is cleared: what they should have launched is missing until then.
func ruleKey(worker string) string { return "rule after_" + worker }

// mostUnevaluated is how many messages such an alert names, the newest.
const mostUnevaluated = 1000

// ruleFailed raises that alert. It offers to call the rule again for all the messages.
func (m *Manager) ruleFailed(t *turn, msg message.Message, id int64, err error) {
	failed := append(m.unevaluated(msg.Source), id)
	text := "after_" + msg.Source + " failed on " + msg.Type + ": " + firstLine(err.Error())
	m.raise(t, engine.Alert{Key: ruleKey(msg.Source), Kind: "rule error", Worker: msg.Source, Message: text,
		Offer: control.CmdEvaluate, Args: evaluateArgs(failed[max(0, len(failed)-mostUnevaluated):])})
}

// unevaluated returns the messages of a worker that its rule has failed on, oldest first.
func (m *Manager) unevaluated(worker string) []int64 {
	var a control.EvaluateArgs
	if open := m.openAlert(ruleKey(worker)); open == nil || json.Unmarshal(open.Args, &a) != nil || a.Message == 0 {
		return nil
	}
	return append([]int64{a.Message}, a.Also...)
}

// evaluated takes a message from those.
func (m *Manager) evaluated(t *turn, worker string, id int64) {
	failed := m.unevaluated(worker)
	left := slices.DeleteFunc(slices.Clone(failed), func(other int64) bool { return other == id })
	switch open := m.openAlert(ruleKey(worker)); {
	case len(left) == len(failed):
	case len(left) == 0:
		m.settle(t, ruleKey(worker), "the rule was called again")
	default:
		open.Args = evaluateArgs(left)
		t.alert(*open)
	}
}

// forgetRuleErrors ends those alerts when a new day begins.
func (m *Manager) forgetRuleErrors(t *turn) {
	for i := range m.alerts {
		if a := m.alerts[i]; a.Open() && strings.HasPrefix(a.Key, ruleKey("")) {
			m.settle(t, a.Key, "the checklist was cleared")
		}
	}
}

// evaluate calls the rule again for stored messages, in their order, until it fails once more. What has been evaluated since the
// operator was offered to is left out.
func (m *Manager) evaluate(ctx context.Context, t *turn, a control.EvaluateArgs) error {
	if err := m.refreshRules(); err != nil {
		return err
	}
	all := append([]int64{a.Message}, a.Also...)
	for i, id := range all {
		if err := m.evaluateOne(ctx, t, id); err != nil {
			if i > 0 {
				return fmt.Errorf("the rule was called again for %d of %d messages; message %d: %w", i, len(all), id, err)
			}
			return err
		}
	}
	return nil
}

func (m *Manager) evaluateOne(ctx context.Context, t *turn, id int64) error {
	m.reading.Lock()
	stored, ok, err := m.Store.Message(ctx, id)
	m.reading.Unlock()
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("there is no message %d", id)
	}
	if !slices.Contains(m.unevaluated(stored.Source), id) {
		return nil // somebody was quicker
	}
	msg, err := message.Decode(stored.Body, m.Config.MessageLimit)
	if err != nil {
		return err
	}
	next, err := m.Rules.After(ctx, msg, m.checklist.Map())
	if errors.Is(err, m.NoFunction) {
		return fmt.Errorf("could not find after_%s in %s", msg.Source, m.Rules.Module())
	}
	if err != nil {
		return err
	}
	m.evaluated(t, msg.Source, id)
	m.request(t, engine.Report{Worker: msg.Source, Type: msg.Type, Message: id, Launch: stored.Launch, Args: m.arguments(stored.Launch), Time: m.Now().UTC()}, next)
	return nil
}

func evaluateArgs(messages []int64) json.RawMessage {
	b, _ := json.Marshal(control.EvaluateArgs{Message: messages[0], Also: messages[1:]}) // always encodable
	return b
}
