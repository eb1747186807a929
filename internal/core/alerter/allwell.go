package alerter

import (
	"fmt"
	"strings"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// dailyDue tells whether the daily message of today is due, and its date. It goes by what clocks on the wall show, so there is one a day
// whatever the clock does: a time that does not exist comes when the clock has passed it, one that exists twice counts once, and after
// a pause it comes late.
func dailyDue(at *config.ClockTime, last string, began, now time.Time, zone *time.Location) (date string, due bool) {
	if at == nil {
		return "", false
	}
	now = now.In(zone)
	date = now.Format(time.DateOnly)
	passed := func(t time.Time) bool { return 60*t.Hour()+t.Minute() >= 60*at.Hour+at.Minute }
	if last > now.AddDate(0, 0, 1).Format(time.DateOnly) {
		last = "" // it was sent by a clock that was wrong
	}
	began = began.In(zone)
	late := began.Format(time.DateOnly) == date && passed(began) // there was no alerter yet when it was due
	return date, date > last && passed(now) && !late
}

// day counts what became of the launches of the last 24 hours, from the newest snapshot.
func day(launches []launch.Launch, now time.Time) (total, failed int) {
	for i := range launches {
		l := &launches[i]
		if now.Sub(l.Decided) > 24*time.Hour {
			continue
		}
		total++
		if l.State.Bad() {
			failed++
		}
	}
	return total, failed
}

// daily is the text of the daily message. launches is nil if the manager does not answer.
func (w writer) daily(s *state, launches *feed.Snapshot, now time.Time) string {
	var lines []string
	open := 0
	for _, r := range s.Incidents {
		if !r.Open() {
			continue
		}
		if open++; open <= listed {
			first, _, _ := strings.Cut(r.Message, "\n")
			known := ""
			if r.Acknowledged != nil {
				known = " (acknowledged by " + r.Acknowledged.Author + ")"
			}
			lines = append(lines, fmt.Sprintf("- %d, since %s, %s: %s%s", r.ID, w.clock(r.Time), r.Kind, first, known))
		}
	}
	if open > listed {
		lines = append(lines, fmt.Sprintf("- and %d more", open-listed))
	}
	numbers := "the manager does not answer"
	if launches != nil {
		total, failed := day(launches.Launches, now)
		numbers = fmt.Sprintf("%d launches in 24 h, %d failed", total, failed)
	}
	begun := 0
	for _, r := range s.Incidents {
		if now.Sub(r.Time) < 24*time.Hour {
			begun++
		}
	}
	numbers += fmt.Sprintf("; %d alerts", begun)
	if open == 0 && launches != nil {
		return fmt.Sprintf("%s: %s\n", allWell, numbers)
	}
	return fmt.Sprintf("not all well, %d alerts are open: %s\n%s\nall of them: nowcastd alerts %s\n", open, numbers, strings.Join(lines, "\n"), w.config)
}
