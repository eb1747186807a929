package manager

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// mostHeld is how many clear checklist messages wait at once; another one is refused.
const mostHeld = 64

// clearKey is the key of the alert that the checklist is not cleared yet.
const clearKey = "clear checklist"

// heldClear is a clear checklist message that waits. It is not stored and not answered: if the manager dies, the broker gives it again.
type heldClear struct {
	request
	launch int64 // that sent it; 0 unknown
}

// clears tells whether a request would clear the checklist.
func (m *Manager) clears(r *request) bool {
	if r.err != nil || r.msg.Type != message.TypeClear || m.tooLate(r) {
		return false
	}
	_, ok := m.Config.Registry.Workers[r.msg.Source].Types[r.msg.Type]
	return ok
}

// holdClear puts a clear checklist message aside while other launches run, if that is the policy. Other messages go on.
func (m *Manager) holdClear(t *turn, r *request) bool {
	if m.Config.Clear != config.ClearHold || r.gone || !m.clears(r) || len(m.policies.held) >= mostHeld {
		return false
	}
	busy := m.busy(r.msg.Source)
	if busy == "" {
		return false
	}
	held := heldClear{*r, m.sender(r).id()}
	held.body, held.envelope = slices.Clone(r.body), slices.Clone(r.envelope)
	// The same request again has come by another connection: the one before is gone.
	m.policies.held = slices.DeleteFunc(m.policies.held, func(h heldClear) bool {
		same := r.ticket.ID != "" && h.ticket.ID == r.ticket.ID || r.msg.ID != "" && h.msg.ID == r.msg.ID
		if same && h.ticket.ID != "" && h.ticket.ID != r.ticket.ID {
			// The broker has that in hand, too, and room for so many. The answer has no address, and goes to nobody.
			t.replies = append(t.replies, append(slices.Clone(h.envelope[:h.head]), nil))
		}
		return same
	})
	m.policies.held = append(m.policies.held, held)
	text := fmt.Sprintf("the checklist is cleared for %s when these have ended: %s; to have it cleared now, end them", r.msg.Source, busy)
	m.Log.Warn(text)
	m.raise(t, engine.Alert{Key: clearKey, Kind: "clear checklist waits", Worker: r.msg.Source, Launch: held.launch, Message: text})
	return true
}

// refuseClear takes the clearing from a decision if other launches run and that is the policy. The answer is one that every worker
// knows: a reply of another type would be a failure of the worker, or the end of a Python one.
func (m *Manager) refuseClear(t *turn, d engine.Decision, r *request) engine.Decision {
	why := ""
	switch {
	case !m.clears(r):
		return d
	case r.gone:
		why = "the worker that asked for it has ended meanwhile"
	case m.Config.Clear != config.ClearHold && m.Config.Clear != config.ClearRefuse:
	case m.busy(r.msg.Source) != "": // with hold: too many are held already
		why = "these run: " + m.busy(r.msg.Source)
	}
	if why == "" {
		m.settle(t, clearKey, "it is cleared")
		m.settle(t, replacedKey, "the checklist is cleared: what was in it before does not matter any more")
		m.settle(t, notReadKey, "the checklist is cleared: what was changed in it before does not matter any more")
		m.settle(t, forgottenKey, "the checklist is cleared: another day begins")
		return d
	}
	text := fmt.Sprintf("the checklist is not cleared for %s: %s", r.msg.Source, why)
	if !r.gone {
		m.raise(t, engine.Alert{Key: clearKey, Kind: "clear checklist refused", Worker: r.msg.Source, Message: text})
	}
	ack := message.Message{Source: message.ManagerName, Type: message.Ack}
	return engine.Decision{Reply: ack, Lines: append(d.Lines[:1:1], engine.Line{Level: slog.LevelError, Text: text})}
}

// releaseClears has the messages applied that waited, when nothing is in their way any more.
func (m *Manager) releaseClears(ctx context.Context) {
	var ready, stay []heldClear
	for _, h := range m.policies.held {
		l := m.launches[h.launch]
		h.gone = l != nil && l.State.Final()
		if h.gone || m.Config.Clear != config.ClearHold || m.busy(h.msg.Source) == "" {
			ready = append(ready, h)
		} else {
			stay = append(stay, h)
		}
	}
	if len(ready) == 0 {
		return
	}
	m.policies.held = stay
	t := m.turn()
	for i := range ready {
		m.apply(ctx, t, &ready[i].request)
	}
	if len(stay) == 0 {
		m.settle(t, clearKey, "nobody waits for it any more")
	}
	m.submit(t)
}

// busy names the launches of other workers that run, or would if there were room for them; "" if there are none.
func (m *Manager) busy(sender string) string {
	var names []string
	now := m.Now()
	for _, id := range m.unfinished() {
		l := m.launches[id]
		later := l.State == launch.Unknown || l.State == launch.Decided && l.NotBefore != nil && l.NotBefore.After(now)
		if l.Name() != sender && !later {
			names = append(names, fmt.Sprintf("%s (launch %d)", l.Name(), id))
		}
	}
	const most = 5
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// unfinished returns the ids of the launches that are not over, oldest first.
func (m *Manager) unfinished() (ids []int64) {
	for _, all := range m.active {
		for _, l := range all {
			ids = append(ids, l.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
