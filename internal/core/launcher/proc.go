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

// startTime returns when a process started, in clock ticks since boot: field 22 of /proc/PID/stat.
func startTime(pid int) (uint64, error) {
	stat, err := processStat(pid)
	return stat.start, err
}

// stat is what we read of /proc/PID/stat.
type stat struct {
	state          byte // 'Z' and 'X' are dead
	group, session int
	start          uint64
}

func processStat(pid int) (stat, error) {
	file := "/proc/" + strconv.Itoa(pid) + "/stat"
	data, err := os.ReadFile(file)
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name in parentheses, and may itself contain spaces and parentheses.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	const state, group, session, start = 3 - 3, 5 - 3, 6 - 3, 22 - 3
	if len(fields) <= start {
		return stat{}, fmt.Errorf("%s has %d fields after the name, not at least %d", file, len(fields), start+1)
	}
	s := stat{state: fields[state][0]}
	var errs [3]error
	s.group, errs[0] = strconv.Atoi(string(fields[group]))
	s.session, errs[1] = strconv.Atoi(string(fields[session]))
	s.start, errs[2] = strconv.ParseUint(string(fields[start]), 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return stat{}, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// groups returns the process groups of a session, its leader's own first.
func groups(session int) []int {
	found := []int{session}
	entries, _ := os.ReadDir("/proc") // without /proc there is no launch that alive has seen
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := processStat(pid); err == nil && s.session == session && !slices.Contains(found, s.group) {
			found = append(found, s.group)
		}
	}
	return found
}

// alive tells whether the very process of a launch still runs.
func alive(l *launch.Launch) bool {
	if l.PID <= 0 || l.PIDStart == 0 {
		return false
	}
	s, err := processStat(l.PID)
	return err == nil && s.start == l.PIDStart && s.state != 'Z' && s.state != 'X'
}
