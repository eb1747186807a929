package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// KeepOutput is how long the manager keeps the output of launches.
const KeepOutput = 14 * 24 * time.Hour

// Prune removes the output of launches that was not written to for so long, except that of processes that still run. A silent
// one may run for weeks, and not be watched yet, or be what a worker left behind: whatever a process holds open stays.
// It returns how many files it removed.
func (la *Launcher) Prune(olderThan time.Duration) (int, error) {
	entries, err := os.ReadDir(la.options.OutputDir)
	if err != nil {
		return 0, fmt.Errorf("prune the output of launches: %w", err)
	}
	open, err := openFiles(la.options.OutputDir)
	if err != nil {
		return 0, fmt.Errorf("prune the output of launches: see which are in use: %w", err)
	}
	limit := la.options.Now().Add(-olderThan)
	removed := 0
	var errs []error
	for _, entry := range entries {
		name, isLog := strings.CutSuffix(entry.Name(), ".log")
		id, err := strconv.ParseInt(name, 10, 64)
		if !isLog || err != nil || la.watches(id) || open[entry.Name()] {
			continue
		}
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(limit) {
			continue
		}
		if err := os.Remove(filepath.Join(la.options.OutputDir, entry.Name())); err == nil {
			removed++
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(errs...)
}

func (la *Launcher) watches(id int64) bool {
	la.mu.Lock()
	defer la.mu.Unlock()
	return la.watched[id] != nil
}

// openFiles returns the names of the files in dir that any process of this user holds open.
func openFiles(dir string) (map[string]bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, p := range processes {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		fds := filepath.Join("/proc", p.Name(), "fd")
		entries, _ := os.ReadDir(fds) // of somebody else, or gone
		for _, fd := range entries {
			if file, err := os.Readlink(filepath.Join(fds, fd.Name())); err == nil && filepath.Dir(file) == dir {
				open[filepath.Base(file)] = true
			}
		}
	}
	return open, nil
}
