// Package fault lets a test kill this process at a chosen step. NOWCAST_FAULT="committed:3" makes the third passage of the step
// "committed" the last thing the process does, by SIGKILL. Without the variable a step costs a comparison.
package fault

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Variable is the environment variable that names the step and the passage.
const Variable = "NOWCAST_FAULT"

var (
	at    string
	after atomic.Int64
)

func init() {
	name, count, ok := strings.Cut(os.Getenv(Variable), ":")
	if n, err := strconv.ParseInt(count, 10, 64); ok && err == nil && n > 0 {
		at = name
		after.Store(n)
	}
}

// Point is a step at which the process may be told to die.
func Point(step string) {
	if at != "" && at == step && after.Add(-1) == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
