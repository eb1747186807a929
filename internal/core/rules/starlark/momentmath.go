package starlark

import (
	"fmt"
	"time"
	_ "time/tzdata" // time zones by name, also on machines that have no tzdata package

	"go.starlark.net/starlark"
)

// units are the keywords of shift, each with what one of it adds to a wall clock.
var units = map[string]func(*clock, int){
	"years":        func(c *clock, n int) { c.months += 12 * n },
	"quarters":     func(c *clock, n int) { c.months += 3 * n },
	"months":       func(c *clock, n int) { c.months += n },
	"weeks":        func(c *clock, n int) { c.days += 7 * n },
	"days":         func(c *clock, n int) { c.days += n },
	"hours":        func(c *clock, n int) { c.rest += time.Duration(n) * time.Hour },
	"minutes":      func(c *clock, n int) { c.rest += time.Duration(n) * time.Minute },
	"seconds":      func(c *clock, n int) { c.rest += time.Duration(n) * time.Second },
	"microseconds": func(c *clock, n int) { c.rest += time.Duration(n) * time.Microsecond },
}

// clock is a shift of a wall clock.
type clock struct {
	months, days int
	rest         time.Duration
}

// maxShift bounds each part of a shift, so that none of the sums overflows.
const maxShift = 1_000_000

// momentShift is m.shift(days=-1). Like arrow it moves the wall clock: noon shifted by a day is noon, also
// when the clocks change in between, and the last day of a month stays in the month.
func momentShift(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) > 0 {
		return nil, fmt.Errorf("shift: say what to shift by, as in shift(days=-1)")
	}
	m := b.Receiver().(moment)
	var by clock
	for _, kw := range kwargs {
		name := string(kw[0].(starlark.String))
		add, ok := units[name]
		if !ok {
			return nil, fmt.Errorf("shift: %s is not one of years, quarters, months, weeks, days, hours, minutes, seconds, microseconds", name)
		}
		if _, isSymbol := kw[1].(symbol); isSymbol {
			continue
		}
		n, err := starlark.AsInt32(kw[1])
		if err != nil || n < -maxShift || n > maxShift {
			return nil, fmt.Errorf("shift: %s=%s is not a whole number between %d and %d", name, kw[1], -maxShift, maxShift)
		}
		add(&by, n)
	}
	return m.shift(by), nil
}

func (m moment) shift(by clock) moment {
	y, mo, d := m.t.Date()
	first := time.Date(y, mo+time.Month(by.months), 1, 0, 0, 0, 0, time.UTC)
	d = min(d, daysIn(first.Year(), first.Month()))
	wall := time.Date(first.Year(), first.Month(), d+by.days, m.t.Hour(), m.t.Minute(), m.t.Second(), m.t.Nanosecond(), time.UTC)
	return moment{m.kind, inZone(wall.Add(by.rest), m.t.Location())}
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// inZone returns the moment at which a clock on the wall in loc shows what wall shows. Where it shows that twice, the first
// time is meant, and where it jumps over it, the clock that did not jump decides: both are what Python does, except that
// Python can also show a time that is jumped over, and we show the same moment as the clock on the wall does.
func inZone(wall time.Time, loc *time.Location) time.Time {
	before := wall.Add(-offset(wall.Add(-24*time.Hour), loc)).In(loc)
	if sameWall(before, wall) {
		return before
	}
	after := wall.Add(-offset(wall.Add(24*time.Hour), loc)).In(loc)
	if sameWall(after, wall) {
		return after
	}
	return before
}

func offset(t time.Time, loc *time.Location) time.Duration {
	_, seconds := t.In(loc).Zone()
	return time.Duration(seconds) * time.Second
}

func sameWall(a, b time.Time) bool {
	return a.Format(time.DateTime) == b.Format(time.DateTime)
}

// momentReplace is m.replace(hour=0, tzinfo="UTC").
func momentReplace(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	m := b.Receiver().(moment)
	year, month, day := m.t.Year(), int(m.t.Month()), m.t.Day()
	hour, minute, second, micro := m.t.Hour(), m.t.Minute(), m.t.Second(), m.t.Nanosecond()/1000
	zone := ""
	err := starlark.UnpackArgs("replace", args, kwargs, "year?", &year, "month?", &month, "day?", &day,
		"hour?", &hour, "minute?", &minute, "second?", &second, "microsecond?", &micro, "tzinfo?", &zone)
	if err != nil {
		return nil, err
	}
	loc := m.t.Location()
	if zone != "" {
		if loc, err = location(zone); err != nil {
			return nil, fmt.Errorf("replace: %w", err)
		}
	}
	f := fields{year: year, month: month, day: day, hour: hour, minute: minute, second: second, micros: micro, loc: loc}
	t, ok := f.date()
	if !ok {
		return nil, fmt.Errorf("replace: %04d-%02d-%02d %02d:%02d:%02d does not exist", year, month, day, hour, minute, second)
	}
	return moment{m.kind, t}, nil
}

func momentFloor(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	m, _, err := span(b, args, kwargs)
	return m, err
}

// momentCeil is the last microsecond of the frame, as in arrow.
func momentCeil(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	m, one, err := span(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	one.rest -= time.Microsecond
	return m.shift(one), nil
}

// span returns the beginning of the frame (day, hour, month, ...) that the receiver is in, and how long one is.
func span(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (moment, clock, error) {
	var frame string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &frame); err != nil {
		return moment{}, clock{}, err
	}
	m := b.Receiver().(moment)
	t := m.t
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	begin := func(wall time.Time, one clock) (moment, clock, error) {
		return moment{m.kind, inZone(wall, t.Location())}, one, nil
	}
	hour := midnight.Add(time.Duration(t.Hour()) * time.Hour)
	switch frame {
	case "year", "years":
		return begin(midnight.AddDate(0, 1-int(t.Month()), 1-t.Day()), clock{months: 12})
	case "quarter", "quarters":
		return begin(midnight.AddDate(0, 0, 1-t.Day()).AddDate(0, -(int(t.Month())-1)%3, 0), clock{months: 3})
	case "month", "months":
		return begin(midnight.AddDate(0, 0, 1-t.Day()), clock{months: 1})
	case "week", "weeks":
		return begin(midnight.AddDate(0, 0, 1-m.isoweekday()), clock{days: 7})
	case "day", "days":
		return begin(midnight, clock{days: 1})
	case "hour", "hours":
		return begin(hour, clock{rest: time.Hour})
	case "minute", "minutes":
		return begin(hour.Add(time.Duration(t.Minute())*time.Minute), clock{rest: time.Minute})
	case "second", "seconds":
		return begin(hour.Add(time.Duration(t.Minute())*time.Minute+time.Duration(t.Second())*time.Second), clock{rest: time.Second})
	}
	return moment{}, clock{}, fmt.Errorf("%s: %q is not one of year, quarter, month, week, day, hour, minute, second", b.Name(), frame)
}

// momentTo is m.to("America/Vancouver").
func momentTo(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var zone string
	if err := starlark.UnpackArgs("to", args, kwargs, "tz", &zone); err != nil {
		return nil, err
	}
	loc, err := location(zone)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	m := b.Receiver().(moment)
	return moment{m.kind, m.t.In(loc)}, nil
}

// location finds a time zone by its name: "local", "utc", a name such as America/Vancouver, or an offset such as -07:00.
func location(name string) (*time.Location, error) {
	switch name {
	case "local":
		return time.Local, nil
	case "utc", "UTC", "Z":
		return time.UTC, nil
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if t, err := time.Parse(layout, name); err == nil {
			return t.Location(), nil
		}
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, fmt.Errorf("%q is not a time zone: give local, UTC, a name such as America/Vancouver or an offset such as -07:00", name)
	}
	return loc, nil
}
