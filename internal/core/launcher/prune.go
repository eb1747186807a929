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

// Prune removes output and record of launches to which nothing was written for so long, except those of processes that still run. A
// silent one may run for weeks, and not be watched yet, or be what a worker left behind: whatever a process holds open stays.
// It returns how many launches it removed something of.
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
	files, keep := map[int64][]string{}, map[int64]bool{}
	for _, entry := range entries {
		id, ok := fileOf(entry.Name())
		if !ok {
			continue
		}
		files[id] = append(files[id], entry.Name())
		info, err := entry.Info()
		if err != nil || open[entry.Name()] || !info.ModTime().Before(limit) || la.watches(id) {
			keep[id] = true
		}
	}
	removed := 0
	var errs []error
	for id, names := range files {
		if keep[id] {
			continue
		}
		removed++
		for _, name := range names {
			if err := os.Remove(filepath.Join(la.options.OutputDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return removed, errors.Join(errs...)
}

// fileOf returns the launch that a file in the output directory is of: ID.log or ID-DECIDED.run.
func fileOf(name string) (int64, bool) {
	number, isOutput := strings.CutSuffix(name, ".log")
	if !isOutput {
		record, isRecord := strings.CutSuffix(name, ".run")
		if !isRecord {
			return 0, false
		}
		number, _, _ = strings.Cut(record, "-")
	}
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil
}

// Last returns the highest number of a launch of which there is a file, 0 if there is none.
func (la *Launcher) Last() (last int64) {
	entries, _ := os.ReadDir(la.options.OutputDir) // New has made it; what cannot be read now names nobody
	for _, entry := range entries {
		if id, ok := fileOf(entry.Name()); ok {
			last = max(last, id)
		}
	}
	return last
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
