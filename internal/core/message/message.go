// Package message is the one thing workers and the manager say to each other: a YAML mapping with the keys payload,
// source and type (specs: compat section 1). It decodes what strangers send, and never panics on it.
package message

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"nowcast/internal/core/pyyaml"
)

// DefaultLimit is how many bytes a message may have unless the configuration says otherwise: 64 MiB.
const DefaultLimit = 64 << 20

// Types of reply that the manager sends; they are keys of message registry: manager.
const (
	Ack               = "ack"
	ChecklistCleared  = "checklist cleared"
	UnregisteredWork  = "unregistered worker"
	UnregisteredType  = "unregistered message type"
	NoAfterWorker     = "no after_worker function"
	TypeNeed          = "need"
	TypeClear         = "clear checklist"
	ManagerName       = "manager"
	launchKey         = "launch"
	idKey             = "id"
	payloadKey        = "payload"
	sourceKey, tpeKey = "source", "type"
)

// Message is one message, decoded.
type Message struct {
	Source  string // worker name, or "manager"
	Type    string // key of the sender's message registry entry
	Payload pyyaml.Value

	// Launch is ours and optional: Python peers neither send nor read it.
	Launch int64 // the launch that sends it; 0 unknown

	// ID is ours and optional, too: it names this message for good, so that a worker whose connection broke can send it again
	// and get its answer without anything being done twice.
	ID string
}

// Malformed is the error for bytes that are not a message.
type Malformed struct {
	Reason  string // what is wrong with them
	Excerpt string // their beginning, printable
	Source  string // who says to have sent them, if that much could be read
}

func (m *Malformed) Error() string {
	from := ""
	if m.Source != "" {
		from = " from " + m.Source
	}
	return fmt.Sprintf("not a message%s: %s: %s", from, m.Reason, m.Excerpt)
}

// Encode returns the message as PyYAML's yaml.dump would write it.
func (m Message) Encode() []byte {
	v := pyyaml.MapOf(payloadKey, m.Payload, sourceKey, m.Source, tpeKey, m.Type)
	if m.Launch != 0 {
		v.Set(launchKey, m.Launch)
	}
	if m.ID != "" {
		v.Set(idKey, m.ID)
	}
	return pyyaml.Encode(v)
}

// Decode reads a message of at most limit bytes. Its error is always a *Malformed.
func Decode(data []byte, limit int) (Message, error) {
	bad := func(source, format string, args ...any) (Message, error) {
		return Message{}, &Malformed{fmt.Errorf(format, args...).Error(), Excerpt(data), source}
	}
	if len(data) > limit {
		return bad("", "%d bytes are more than the limit of %d (message size limit in the configuration)", len(data), limit)
	}
	if !utf8.Valid(data) {
		return bad("", "not UTF-8")
	}
	v, err := pyyaml.Decode(data)
	if err != nil {
		return bad(guessSource(data), "%w", err)
	}
	m, ok := v.(*pyyaml.Map)
	if !ok {
		return bad("", "not a mapping with the keys payload, source and type")
	}
	source, err := text(m, sourceKey)
	if err != nil {
		return bad("", "%w", err)
	}
	typ, err := text(m, tpeKey)
	if err != nil {
		return bad(source, "%w", err)
	}
	payload, ok := m.Get(payloadKey)
	if !ok {
		return bad(source, "the key payload is missing")
	}
	msg := Message{Source: source, Type: typ, Payload: payload}
	if l, ok := m.Get(launchKey); ok {
		msg.Launch, _ = l.(int64)
	}
	if id, ok := m.Get(idKey); ok {
		msg.ID, _ = id.(string)
	}
	return msg, nil
}

func text(m *pyyaml.Map, key string) (string, error) {
	v, ok := m.Get(key)
	if !ok {
		return "", fmt.Errorf("the key %s is missing", key)
	}
	s, ok := v.(string)
	if !ok {
		return "", errors.New("the value of " + key + " is not a string")
	}
	return s, nil
}

// guessSource finds the sender's name in bytes that could not be decoded, for the log line; "" if it cannot.
func guessSource(data []byte) string {
	for line := range strings.Lines(string(data[max(0, len(data)-4096):])) {
		if s, ok := strings.CutPrefix(line, sourceKey+": "); ok {
			return Excerpt([]byte(strings.TrimSpace(s)))
		}
	}
	return ""
}

// excerptLength is how many bytes of garbage a log line shows.
const excerptLength = 80

// Excerpt returns the beginning of data with everything unprintable escaped, for log lines.
func Excerpt(data []byte) string {
	more := ""
	if len(data) > excerptLength {
		more = fmt.Sprintf("... (%d bytes)", len(data))
		data = data[:excerptLength]
	}
	return fmt.Sprintf("%+q", data) + more
}
