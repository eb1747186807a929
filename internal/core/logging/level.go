package logging

import "log/slog"

// LevelCritical is Python's CRITICAL: someone must act now.
const LevelCritical slog.Level = 12

// Python's levels; slog's are on the same line, 4 for 10, with INFO at 0.
const (
	notSet   = 0
	debug    = 10
	info     = 20
	warning  = 30
	failure  = 40 // ERROR
	critical = 50
)

// named tells whether a level is one of Python's five.
func named(level int) bool { return level >= debug && level <= critical && level%10 == 0 }
