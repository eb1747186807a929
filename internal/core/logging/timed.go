package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// timed is when logging.handlers.TimedRotatingFileHandler rolls its file, and what it does then. It counts seconds as
// Python's does, so that both roll at the same time to the same names, also when the clocks change.
type timed struct {
	interval int64 // seconds
	daily    bool  // midnight and W0 to W6: at a time of day
	weekday  int   // W0 to W6: Monday is 0; otherwise -1
	at       int64 // daily: seconds after midnight
	utc      bool
	backups  int
	layout   string         // of what follows the name of a rolled file
	pattern  *regexp.Regexp // of the same
}

const (
	hour = 3600
	day  = 24 * hour
)

// newTimed reads the arguments when and interval.
func newTimed(when string, interval int64) (*timed, error) {
	const daily, datePattern = "2006-01-02", `\d{4}-\d{2}-\d{2}`
	t := &timed{weekday: -1, at: day, layout: daily}
	pattern := datePattern
	switch w := strings.ToUpper(when); {
	case w == "S":
		t.interval, t.layout, pattern = 1, daily+"_15-04-05", datePattern+`_\d{2}-\d{2}-\d{2}`
	case w == "M":
		t.interval, t.layout, pattern = 60, daily+"_15-04", datePattern+`_\d{2}-\d{2}`
	case w == "" || w == "H":
		t.interval, t.layout, pattern = hour, daily+"_15", datePattern+`_\d{2}`
	case w == "D":
		t.interval = day
	case w == "MIDNIGHT":
		t.interval, t.daily = day, true
	case len(w) == 2 && w[0] == 'W' && w[1] >= '0' && w[1] <= '6':
		t.interval, t.daily, t.weekday = 7*day, true, int(w[1]-'0')
	default:
		return nil, fmt.Errorf("is %q", when)
	}
	t.interval *= interval
	t.pattern = regexp.MustCompile("^" + pattern + "$")
	return t, nil
}

func (t *timed) clock(second int64) time.Time {
	if t.utc {
		return time.Unix(second, 0).UTC()
	}
	return time.Unix(second, 0).Local()
}

// next returns when a file is due that was rolled, or last written to, at the given second.
func (t *timed) next(from int64) int64 {
	if !t.daily {
		return from + t.interval
	}
	c := t.clock(from)
	today := (int(c.Weekday()) + 6) % 7
	left := t.at - int64((c.Hour()*60+c.Minute())*60+c.Second())
	if left < 0 {
		left += day
		today = (today + 1) % 7
	}
	due := from + left
	if t.weekday < 0 || t.weekday == today {
		return due
	}
	return t.sameClock(from, due+int64((t.weekday-today+7)%7)*day)
}

// sameClock moves a second so that its clock shows what it would without a change to or from summer time since from.
func (t *timed) sameClock(from, second int64) int64 {
	was, is := t.clock(from).IsDST(), t.clock(second).IsDST()
	switch {
	case is && !was:
		return second - hour
	case was && !is:
		return second + hour
	}
	return second
}

// after returns when the file is due again that is rolled now.
func (t *timed) after(now time.Time) int64 {
	due := t.next(now.Unix())
	for due <= now.Unix() {
		due += t.interval
	}
	if t.daily {
		due = t.sameClock(now.Unix(), due)
	}
	return due
}

// rename returns what rolls a file that was due at the given second: it gets the time at which its records begin, and of all
// that have such names the newest remain.
func (t *timed) rename(path string, due int64, now time.Time) func() error {
	begin := due - t.interval
	switch was, is := t.clock(begin).IsDST(), t.clock(now.Unix()).IsDST(); {
	case is && !was:
		begin += hour
	case was && !is:
		begin -= hour
	}
	return func() error {
		err := os.Rename(path, path+"."+t.clock(begin).Format(t.layout))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return t.removeOld(path)
	}
}

func (t *timed) removeOld(path string) error {
	if t.backups == 0 {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	var rolled []string
	for _, e := range entries { // sorted by name, and so by time
		suffix, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+".")
		if ok && slices.ContainsFunc(strings.Split(suffix, "."), t.pattern.MatchString) {
			rolled = append(rolled, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	var errs []error
	for _, name := range rolled[:max(0, len(rolled)-t.backups)] {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}
