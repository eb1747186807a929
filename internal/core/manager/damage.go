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
