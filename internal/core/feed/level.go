package feed

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
)

// levels are Python's levels; their numbers are ten apart, from 0 on.
var levels = [...]string{"NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

// LevelNames returns the names of the levels that records have, lowest first.
func LevelNames() []string { return slices.Clone(levels[1:]) }

// PythonLevel returns Python's number of a level. Its levels and slog's are on one line: 10 for 4, with INFO at 20 and 0.
func PythonLevel(l slog.Level) int { return 20 + int(math.Floor(2.5*float64(l))) }

// SlogLevel returns the level of one of Python's numbers. It undoes PythonLevel.
func SlogLevel(python int) slog.Level { return slog.Level(math.Ceil(float64(python-20) / 2.5)) }

// LevelName returns Python's name of the level that l belongs to.
func LevelName(l slog.Level) string {
	return levels[min(max(PythonLevel(l)/10, 1), len(levels)-1)]
}

// PythonLevelName returns what Python calls one of its numbers.
func PythonLevelName(python int) string {
	if i := python / 10; python%10 == 0 && 0 <= i && i < len(levels) {
		return levels[i]
	}
	return fmt.Sprintf("Level %d", python)
}

// PythonLevelNumber returns Python's number of a name.
func PythonLevelNumber(name string) (int, bool) {
	switch name {
	case "WARN":
		name = "WARNING"
	case "FATAL":
		name = "CRITICAL"
	}
	i := slices.Index(levels[:], name)
	return 10 * i, i >= 0
}
