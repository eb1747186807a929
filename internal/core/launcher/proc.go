package launcher

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"nowcast/internal/core/launch"
)

// stat is what we read of /proc/PID/stat.
type stat struct {
	name                   string // of the program, at most 15 bytes
	state                  byte
	parent, group, session int
	start                  uint64
}

// dead tells whether the process has ended, and only its entry is left.
func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' }

func processStat(pid int) (stat, error) {
	file := "/proc/" + strconv.Itoa(pid) + "/stat"
	data, err := os.ReadFile(file)
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name in parentheses, and may itself contain spaces and parentheses.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	const state, parent, group, session, start = 3 - 3, 4 - 3, 5 - 3, 6 - 3, 22 - 3
	if len(fields) <= start {
		return stat{}, fmt.Errorf("%s has %d fields after the name, not at least %d", file, len(fields), start+1)
	}
	s := stat{name: string(data[bytes.IndexByte(data, '(')+1 : bytes.LastIndexByte(data, ')')]), state: fields[state][0]}
	var errs [4]error
	s.parent, errs[3] = strconv.Atoi(string(fields[parent]))
	s.group, errs[0] = strconv.Atoi(string(fields[group]))
	s.session, errs[1] = strconv.Atoi(string(fields[session]))
	s.start, errs[2] = strconv.ParseUint(string(fields[start]), 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return stat{}, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// members calls f for each living process of a session, until it returns false.
func members(session int, f func(pid int, s stat) bool) {
	processes(func(pid int, s stat) bool { return s.session != session || s.dead() || f(pid, s) })
}

// processes calls f for each process, until it returns false.
func processes(f func(pid int, s stat) bool) {
	entries, _ := os.ReadDir("/proc") // without /proc there is no launch that alive has seen
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := processStat(pid); err == nil && !f(pid, s) {
			return
		}
	}
}

// groups returns the process groups of a session, its leader's own first.
func groups(session int) []int {
	found := []int{session}
	members(session, func(_ int, s stat) bool {
		if !slices.Contains(found, s.group) {
			found = append(found, s.group)
		}
		return true
	})
	return found
}

// alive tells whether the very process of a launch still runs.
func (la *Launcher) alive(l *launch.Launch) bool {
	if l.PID <= 0 || l.PIDStart == 0 || l.Boot != "" && l.Boot != la.boot {
		return false
	}
	s, err := processStat(l.PID)
	return err == nil && s.start == l.PIDStart && !s.dead()
}
