package faults

import (
	"nowcast/internal/core/engine"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// late: I4, a late report of an attempt that another one has replaced changes nothing but the record.
func (c *checker) late() {
	for i := range c.Messages {
		m := &c.Messages[i]
		l := c.launches[sender(m)]
		if l == nil || c.launches[l.Superseded] == nil || !m.Time.After(c.launches[l.Superseded].Decided) {
			continue
		}
		c.r.Late++
		if m.Op != "" {
			c.r.broken("I4: message %d came from launch %d after launch %d had taken its place, and has changed %q in the checklist", m.ID, l.ID, l.Superseded, m.Key)
		}
		for _, n := range c.caused[m.ID] {
			c.r.broken("I4: message %d came from launch %d after launch %d had taken its place, and has launched %d, %s", m.ID, l.ID, l.Superseded, n.ID, n.NextWorker)
		}
	}
}

// sender returns the launch that a recording worker says it is, which need not be what the manager has found; 0 if it does not say.
func sender(m *engine.Message) int64 {
	msg, err := message.Decode(m.Body, len(m.Body))
	if err != nil {
		return 0
	}
	if payload, ok := msg.Payload.(*pyyaml.Map); ok {
		v, _ := payload.Get("launch")
		if id, ok := v.(int64); ok {
			return id
		}
	}
	return msg.Launch
}
