package widget

import (
	"time"

	"nowcast/internal/core/launch"
)

// Duration shows a length of time.
func Duration(d time.Duration) string { return launch.Length(d) }

// Clock shows a time of day, with the date where it is not the day of now.
func Clock(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("01-02 15:04")
}
