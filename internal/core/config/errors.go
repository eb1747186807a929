package config

import (
	"fmt"
	"strings"
)

// Error is one complaint about the configuration file.
type Error struct {
	File    string // as the caller named it
	Line    int    // 0 if it has none
	Key     string // path of keys, e.g. "zmq: ports: manager"; "" for the file as a whole
	Problem string // completes the sentence that begins with the key
	Remedy  string // what to do
}

// Error returns the complaint in one line: where, what, and what to do.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	for _, part := range []string{e.Key, e.Problem, e.Remedy} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	return b.String()
}

// Text returns the complaint without its place in the file.
func (e Error) Text() string {
	e.File, e.Line = "", 0
	return strings.TrimPrefix(e.Error(), ": ")
}

// Errors are all complaints about one file, in the order of the file where that is known.
type Errors []Error

// Error returns one line per complaint.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

func joinKeys(keys []string) string { return strings.Join(keys, ": ") }
