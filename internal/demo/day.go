// Package demo plays a recorded day of the SalishSeaCast ocean forecast.
//
// It knows the recording (Day), decides which stand-in worker sends which of its messages and when (Plan, Claims),
// prepares a directory in which a whole system can run (Prepare), and compares what was launched with what was recorded
// (Compare). `nowcastd demo`, the stand-in worker in workers/standin and tests use it. It starts nothing and listens to nothing.
package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// Yesterday stands in a recorded argument for the day before the launch, as YYYY-MM-DD in local time.
const Yesterday = "<today-1>"

// Day is a recorded day.
type Day struct {
	Steps     []Step
	Checklist *pyyaml.Map // as it was before clear_checklist emptied it
}

// Step is one message of the day, what the manager answered and what the rules launched.
type Step struct {
	Message  message.Message
	Data     any    // the message's payload as plain Go data, as the worker library wants it
	Reply    string // type of the reply
	Launches []launch.NextWorker
}

// LoadDay reads a recording.
func LoadDay(file string) (*Day, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the recorded day: %w", err)
	}
	var raw struct {
		Steps []struct {
			Source, Type string
			Payload      json.RawMessage
			Reply        string
			Launches     []launch.NextWorker
		}
		Checklist string `json:"checklist at the end of the day"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("read the recorded day %s: %w", file, err)
	}
	d := &Day{}
	for i, s := range raw.Steps {
		payload, err := pyyaml.Decode(s.Payload) // JSON is YAML, so the values are the ones that travel
		if err != nil {
			return nil, fmt.Errorf("read the recorded day %s: payload of step %d: %w", file, i+1, err)
		}
		m := message.Message{Source: s.Source, Type: s.Type, Payload: payload}
		d.Steps = append(d.Steps, Step{m, plain(payload), s.Reply, s.Launches})
	}
	checklist, err := pyyaml.Decode([]byte(raw.Checklist))
	if err != nil {
		return nil, fmt.Errorf("read the recorded day %s: checklist: %w", file, err)
	}
	d.Checklist, _ = checklist.(*pyyaml.Map)
	if len(d.Steps) == 0 || d.Checklist.Len() == 0 {
		return nil, fmt.Errorf("read the recorded day %s: there are no steps or no checklist in it", file)
	}
	return d, nil
}

// First is the message that starts the day. Nobody was launched to send it: it was sent by a worker of the day before.
func (d *Day) First() message.Message { return d.Steps[0].Message }

// yesterday is what Yesterday stands for at a launch decided at t.
func yesterday(t time.Time) string { return t.Local().AddDate(0, 0, -1).Format(time.DateOnly) }

// plain returns what JSON can hold of a payload as maps, slices and scalars.
func plain(v pyyaml.Value) any {
	switch v := v.(type) {
	case *pyyaml.Map:
		m := make(map[string]any, v.Len())
		for key, value := range v.All() {
			if k, ok := key.(string); ok {
				m[k] = plain(value)
			}
		}
		return m
	case []pyyaml.Value:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = plain(value)
		}
		return list
	}
	return v
}
