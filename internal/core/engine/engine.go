// Package engine is the decision: what a message means for the checklist, the barriers and the launches.
//
// Everything here is a function of what it is given; it opens nothing, starts nothing and asks no clock. The
// manager, check and simulate share it, so they cannot disagree. The order of the steps is that of specs: compat section 1.
package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// Line is a log line that the specification fixes.
type Line struct {
	Level slog.Level
	Text  string
}

// LevelCritical is Python's CRITICAL among slog's levels.
const LevelCritical = slog.LevelError + 4

// Decision is what a message leads to, before any rule is asked.
type Decision struct {
	Reply    message.Message
	Lines    []Line
	Change   *checklist.Change // nil: the checklist stays as it is
	Dump     bool              // the checklist goes to the log before it changes
	Continue bool              // a rule says what comes next (step 6)
}

// Refuse decides on bytes that are not a message.
func Refuse(err error) Decision {
	return Decision{
		Reply: reply(message.UnregisteredType, nil),
		Lines: []Line{{slog.LevelError, err.Error()}},
	}
}

// Decide applies steps 1 to 6a to a message. It reads cl and does not change it.
func Decide(reg *config.Registry, m message.Message, cl *checklist.Checklist) Decision {
	worker, ok := reg.Workers[m.Source]
	if !ok { // step 1
		return refused(message.UnregisteredWork, "message received from unregistered worker: %s", printable(m.Source))
	}
	words, ok := worker.Types[m.Type]
	if !ok { // step 2
		return refused(message.UnregisteredType, "unregistered message type received from %s worker: %s", m.Source, printable(m.Type))
	}
	d := Decision{Reply: reply(message.Ack, nil), Lines: make([]Line, 0, 2)}
	// Joined by hand, as the other line that most messages have: the first is seldom wanted by anybody.
	d.Lines = append(d.Lines, Line{slog.LevelDebug, "received message from " + m.Source + ": (" + m.Type + ") " + words}) // step 3
	switch m.Type {
	case message.TypeClear: // step 4
		d.Reply = reply(message.ChecklistCleared, nil)
		d.Change = &checklist.Change{Op: checklist.Clear}
		d.Dump = true
		d.line(slog.LevelInfo, "checklist cleared")
	case message.TypeNeed: // step 5
		value, ok := cl.Map().Get(hashable(m.Payload))
		if !ok {
			d.line(slog.LevelError, "%s needs the checklist key %s, which the checklist does not have: null was sent", m.Source, pyyaml.Repr(m.Payload))
		}
		d.Reply.Payload = value
	default: // step 6a
		d.Continue = true
		if m.Payload != nil {
			d.update(worker, m, cl)
		}
	}
	return d
}

func (d *Decision) update(w config.Worker, m message.Message, cl *checklist.Checklist) {
	key := w.ChecklistKey
	if key == "" { // the reference dies
		key = w.Name
		d.line(slog.LevelError, "no checklist key in the message registry for %s worker: its payload is kept under %q; add a checklist key", w.Name, key)
	}
	change := cl.Report(key, m.Payload)
	d.Change = &change
	d.Lines = append(d.Lines, Line{slog.LevelInfo, "checklist updated with [" + key + "] items from " + m.Source + " worker"})
}

func (d *Decision) line(level slog.Level, format string, args ...any) {
	d.Lines = append(d.Lines, Line{level, fmt.Sprintf(format, args...)})
}

func refused(typ, format string, args ...any) Decision {
	d := Decision{Reply: reply(typ, nil)}
	d.line(slog.LevelError, format, args...)
	return d
}

// printable returns a stranger's text as it is if it can stand in a log line, and quoted if it has control characters in it:
// they could forge lines and steer the terminal of whoever reads the log.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }) {
		return message.Excerpt([]byte(s))
	}
	return s
}

func reply(typ string, payload pyyaml.Value) message.Message {
	return message.Message{Source: message.ManagerName, Type: typ, Payload: payload}
}

// hashable returns the key a worker asks for, or a key that no checklist has if it could not be one.
func hashable(key pyyaml.Value) pyyaml.Value {
	switch key.(type) {
	case *pyyaml.Map, *pyyaml.Set, []pyyaml.Value, pyyaml.Pairs:
		return &key
	}
	return key
}
