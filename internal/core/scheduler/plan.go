package scheduler

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"nowcast/internal/core/config"
)

// plan is when an entry is due. It does not change and has no clock of its own.
type plan struct {
	words  string         // e.g. "every day at 05:15"
	zone   *time.Location // whose clock on the wall counts
	step   step           // nil with period
	each   bool           // it goes by the hour or the minute: when the clock is set back, due again in the hour that comes twice
	period time.Duration  // so long after the last due time, whatever the clock on the wall shows; 0 with step
}

// step returns the next due time after a time, both as the clock on the wall shows them (in UTC, where no clock is ever
// set back or forward). The zero time means never.
type step func(wall time.Time) time.Time

var weekdays = map[string]time.Weekday{"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
	"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday}

const day = 24 * time.Hour

// parse reads what an entry says about time, as the Python package schedule does (specs: compat section 7).
func parse(s *config.Scheduled) (plan, config.Errors) {
	p := plan{zone: time.Local}
	if len(s.Problems) > 0 {
		return p, s.Problems
	}
	var wrong config.Errors
	complain := func(key, problem, remedy string) { wrong = append(wrong, s.Complaint(key, problem, remedy)) }
	if s.Timezone != "" {
		zone, err := time.LoadLocation(s.Timezone)
		if err != nil || s.Timezone == "Local" {
			complain("timezone", "is "+strconv.Quote(s.Timezone)+", which is not in the time zone database of this host", "give a name such as America/Vancouver or UTC")
		} else {
			p.zone = zone
		}
	}
	if s.Cron != "" {
		p.cron(s.Cron, complain)
	} else {
		p.every(s.Every, s.At, complain)
	}
	return p, wrong
}

func (p *plan) cron(text string, complain func(key, problem, remedy string)) {
	const remedy = "give minute, hour, day of month, month and day of week (0 to 6, 0 is Sunday), e.g. cron: 15 5 * * mon-fri"
	fields := strings.Fields(text)
	if len(fields) != 5 {
		complain("cron", "is "+strconv.Quote(text)+", which has not five fields", remedy)
		return
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	if err != nil {
		complain("cron", "is "+strconv.Quote(text)+", which cannot be read: "+err.Error(), remedy)
		return
	}
	const allHours = 1<<24 - 1
	p.words, p.step = "cron "+strings.Join(fields, " "), parsed.Next
	p.each = parsed.(*cron.SpecSchedule).Hour&allHours == allHours
	if p.step(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		complain("cron", "is "+strconv.Quote(text)+", a date that never comes", remedy)
	}
}

// The forms of at, by unit, are those of the package schedule. Hours are checked afterwards.
var (
	dailyAt  = regexp.MustCompile(`^([0-2]\d):([0-5]\d)(?::([0-5]\d))?$`)
	hourlyAt = regexp.MustCompile(`^([0-5]\d)?:([0-5]\d)$`)
	minuteAt = regexp.MustCompile(`^:([0-5]\d)$`)
)

func (p *plan) every(every, at string, complain func(key, problem, remedy string)) {
	unit := every
	if strings.HasSuffix(unit, "s") && unit != "s" { // the package takes both
		unit = strings.TrimSuffix(unit, "s")
	}
	weekday, weekly := weekdays[every]
	p.words = "every " + unit
	if at != "" {
		p.words += " at " + at
	}
	wrongAt := func(form string) {
		complain("at", "is "+strconv.Quote(at)+", which is no time for every "+unit, "write it as "+form+", in quotes")
	}
	switch {
	case weekly && at == "":
		p.step = func(w time.Time) time.Time { return onWeekday(w.Add(day), weekday) }
	case weekly || unit == "day" && at != "":
		clock, ok := timeOfDay(at)
		if !ok {
			wrongAt("HH:MM or HH:MM:SS")
			return
		}
		p.step = func(w time.Time) time.Time {
			due := w.Truncate(day).Add(clock)
			if !due.After(w) {
				due = due.Add(day)
			}
			if weekly {
				due = onWeekday(due, weekday)
			}
			return due
		}
	case unit == "week" && at != "":
		complain("at", "is "+strconv.Quote(at)+", but a week has no time of day", "write the day instead, e.g. every: monday")
	case unit == "week":
		p.step = func(w time.Time) time.Time { return w.Add(7 * day) }
	case unit == "day":
		p.step = func(w time.Time) time.Time { return w.Add(day) }
	case unit == "hour" && at != "":
		m := hourlyAt.FindStringSubmatch(at)
		if m == nil {
			wrongAt(":MM or MM:SS")
			return
		}
		into := seconds(m[2]) * 60
		if m[1] != "" {
			into = seconds(m[1])*60 + seconds(m[2])
		}
		p.repeat(time.Hour, into)
	case unit == "minute" && at != "":
		m := minuteAt.FindStringSubmatch(at)
		if m == nil {
			wrongAt(":SS")
			return
		}
		p.repeat(time.Minute, seconds(m[1]))
	case unit == "hour":
		p.period = time.Hour
	case unit == "minute":
		p.period = time.Minute
	default:
		complain("every", "is "+strconv.Quote(every)+", which is no unit", "give minute, hour, day, week, or a day of the week such as monday")
	}
}

// repeat makes p due in every hour or minute, so far into it.
func (p *plan) repeat(unit, into time.Duration) {
	p.each = true
	p.step = func(w time.Time) time.Time {
		due := w.Truncate(unit).Add(into)
		if !due.After(w) {
			due = due.Add(unit)
		}
		return due
	}
}

func onWeekday(t time.Time, d time.Weekday) time.Time {
	return t.Add(time.Duration((d-t.Weekday()+7)%7) * day)
}

func timeOfDay(at string) (time.Duration, bool) {
	m := dailyAt.FindStringSubmatch(at)
	if m == nil || m[1] > "23" {
		return 0, false
	}
	return seconds(m[1])*3600 + seconds(m[2])*60 + seconds(m[3]), true
}

// seconds reads digits that a regular expression has found; none are 0.
func seconds(digits string) time.Duration {
	n, _ := strconv.Atoi(digits)
	return time.Duration(n) * time.Second
}
