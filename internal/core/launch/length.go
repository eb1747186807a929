package launch

import (
	"fmt"
	"time"
)

// Length shows a length of time as an operator reads it, with the two units that matter: 40ms, 1.2s, 12s, 3m05s, 2h07m, 3d04h. The console
// and the commands show the same, so that nobody looks for the difference.
func Length(d time.Duration) string {
	switch {
	case d < 0:
		return "0s" // clocks of two hosts
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
