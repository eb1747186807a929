package policy

import (
	"testing"
	"time"

	"nowcast/internal/core/config"
)

var everyDay = [7]bool{true, true, true, true, true, true, true}

func TestDeadlines(t *testing.T) {
	for _, c := range []struct {
		name, zone   string
		hour, minute int
		now          string // UTC
		due          string // UTC
		midnight     string // UTC
	}{
		{"an ordinary day", "America/Vancouver", 5, 30, "2031-05-17T10:00:00Z", "2031-05-17T12:30:00Z", "2031-05-17T07:00:00Z"},
		{"late in the day it is still this day's", "America/Vancouver", 5, 30, "2031-05-18T06:59:00Z", "2031-05-17T12:30:00Z", "2031-05-17T07:00:00Z"},
		{"a minute later it is the next day's", "America/Vancouver", 5, 30, "2031-05-18T07:00:00Z", "2031-05-18T12:30:00Z", "2031-05-18T07:00:00Z"},
		{"a time that does not come is the end of the gap", "America/Vancouver", 2, 30, "2026-03-08T20:00:00Z", "2026-03-08T10:00:00Z", "2026-03-08T08:00:00Z"},
		{"after the gap the clock counts", "America/Vancouver", 5, 30, "2026-03-08T20:00:00Z", "2026-03-08T12:30:00Z", "2026-03-08T08:00:00Z"},
		{"a time that comes twice is the first", "America/Vancouver", 1, 30, "2026-11-01T20:00:00Z", "2026-11-01T08:30:00Z", "2026-11-01T07:00:00Z"},
		{"after the second the clock counts", "America/Vancouver", 5, 30, "2026-11-01T20:00:00Z", "2026-11-01T13:30:00Z", "2026-11-01T07:00:00Z"},
		{"east of Greenwich, forward", "Europe/Amsterdam", 2, 30, "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-28T23:00:00Z"},
		{"east of Greenwich, back", "Europe/Amsterdam", 2, 30, "2026-10-25T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z"},
		{"a day without midnight", "America/Santiago", 0, 30, "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-06T04:00:00Z"},
		{"half an hour", "Australia/Lord_Howe", 1, 45, "2026-04-05T05:00:00Z", "2026-04-04T14:45:00Z", "2026-04-04T13:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			now, _ := time.Parse(time.RFC3339, c.now)
			d := config.Deadline{Set: true, Hour: c.hour, Minute: c.minute, Days: everyDay}
			due, midnight, ok := Due(d, now.In(zone))
			if !ok || due.UTC().Format(time.RFC3339) != c.due || midnight.UTC().Format(time.RFC3339) != c.midnight {
				t.Errorf("got %v, %v, %v; want %s, %s", due.UTC(), midnight.UTC(), ok, c.due, c.midnight)
			}
			if next := NextCheck(d, midnight.Add(-time.Second).In(zone)); next.UTC().Format(time.RFC3339) != c.due {
				t.Errorf("NextCheck at the end of the day before: got %v, want %s", next.UTC(), c.due)
			}
		})
	}
}

func TestADeadlineHasItsDays(t *testing.T) {
	monday := config.Deadline{Set: true, Hour: 5, Days: [7]bool{time.Monday: true}}
	sunday := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	if _, _, ok := Due(monday, sunday); ok {
		t.Error("got a deadline on a Sunday, want none")
	}
	if got, want := NextCheck(monday, sunday), sunday.Add(23*time.Hour); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := NextCheck(monday, sunday.Add(23*time.Hour)), sunday.Add(23*time.Hour+7*24*time.Hour); !got.Equal(want) {
		t.Errorf("at the moment itself: got %v, want that of the next week, %v", got, want)
	}
	if got := NextCheck(config.Deadline{}, sunday); !got.IsZero() {
		t.Errorf("without a deadline: got %v, want none", got)
	}
}
