package manager

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// request is one request, decoded.
type request struct {
	envelope wire.Frames // up to and with the empty frame; nil: it cannot be answered
	body     []byte
	msg      message.Message
	err      error // it is not a message
}

// handle answers a batch of requests.
func (m *Manager) handle(ctx context.Context, batch []wire.Frames) {
	requests := decode(batch, m.Config.MessageLimit)
	m.refreshRules()
	t := m.turn()
	for i := range requests {
		m.apply(ctx, t, &requests[i])
	}
	m.submit(t)
	m.Log.Debug("listening...") // as the reference does before each message
}

// decodeAlone is how many requests one goroutine decodes for less than it costs to wake another thread.
const decodeAlone = 32

func decode(batch []wire.Frames, limit int) []request {
	requests := make([]request, len(batch))
	workers := min(runtime.GOMAXPROCS(0), len(batch)/decodeAlone+1)
	var wg sync.WaitGroup
	share := (len(batch) + workers - 1) / workers
	for lo := 0; lo < len(batch); lo += share {
		part := func() {
			for i := lo; i < min(lo+share, len(batch)); i++ {
				requests[i] = open(batch[i], limit)
			}
		}
		if lo+share >= len(batch) {
			part() // the last share is ours
			break
		}
		wg.Go(part)
	}
	wg.Wait()
	return requests
}

func open(frames wire.Frames, limit int) request {
	for i, f := range frames {
		if len(f) > 0 {
			continue
		}
		r := request{envelope: frames[:i+1]}
		if len(frames) != i+2 {
			r.err = &message.Malformed{Reason: "it has not exactly one part"}
			if len(frames) > i+1 {
				r.body = frames[i+1]
				r.err = &message.Malformed{Reason: "it has more than one part", Excerpt: message.Excerpt(r.body)}
			}
			return r
		}
		r.body = frames[i+1]
		r.msg, r.err = message.Decode(r.body, limit)
		return r
	}
	return request{err: &message.Malformed{Reason: "it has no envelope, and nobody to answer to"}}
}

// keepGarbage is how many bytes of a request that is not a message are stored.
const keepGarbage = 4096

// apply decides on one request, in the order of specs: compat section 1.
func (m *Manager) apply(ctx context.Context, t *turn, r *request) {
	now := m.Now().UTC()
	m.lastMessage++
	record := engine.Message{ID: m.lastMessage, Time: now, Source: r.msg.Source, Type: r.msg.Type, Body: r.body}
	if record.Body == nil {
		record.Body = []byte{} // there is nothing in it, and the store has no null
	}
	var d engine.Decision
	if r.err != nil {
		d = engine.Refuse(r.err)
		record.Body = append([]byte{}, r.body[:min(len(r.body), keepGarbage)]...) // never nil, and lets the rest go
	} else {
		d = engine.Decide(&m.Config.Registry, r.msg, m.checklist)
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
	if r.err == nil && d.Reply.Type != message.UnregisteredWork && d.Reply.Type != message.UnregisteredType {
		record.Launch = m.attribute(t, r.msg, now)
	}
	if d.Continue {
		if m.Notify != nil {
			t.notices = append(t.notices, notice{r.msg.Source, r.msg.Type})
		}
		if typ := m.follow(ctx, t, r.msg, record); typ != "" {
			d.Reply.Type = typ
		}
	}
	record.Reply = d.Reply.Type
	t.effects.Messages = append(t.effects.Messages, record)
	if r.envelope != nil {
		t.replies = append(t.replies, append(r.envelope[:len(r.envelope):len(r.envelope)], m.encode(d.Reply)))
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
}

// follow asks the rule what comes after a report, and requests it. It returns the type of the reply if that is not ack.
func (m *Manager) follow(ctx context.Context, t *turn, msg message.Message, record engine.Message) string {
	replyType := ""
	next, err := m.Rules.After(ctx, msg, m.checklist.Map())
	switch {
	case err == nil:
	case errors.Is(err, m.NoFunction):
		m.Log.Log(ctx, engine.LevelCritical, "could not find after_"+msg.Source+" in "+m.Rules.Module()+" module")
		replyType = message.NoAfterWorker
	default:
		m.Log.Log(ctx, engine.LevelCritical, "after_"+msg.Source+" failed on ("+msg.Type+"): nothing was launched\n"+err.Error()+traceback(err))
		m.raise(t, engine.Alert{
			Key: "rule after_" + msg.Source, Kind: "rule error", Worker: msg.Source, Message: "after_" + msg.Source + " failed on " + msg.Type + ": " + firstLine(err.Error()),
			Offer: control.CmdEvaluate, Args: evaluateArgs(record.ID),
		})
	}
	// A rule that failed or is missing returned nothing, and its worker still leaves the barriers.
	m.request(t, engine.Report{Worker: msg.Source, Type: msg.Type, Message: record.ID, Launch: record.Launch, Time: record.Time}, next)
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
	}
	for _, b := range m.barriers {
		if !still[b.ID] {
			t.effects.Released = append(t.effects.Released, b.ID)
		}
	}
	m.barriers = open
	t.barriers = append([]engine.Barrier{}, open...)
}

// rulesNotLoaded is the key of the alert that says so.
const rulesNotLoaded = "rules"

// refreshRules loads the rules again if their file has changed. The rules log what came of it.
func (m *Manager) refreshRules() {
	_, err := m.Rules.Refresh()
	switch t := m.turn(); {
	case err == nil && m.openAlert(rulesNotLoaded) != nil:
		m.settle(t, rulesNotLoaded, "they are loaded")
		m.submit(t)
	case err != nil:
		m.raise(t, engine.Alert{Key: rulesNotLoaded, Kind: "rules not loaded", Message: "the rules loaded before stay in use: " + firstLine(err.Error())})
		m.submit(t)
	}
}
