package manager

import (
	"context"
	"strings"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/message"
)

// keepGarbage is how many bytes of a request that is not a message are stored.
const keepGarbage = 4096

// apply decides on one request, in the order of specs: compat section 1.
func (m *Manager) apply(ctx context.Context, t *turn, r *request) {
	before, clash := m.handled.find(r)
	if before != nil {
		m.answerAgain(t, r, before)
		return
	}
	if m.holdClear(t, r) {
		return
	}
	if clash {
		m.Log.Warn("a message has the id of an earlier one that was different; it is taken for a new one", "worker", r.msg.Source, "id", r.msg.ID)
	}
	now := m.Now().UTC()
	m.lastMessage++
	record := engine.Message{ID: m.lastMessage, Time: now, Source: r.msg.Source, Type: r.msg.Type, Body: r.body, Request: r.ticket.ID, Sender: r.msg.ID}
	if record.Body == nil {
		record.Body = []byte{} // there is nothing in it, and the store has no null
	}
	var d engine.Decision
	if r.err != nil {
		d = engine.Refuse(r.err)
		record.Body = append([]byte{}, r.body[:min(len(r.body), keepGarbage)]...) // never nil, and lets the rest go
	} else {
		d = m.refuseClear(t, engine.Decide(&m.Config.Registry, r.msg, m.checklist), r)
	}
	var from origin
	if r.err == nil && d.Reply.Type != message.UnregisteredWork && d.Reply.Type != message.UnregisteredType {
		late := m.tooLate(r)
		from = m.sender(r)
		if late && from.launch != nil && !from.launch.OtherDay {
			from = origin{} // that has begun since
		}
		m.noteReport(t, r, from, now)
		record.Launch = from.id()
		if from.replaced() {
			d = m.onlyRecorded(d, from.launch)
		}
		m.tellWaiting(t, r, from)
		switch l := from.launch; {
		case late:
			d = m.leaveUndone(t, r, d, &record)
		case l == nil:
			m.byHand(t, r.msg, now)
		case l.State.Final() && !from.replaced():
			m.afterEnd(t, l, record.Type)
		}
	}
	if d.Dump {
		m.lines(d.Lines[:1]) // step 3 comes before step 4
		m.dumpChecklist()
		d.Lines = d.Lines[1:]
	}
	m.lines(d.Lines)
	if d.Change != nil {
		m.change(t, *d.Change, &record)
	}
	if d.Continue {
		if m.Notify != nil {
			t.notices = append(t.notices, notice{r.msg.Source, r.msg.Type})
		}
		if typ := m.follow(ctx, t, r, record); typ != "" {
			d.Reply.Type = typ
		}
	}
	if r.err == nil && d.Reply.Type == message.UnregisteredType {
		m.noteRefused(t, r)
	}
	m.endUnseen(t, from.launch, now)
	record.Reply = d.Reply.Type
	t.effects.Messages = append(t.effects.Messages, record)
	m.handled.add(&record, r.body)
	m.reply(t, r, d.Reply)
}

// noteRefused notes on a launch that its report was refused, as it would else be said to have sent none.
func (m *Manager) noteRefused(t *turn, r *request) {
	if l := m.sender(r).launch; l != nil {
		l.Refused = cut(strings.Clone(r.msg.Type), longestRefused)
		t.changed[l.ID] = l
	}
}

// longestRefused is how much of such a type is kept: it may be anything.
const longestRefused = 100

// reply has a request answered when the turn is durable.
func (m *Manager) reply(t *turn, r *request, answer message.Message) {
	if r.envelope != nil {
		t.replies = append(t.replies, append(r.envelope[:len(r.envelope):len(r.envelope)], m.encode(answer)))
	}
}

// encode returns the bytes of a reply. Most have no payload, and there are five of those.
func (m *Manager) encode(r message.Message) []byte {
	if r.Payload != nil {
		return r.Encode()
	}
	b, ok := m.replies[r.Type]
	if !ok {
		b = r.Encode()
		m.replies[r.Type] = b
	}
	return b
}

// change applies what a message does to the checklist, and puts it on the message's record.
func (m *Manager) change(t *turn, ch checklist.Change, record *engine.Message) {
	record.Op, record.Key = ch.Op, ch.Key
	m.seq = record.ID
	m.sinceBase += len(record.Body) + 64
	// Encoded now: the value becomes part of the checklist, which later messages change in place.
	t.changes = append(t.changes, feed.ChecklistChange{Seq: record.ID, Time: record.Time, Author: record.Source, Op: string(ch.Op), YAML: string(ch.YAML())})
	m.checklist.Apply(ch)
	m.Rules.Changed(ch)
	if ch.Op == checklist.Clear {
		m.forgetRuleErrors(t)
	}
}
