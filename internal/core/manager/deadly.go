package manager

import (
	"context"
	"fmt"
	"os"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// deaths is how often a manager may die in the rule for one message.
const deaths = 3

// deadly remembers, in a file, the request whose rule is being called, if it is one that the broker gives again: perhaps the last
// manager died of it, of a rule that ate the memory, say. The broker would give it to the next one, and so on for ever.
type deadly struct {
	file  string // "" remembers nothing
	id    string // the request in whose rule an earlier manager died
	count int    // and how many did
}

func openDeadly(file string) deadly {
	d := deadly{file: file}
	if text, err := os.ReadFile(file); err == nil {
		fmt.Sscanf(string(text), "%s %d", &d.id, &d.count) // an empty file is the usual one
	}
	return d
}

// enter is called before a rule and returns how many managers have died in it, this one included if it should.
func (d *deadly) enter(id string) int {
	count := 2 // when the broker gave it for the first time, nobody took notes
	if d.id == id {
		count = d.count + 1
	}
	// If it cannot be written, the next manager tries once more. It is not synced: a machine that dies did not die of a rule.
	_ = os.WriteFile(d.file, fmt.Appendf(nil, "%s %d\n", id, count), 0o600)
	return count
}

func (d *deadly) leave() {
	d.id = ""
	_ = os.Truncate(d.file, 0)
}

// call asks the rule what comes after a message.
func (m *Manager) call(ctx context.Context, msg message.Message, t wire.Ticket) (launch.Next, error) {
	if t.Again && m.deadly.file != "" {
		defer m.deadly.leave()
		if count := m.deadly.enter(t.ID); count > deaths {
			return launch.Next{}, fmt.Errorf("%d managers have died in this rule with this message, so it is not called for it any more; "+
				"does it eat the memory (journalctl -k)? Correct it, then have it evaluated", deaths)
		}
	}
	return m.Rules.After(ctx, msg, m.checklist.Map())
}
