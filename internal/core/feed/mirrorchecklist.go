package feed

import (
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/pyyaml"
)

// maxTouched is how many of the last checklist changes a mirror keeps.
const maxTouched = 500

// Touch says what one change of the checklist was about, so that a reader can mark it for a while.
type Touch struct {
	At     time.Time // when it came, by our clock
	Author string
	Op     checklist.Op
	Key    string         // "" with clear
	Items  []pyyaml.Value // of update: the keys within the mapping at Key
}

// changeChecklist carries out an event of the checklist stream. It uses the manager's own code, so that the two cannot
// come to different results.
func (m *Mirror) changeChecklist(e *Event) error {
	var changes []ChecklistChange
	if err := e.Decode(&changes); err != nil {
		return err
	}
	for _, c := range changes {
		change, err := checklist.ParseChange(checklist.Op(c.Op), []byte(c.YAML))
		if err != nil {
			return err
		}
		m.list.Apply(change)
		m.touch(c.Author, change)
	}
	m.rev.Checklist++
	return nil
}

func (m *Mirror) touch(author string, c checklist.Change) {
	t := Touch{At: m.o.Now(), Author: author, Op: c.Op, Key: c.Key}
	if c.Op == checklist.Update {
		if items, ok := c.Value.(*pyyaml.Map); ok {
			for k := range items.All() {
				t.Items = append(t.Items, k)
			}
		}
	}
	m.touched = append(m.touched, t)
	if len(m.touched) >= 2*maxTouched {
		m.touched = append([]Touch(nil), m.touched[maxTouched:]...)
	}
}

// Checklist returns the checklist, never nil. It changes in place with the next event.
func (m *Mirror) Checklist() *pyyaml.Map { return m.list.Map() }

// Touched returns the last changes of the checklist since the snapshot, oldest first.
func (m *Mirror) Touched() []Touch { return m.touched[max(0, len(m.touched)-maxTouched):] }
