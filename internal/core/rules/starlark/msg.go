package starlark

import (
	"errors"

	"go.starlark.net/starlark"
)

// msgValue is the msg of a rule.
type msgValue struct {
	source, typ string
	payload     starlark.Value
}

var _ starlark.HasAttrs = (*msgValue)(nil)

func (m *msgValue) Type() string          { return "Message" }
func (m *msgValue) Freeze()               {}
func (m *msgValue) Truth() starlark.Bool  { return true }
func (m *msgValue) Hash() (uint32, error) { return 0, errors.New("unhashable type: Message") }
func (m *msgValue) String() string        { return "Message(" + m.source + ": " + m.typ + ")" }

// Attr gives the three attributes of a message.
func (m *msgValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "source":
		return starlark.String(m.source), nil
	case "type":
		return starlark.String(m.typ), nil
	case "payload":
		return m.payload, nil
	}
	return nil, nil
}

// AttrNames lists the attributes.
func (m *msgValue) AttrNames() []string { return []string{"payload", "source", "type"} }
