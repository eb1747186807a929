package manager

import (
	"context"
	"fmt"
	"strings"

	"nowcast/internal/core/engine"
)

// stateDamaged is the key of the alert that says so.
const stateDamaged = "state damaged"

// tellDamage says what a damaged database has cost, or that it is not the one of the files beside it. The next start without either ends
// the alert.
func (m *Manager) tellDamage(t *turn) {
	text := strings.TrimSpace(m.Salvaged + " " + m.unknown)
	if text == "" {
		m.settle(t, stateDamaged, "the state database was read without damage")
		return
	}
	m.Log.Log(context.Background(), engine.LevelCritical, text)
	m.raise(t, engine.Alert{Key: stateDamaged, Kind: "state damaged", Message: text})
}

// unknownLaunches compares the launches that the database remembers with those of which there are files. A launch is in the database
// before it has files, so more files mean that launches are forgotten, whatever became of the database: it was emptied, is an older
// copy, or another one. Their numbers are not used again (LastLaunch).
func unknownLaunches(remembered, files int64) string {
	if files <= remembered {
		return ""
	}
	return fmt.Sprintf("The state database knows launches up to %d, but there are files of launches up to %d in output/ of the state directory: the database was emptied "+
		"or is another or older one. Workers of those launches may be running, and nobody watches them: look for them (ps), and at what they had to do. "+
		"If the right database is there, stop the manager and put it back.", remembered, files)
}

// forgottenKey is the key of the alert that the checklist file knows of messages which the database does not. The next start does not end
// it: the file is as the database by then, and what was forgotten still is.
const forgottenKey = "state forgotten"

// noteForgotten compares the last message that the database knows with the one of our checklist file, which is written after that is
// in the database: so a file that is ahead means that the database was emptied, is an older copy, or another one. No number names
// two messages or launches, whatever the database has forgotten.
func (m *Manager) noteForgotten(ctx context.Context, file int64) error {
	known := m.lastMessage
	m.lastMessage = max(known, file)
	if file <= known || m.Incomplete { // of damage that was repaired, Salvaged tells
		return nil
	}
	m.lastMessage++
	t := m.turn()
	t.effects.Messages = []engine.Message{{ID: m.lastMessage, Time: m.Now().UTC(), Source: m.Config.ChecklistFile, Type: forgottenKey, Body: []byte{}}} // from here on numbers go on
	if m.unknown == "" {
		// There are no files of the launches of these messages. How many there were nobody knows, but hardly any worker is silent.
		m.lastLaunch = max(m.lastLaunch, 2*file+1000)
		t.effects.LastLaunch = m.lastLaunch
	}
	text := fmt.Sprintf("The checklist file is as of message %d, but the state database knows messages up to %d only: it is a new, another or an older one. "+
		"Was the state directory moved, removed or restored from a copy? Launches from then are forgotten: workers of theirs may be running, and nobody watches them: "+
		"look for them (ps), and at what they had to do. If the right database is there, stop the daemons and put it back, with the whole state directory. "+
		"This is told until the checklist is cleared.", file, known)
	m.Log.Log(ctx, engine.LevelCritical, text)
	m.raise(t, engine.Alert{Key: forgottenKey, Kind: "state damaged", Message: text})
	return m.Store.Commit(ctx, &t.effects)
}
