package main

import (
	"time"

	clock "nowcast/internal/core/fault"
)

// wallClock is the clock by which daemons decide what is due. A test can set it without setting that of the machine.
func wallClock() time.Time { return clock.Now() }
