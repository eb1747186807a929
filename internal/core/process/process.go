// Package process reads what the kernel tells about the processes of this machine: /proc of Linux.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Stat is what is of use in /proc/PID/stat; see proc(5).
type Stat struct {
	Name                   string // of the program, at most 15 bytes
	State                  byte
	Parent, Group, Session int
	Start                  uint64 // in clock ticks since the machine was started: with the PID it names one process of this start for good
}

// Dead tells whether the process has ended, and only its entry is left.
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

// Read returns what is known of a process. If there is none, the error is fs.ErrNotExist, or ESRCH if it ended while it was read.
func Read(pid int) (Stat, error) {
	file := "/proc/" + strconv.Itoa(pid) + "/stat"
	data, err := os.ReadFile(file)
	if err != nil {
		return Stat{}, err
	}
	s, err := parse(data)
	if err != nil {
		return Stat{}, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func parse(data []byte) (Stat, error) {
	// The second field is the program's name in parentheses, and may itself contain spaces and parentheses.
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return Stat{}, errors.New("it has no name in parentheses")
	}
	fields := bytes.Fields(data[end+1:])
	const state, parent, group, session, start = 3 - 3, 4 - 3, 5 - 3, 6 - 3, 22 - 3
	if len(fields) <= start {
		return Stat{}, fmt.Errorf("it has %d fields after the name, not at least %d", len(fields), start+1)
	}
	s := Stat{Name: string(data[open+1 : end]), State: fields[state][0]}
	var errs [4]error
	s.Parent, errs[0] = strconv.Atoi(string(fields[parent]))
	s.Group, errs[1] = strconv.Atoi(string(fields[group]))
	s.Session, errs[2] = strconv.Atoi(string(fields[session]))
	s.Start, errs[3] = strconv.ParseUint(string(fields[start]), 10, 64)
	return s, errors.Join(errs[:]...)
}

// All calls f for each process until it returns false, dead ones included. Without /proc there is none.
func All(f func(pid int, s Stat) bool) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := Read(pid); err == nil && !f(pid, s) {
			return
		}
	}
}

// Boot returns the id of this start of the machine.
func Boot() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("learn which start of this machine it is: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}
