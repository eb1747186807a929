package feed

import (
	"log/slog"
	"math"
)

// PythonLevel returns Python's number of a level. Its levels and slog's are on one line: 10 for 4, with INFO at 20 and 0.
func PythonLevel(l slog.Level) int { return 20 + int(math.Floor(2.5*float64(l))) }

// SlogLevel returns the level of one of Python's numbers. It undoes PythonLevel.
func SlogLevel(python int) slog.Level { return slog.Level(math.Ceil(float64(python-20) / 2.5)) }
