package fault

import (
	"os"
	"time"
)

// SilentVariable is the environment variable that says after how long a broker's silence counts as a broken connection.
const SilentVariable = "NOWCAST_FAULT_SILENT"

// GraceVariable is the environment variable that says how long the alerter waits for what explains an alert.
const GraceVariable = "NOWCAST_FAULT_GRACE"

// Patience returns d, unless the environment variable says that a test has less time.
func Patience(variable string, d time.Duration) time.Duration {
	if less, err := time.ParseDuration(os.Getenv(variable)); err == nil && less > 0 {
		return less
	}
	return d
}
