package config

import (
	"os"
	"path/filepath"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// Find is Load for who only wants to reach daemons that run: an operator may be editing the file, or be without the environment
// of the daemons. If there are mistakes in the file, the configuration has only what tells where the sockets are, from the lines
// of checklist file and state dir, and the mistakes are returned beside it. The error is that even these are of no use.
func Find(file string, lookupEnv func(string) (string, bool)) (c *Config, mistakes, err error) {
	c, mistakes = Load(file, lookupEnv)
	if mistakes == nil {
		return c, nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, mistakes // which say so
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, nil, err
	}
	value, lines, err := pyyaml.DecodeLines(placeLines(string(text)))
	root, ok := value.(*pyyaml.Map)
	if err != nil || !ok {
		return nil, nil, mistakes
	}
	c = &Config{File: abs, given: file, root: root, lines: lines}
	c.directories(lookupEnv)
	l := &loader{file: file, lines: lines, lookup: lookupEnv}
	c.places(node{loader: l, value: root})
	if len(l.errs) > 0 {
		return nil, nil, mistakes
	}
	return c, mistakes, nil
}

// placeLines blanks all lines but those that tell where things are, so that the others may be anything.
func placeLines(text string) []byte {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "checklist file:") || strings.HasPrefix(line, "state dir:") {
			kept.WriteString(strings.TrimRight(line, "\n"))
		}
		kept.WriteByte('\n')
	}
	return []byte(kept.String())
}
