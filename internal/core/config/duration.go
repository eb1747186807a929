package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var timeUnits = []struct {
	suffix string
	unit   time.Duration
}{{"days", day}, {"day", day}, {"d", day}, {"ms", time.Millisecond}, {"s", time.Second}, {"min", time.Minute}, {"h", time.Hour}, {"", time.Second}}

const day = 24 * time.Hour

// duration returns a time of more than nothing, written as a number of seconds or with a unit.
func (n node) duration() time.Duration {
	count, unit := math.NaN(), time.Second
	switch v := n.value.(type) {
	case int64:
		count = float64(v)
	case float64:
		count = v
	case string:
		for _, u := range timeUnits {
			digits, ok := strings.CutSuffix(v, u.suffix)
			if f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64); ok && err == nil {
				count, unit = f, u.unit
				break
			}
		}
	}
	if d := time.Duration(count * float64(unit)); count > 0 && count < 1e6 && d > 0 {
		return d
	}
	n.errorf("give seconds, or a number with ms, s, min, h or d, e.g. 30 s", "is %s, not a length of time", describe(n.value))
	return 0
}
