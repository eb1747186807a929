package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"nowcast/internal/core/config"
)

// Change is what a running manager is given when the configuration has changed.
type Change struct {
	Config       *config.Config
	Rules        Rules        // nil: those it has, which are given the configuration
	ChecklistLog *slog.Logger // as in Options
}

// change is a Change on its way to the loop.
type change struct {
	Change
	done chan struct{}
}

// Reload has the messages that follow handled with another configuration, and returns when the one before is not used any more.
// It must have passed CheckFile. The only error is that ctx has ended, and then nothing has changed.
func (m *Manager) Reload(ctx context.Context, c Change) error {
	given := change{c, make(chan struct{})}
	select {
	case m.reloads <- given:
		<-given.done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reload is done by the loop, between messages, so each is handled with one configuration or the other.
func (m *Manager) reload(c change) {
	defer close(c.done)
	was := m.Config
	m.Config, m.ChecklistLog = c.Config, c.ChecklistLog
	m.noteDeadlines(was)
	m.history.Store(&c.Config.History)
	m.wake(0) // other policies
	if c.Rules != nil {
		m.Rules = c.Rules
	} else {
		m.Rules.Configure(c.Config)
		m.refreshRules() // a mistake in them is said now, not with the next message
	}
	m.warnOfNoRules()
	if was, is := m.file.path, c.Config.ChecklistFile; was != is {
		m.file.path = is
		m.file.write(m.checklist, m.seq)
		m.Log.Info(fmt.Sprintf("the checklist is written to %s from now on; %s stays as it is", is, was))
	}
}

// warnOfNoRules says, whenever rules or registry were loaded, which workers have no rule: it is better known now than from the first report.
func (m *Manager) warnOfNoRules() {
	functions := m.Rules.Functions()
	for _, worker := range slices.Sorted(maps.Keys(m.Config.Registry.Workers)) {
		if !slices.Contains(functions, worker) {
			text, _ := config.NoRule(worker, m.Rules.Module())
			m.Log.Warn(text)
		}
	}
}

// CheckFile tells whether the checklist can go to another file while the manager runs: it does not take the place of a file that is
// not a checklist of ours, as the one that is changed by mistake may be anything.
func CheckFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("checklist file: %w", err)
	}
	if _, ours := ourTrailer(text); err == nil && len(text) > 0 && !ours {
		return fmt.Errorf("checklist file: %s is there, and this manager did not write it: move it away or give another name; to have it read, restart the manager", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".nowcast-*")
	if err != nil {
		return fmt.Errorf("checklist file: %s cannot be written: %w", path, err)
	}
	f.Close()
	os.Remove(f.Name())
	return nil
}
