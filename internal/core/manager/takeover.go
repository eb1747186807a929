package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/pyyaml"
)

// takeOver begins with the checklist of the state database, whatever the file says: until now the day went on under the manager for which
// this one stood by. A file of somebody else is an old one in a directory of our own, or an edit under a running manager; and
// --ignore-checklist was given for the day on which this manager was started.
func (m *Manager) takeOver(ctx context.Context, text []byte, ours bool, unread error) error {
	if m.IgnoreChecklist {
		m.Log.Warn(fmt.Sprintf("--ignore-checklist is not done: this manager stood by for %s, and takes over the running day with its checklist; "+
			"for an empty one stop all managers, then start one with --ignore-checklist", m.StoodBy))
	}
	switch {
	case unread == nil && !ours:
		if err := m.notUsed(ctx, text); err != nil {
			return err
		}
	case unread != nil && !errors.Is(unread, fs.ErrNotExist):
		m.Log.Warn("checklist load failed: " + unread.Error())
		if err := m.notRead(ctx, m.Config.ChecklistFile, unread); err != nil {
			return err
		}
	}
	m.file.writeNow(m.checklist, m.seq)
	m.Log.Info(fmt.Sprintf("the checklist is that of the state database, as %s has left it", m.StoodBy))
	m.tellChecklist()
	return nil
}

// notUsed keeps a checklist file that is about to be overwritten, and says so, unless it has the same to say.
func (m *Manager) notUsed(ctx context.Context, text []byte) error {
	why := ""
	if v, err := pyyaml.Decode(text); err != nil {
		why = "it cannot be read: " + err.Error()
	} else if values, ok := v.(*pyyaml.Map); !ok {
		why = "it is not a mapping"
	} else if why = differences(m.checklist.Map(), values); why == "" {
		return nil
	}
	said := fmt.Sprintf("the checklist file %s is not the one that %s has left, for whom this manager stood by: %s. It is not used, "+
		"and replaced by the checklist of the state database. ", m.Config.ChecklistFile, m.StoodBy, why)
	if kept, err := m.keepAside(text); err != nil {
		said += fmt.Sprintf("It could not be kept: %v", err)
	} else {
		said += fmt.Sprintf("It is kept as %s; if it is the right one, stop all managers, copy it over the checklist file and start one", kept)
	}
	m.Log.Warn(said)
	t := m.turn()
	m.raise(t, engine.Alert{Key: replacedKey, Kind: "checklist replaced", Message: said})
	return m.Store.Commit(ctx, &t.effects)
}
