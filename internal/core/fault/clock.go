package fault

import (
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// ClockVariable is the environment variable that names a file with a duration, such as -1h: by so much the clock of this process was
// set, from when the file says so. The daemons see a step of an hour as the kernel would show it, and the machine's clock is left alone.
const ClockVariable = "NOWCAST_FAULT_CLOCK"

var clock = offset{file: os.Getenv(ClockVariable)}

// Now is time.Now, unless a test has set the clock.
func Now() time.Time {
	if clock.file == "" {
		return time.Now()
	}
	return clock.now()
}

// offset is by how much the clock was set.
type offset struct {
	file string

	mu   sync.Mutex
	read time.Time     // guarded by mu, as is the next
	by   time.Duration // whole seconds
}

// look is how long an offset is believed.
const look = 50 * time.Millisecond

func (o *offset) now() time.Time {
	t := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.read.IsZero() || t.Sub(o.read) >= look {
		o.read = t
		if text, err := os.ReadFile(o.file); err == nil {
			if by, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
				o.by = by.Truncate(time.Second)
			}
		}
	}
	return step(t, o.by)
}

// step moves the wall clock's reading in t and leaves alone that of the clock which nobody can set. Add moves both, and no code could tell
// such a step from time that has passed. The seconds of the wall clock are above its 30 bits of nanoseconds, in the first word of a Time
// from time.Now; a test holds that to be so.
func step(t time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(int64(by/time.Second)) << 30
	return t
}
