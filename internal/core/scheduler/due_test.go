package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
)

const vancouver = "America/Vancouver"

// planOf returns the plan of an entry that has no mistakes.
func planOf(t testing.TB, s config.Scheduled) plan {
	t.Helper()
	p, wrong := parse(&s)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return p
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	if when, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return when
	}
	zone, err := time.LoadLocation(vancouver)
	if err != nil {
		t.Fatal(err)
	}
	when, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// 2026-03-08: the clock in Vancouver goes from 02:00 PST to 03:00 PDT; 2026-11-01: from 02:00 PDT back to 01:00 PST.
func TestTheNextDueTimes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		entry config.Scheduled
		after string
		want  []string // one after the other, in UTC
	}{
		{"today", config.Scheduled{Every: "day", At: "05:15"}, "2026-11-22 05:14:59", []string{"2026-11-22T13:15:00Z", "2026-11-23T13:15:00Z"}},
		{"not again at the very moment", config.Scheduled{Every: "day", At: "05:15"}, "2026-11-22 05:15:00", []string{"2026-11-23T13:15:00Z"}},
		{"seconds", config.Scheduled{Every: "days", At: "05:15:30"}, "2026-11-22 05:15:00", []string{"2026-11-22T13:15:30Z"}},
		{"another zone", config.Scheduled{Every: "day", At: "05:15", Timezone: "Asia/Kolkata"}, "2026-11-22 05:15:00", []string{"2026-11-22T23:45:00Z"}},
		{"later today, a Sunday", config.Scheduled{Every: "sunday", At: "05:15"}, "2026-11-22 05:14:00", []string{"2026-11-22T13:15:00Z", "2026-11-29T13:15:00Z"}},
		{"on Monday", config.Scheduled{Every: "monday", At: "05:15"}, "2026-11-22 05:14:00", []string{"2026-11-23T13:15:00Z", "2026-11-30T13:15:00Z"}},
		{"on a day of the week, from the start's time of day on", config.Scheduled{Every: "sunday"}, "2026-11-22 06:07:08", []string{"2026-11-29T14:07:08Z", "2026-12-06T14:07:08Z"}},
		{"a day after the start", config.Scheduled{Every: "day"}, "2026-11-22 06:07:08", []string{"2026-11-23T14:07:08Z", "2026-11-24T14:07:08Z"}},
		{"a week after the start", config.Scheduled{Every: "week"}, "2026-11-22 06:07:08", []string{"2026-11-29T14:07:08Z"}},
		{"an hour after the start", config.Scheduled{Every: "hour"}, "2026-11-22T06:07:08.25Z", []string{"2026-11-22T07:07:08.25Z", "2026-11-22T08:07:08.25Z"}},
		{"minute of the hour", config.Scheduled{Every: "hour", At: ":30"}, "2026-11-22 06:30:00", []string{"2026-11-22T15:30:00Z"}},
		{"minute and second of the hour", config.Scheduled{Every: "hours", At: "15:30"}, "2026-11-22 06:07:08", []string{"2026-11-22T14:15:30Z"}},
		{"second of the minute", config.Scheduled{Every: "minute", At: ":05"}, "2026-11-22T06:07:04.999Z", []string{"2026-11-22T06:07:05Z", "2026-11-22T06:08:05Z"}},
		{"the minute of a zone that is half an hour off", config.Scheduled{Every: "hour", At: ":00", Timezone: "Asia/Kolkata"}, "2026-11-22T06:00:00Z", []string{"2026-11-22T06:30:00Z"}},
		{"cron", config.Scheduled{Cron: "15 5 * * mon-fri"}, "2026-11-20 05:15:00", []string{"2026-11-23T13:15:00Z"}},
		{"cron, the 29th of February", config.Scheduled{Cron: "0 0 29 2 *"}, "2026-11-20 05:15:00", []string{"2028-02-29T08:00:00Z"}},

		{"spring: the time of day stays", config.Scheduled{Every: "day", At: "05:15"}, "2026-03-07 00:00:00", []string{"2026-03-07T13:15:00Z", "2026-03-08T12:15:00Z"}},
		{"autumn: the time of day stays", config.Scheduled{Every: "day", At: "05:15"}, "2026-10-31 00:00:00", []string{"2026-10-31T12:15:00Z", "2026-11-01T13:15:00Z"}},
		{"spring: a time that does not come is the first moment after it", config.Scheduled{Every: "day", At: "02:30"}, "2026-03-07 03:00:00", []string{"2026-03-08T10:00:00Z", "2026-03-09T09:30:00Z"}},
		{"spring: cron at a time that does not come", config.Scheduled{Cron: "30 2 * * *"}, "2026-03-07 03:00:00", []string{"2026-03-08T10:00:00Z", "2026-03-09T09:30:00Z"}},
		{"spring: two times in the gap are one", config.Scheduled{Cron: "15,45 2 * * *"}, "2026-03-08 01:00:00", []string{"2026-03-08T10:00:00Z", "2026-03-09T09:15:00Z"}},
		{"autumn: a time that comes twice is due once, the first time", config.Scheduled{Every: "day", At: "01:30"}, "2026-10-31 12:00:00", []string{"2026-11-01T08:30:00Z", "2026-11-02T09:30:00Z"}},
		{"autumn: asked between the two", config.Scheduled{Every: "day", At: "01:30"}, "2026-11-01T08:45:00Z", []string{"2026-11-02T09:30:00Z"}},
		{"autumn: asked in the second of the hours", config.Scheduled{Every: "day", At: "01:30"}, "2026-11-01T09:10:00Z", []string{"2026-11-02T09:30:00Z"}},
		{"autumn: every hour goes on through both hours", config.Scheduled{Every: "hour", At: ":30"}, "2026-11-01 00:30:00", []string{"2026-11-01T08:30:00Z", "2026-11-01T09:30:00Z", "2026-11-01T10:30:00Z"}},
		{"autumn: due at the moment the clock is set back", config.Scheduled{Every: "hour", At: ":00"}, "2026-11-01 00:30:00", []string{"2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z"}},
		{"spring: every hour goes on", config.Scheduled{Every: "hour", At: ":30"}, "2026-03-08 00:30:00", []string{"2026-03-08T09:30:00Z", "2026-03-08T10:30:00Z"}},
		{"autumn: cron every quarter of an hour", config.Scheduled{Cron: "*/15 * * * *"}, "2026-11-01T08:30:00Z", []string{"2026-11-01T08:45:00Z", "2026-11-01T09:00:00Z", "2026-11-01T09:15:00Z"}},
		{"a zone that sets its clock by half an hour", config.Scheduled{Every: "hour", At: ":15", Timezone: "Australia/Lord_Howe"}, "2026-04-04T14:00:00Z", []string{"2026-04-04T14:15:00Z", "2026-04-04T15:45:00Z", "2026-04-04T16:45:00Z"}},
		{"midnight does not come", config.Scheduled{Every: "day", At: "00:00", Timezone: "America/Asuncion"}, "2023-09-30T12:00:00Z", []string{"2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.entry.Timezone == "" {
				tc.entry.Timezone = vancouver
			}
			p := planOf(t, tc.entry)
			due := at(t, tc.after)
			for i, want := range tc.want {
				due = p.next(due)
				if got := due.UTC().Format(time.RFC3339Nano); got != want {
					t.Fatalf("due time %d: got %s, want %s", i+1, got, want)
				}
			}
		})
	}
}

// TestDueTimesOfAYear compares next with what it promises, found the slow way: by looking at
// the clock on the wall every five minutes.
func TestDueTimesOfAYear(t *testing.T) {
	for _, zone := range []string{vancouver, "Australia/Lord_Howe", "America/Asuncion", "UTC"} {
		for _, entry := range []config.Scheduled{{Every: "day", At: "01:30"}, {Every: "day", At: "02:30"}, {Every: "day", At: "00:00"}, {Cron: "10,50 0-3 * * *"}} {
			entry.Timezone = zone
			t.Run(zone+" "+entry.Every+entry.At+entry.Cron, func(t *testing.T) {
				const glance = 5 * time.Minute
				p := planOf(t, entry)
				start := time.Date(2023, 1, 1, 12, 0, 0, 0, time.UTC)
				end := start.AddDate(1, 0, 0)
				shown := map[int64]bool{} // by the clock on the wall, up to now
				var want []time.Time
				for now := start; now.Before(end); now = now.Add(glance) {
					w, before := wall(now.In(p.zone)), wall(now.Add(-glance).In(p.zone))
					due := false
					for m := before.Add(glance); !m.After(w); m = m.Add(glance) { // more than one after a gap
						due = due || p.step(m.Add(-1)).Equal(m) && !shown[m.Unix()]
						shown[m.Unix()] = true
					}
					if !w.After(before) { // set back
						due = p.step(w.Add(-1)).Equal(w) && !shown[w.Unix()]
						shown[w.Unix()] = true
					}
					if due && now.After(start) {
						want = append(want, now)
					}
				}
				due := start
				for i, w := range want {
					if due = p.next(due); !due.Equal(w) {
						t.Fatalf("due time %d: got %v, want %v", i, due.In(p.zone), w.In(p.zone))
					}
				}
				if due = p.next(due); due.Before(end) {
					t.Errorf("got %v beside the %d that were wanted", due.In(p.zone), len(want))
				}
			})
		}
	}
}

func TestPassedDueTimesAreCounted(t *testing.T) {
	p := planOf(t, config.Scheduled{Every: "hour", At: ":30", Timezone: "UTC"})
	from := time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)
	for until, want := range map[time.Duration]string{
		0:                            "0",
		time.Hour - 1:                "0",
		time.Hour:                    "1 at 06:30:00",
		10*time.Hour + time.Minute:   "10 at 15:30:00",
		-time.Hour:                   "0",
		2 * 366 * 24 * time.Hour:     "8784 at 05:30:00", // of the last year
		24*time.Hour + time.Second/2: "24 at 05:30:00",
	} {
		newest, n := p.passed(from, from.Add(until))
		got := fmt.Sprint(n)
		if n > 0 {
			got += newest.Format(" at 15:04:05")
		}
		if got != want {
			t.Errorf("after %v: got %s, want %s", until, got, want)
		}
	}
}

func TestWrongEntriesAreNamedWithARemedy(t *testing.T) {
	for _, tc := range []struct {
		entry config.Scheduled
		want  string
	}{
		{config.Scheduled{Every: "second"}, `every: is "second", which is no unit: give minute, hour, day, week,`},
		{config.Scheduled{Every: "mondays"}, `every: is "mondays", which is no unit`},
		{config.Scheduled{Every: "s"}, `every: is "s", which is no unit`},
		{config.Scheduled{Every: "week", At: "05:15"}, `at: is "05:15", but a week has no time of day: write the day instead, e.g. every: monday`},
		{config.Scheduled{Every: "day", At: "24:00"}, `at: is "24:00", which is no time for every day: write it as HH:MM or HH:MM:SS, in quotes`},
		{config.Scheduled{Every: "day", At: "5:15"}, "no time for every day"},
		{config.Scheduled{Every: "day", At: "05:60"}, "no time for every day"},
		{config.Scheduled{Every: "day", At: ":15"}, "no time for every day"},
		{config.Scheduled{Every: "tuesday", At: "05:15:60"}, "no time for every tuesday"},
		{config.Scheduled{Every: "hour", At: "05:15:00"}, "no time for every hour: write it as :MM or MM:SS"},
		{config.Scheduled{Every: "hour", At: "60:15"}, "no time for every hour"},
		{config.Scheduled{Every: "minute", At: "15"}, "no time for every minute: write it as :SS"},
		{config.Scheduled{Every: "minute", At: "15:30"}, "no time for every minute"},
		{config.Scheduled{Cron: "15 5 * *"}, `cron: is "15 5 * *", which has not five fields: give minute, hour,`},
		{config.Scheduled{Cron: "TZ=UTC 15 5 * * *"}, "which has not five fields"},
		{config.Scheduled{Cron: "@daily"}, "which has not five fields"},
		{config.Scheduled{Cron: "15 25 * * *"}, `cron: is "15 25 * * *", which cannot be read: end of range (25) above maximum (23)`},
		{config.Scheduled{Cron: "0 0 30 2 *"}, "a date that never comes"},
		{config.Scheduled{Cron: ", 5 * * *"}, "a date that never comes"},
		{config.Scheduled{Every: "day", Timezone: "Pacific"}, `timezone: is "Pacific", which is not in the time zone database of this host: give a name such as America/Vancouver`},
		{config.Scheduled{Every: "day", Timezone: "../etc/passwd"}, "not in the time zone database"},
	} {
		tc.entry.Where = config.Error{File: "n.yaml", Line: 7, Key: "scheduled workers: item 2: sleep"}
		_, wrong := parse(&tc.entry)
		if len(wrong) != 1 || !strings.HasPrefix(wrong.Error(), "n.yaml:7: scheduled workers: item 2: sleep: ") || !strings.Contains(wrong.Error(), tc.want) {
			t.Errorf("%+v: got %v, want %s", tc.entry, wrong, tc.want)
		}
	}
}
