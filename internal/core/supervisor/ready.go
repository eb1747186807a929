package supervisor

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// ReadyVariable is the environment variable that holds the number of the file descriptor for Ready.
const ReadyVariable = "NOWCAST_READY_FD"

// Ready tells the supervisor that this process serves. It does nothing in a process that has none. lookup is os.LookupEnv.
func Ready(lookup func(string) (string, bool)) {
	text, ok := lookup(ReadyVariable)
	if !ok {
		return
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), "ready")
	f.Write([]byte{'\n'}) // the other end may be gone; nobody waits then
	f.Close()
}

// notices are the variables that concern a process and whoever supervises it, and nobody that the process starts: a worker
// that told systemd it is ready, or let its watchdog run out, would speak for a daemon.
var notices = []string{ReadyVariable, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}

// WithoutNotices returns an environment for what a supervised process starts.
func WithoutNotices(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(notices, name)
	})
}
