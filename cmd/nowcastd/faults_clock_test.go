package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	hooks "nowcast/internal/core/fault"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

var clockFaults = []fault{
	{14, "the clock is set, an hour forward and back", 4, clockIsSet},
	{14, "summer time begins and ends", 2, summerTime},
}

// timed is a world whose daemons go by a clock of the test.
type timed struct {
	*faults.World
	off time.Duration
}

func newTimed(t *testing.T, off time.Duration, zone, settings string) *timed {
	t.Helper()
	off = off.Truncate(time.Second)
	w := newWorld(t, func(o *faults.Options) {
		o.Env = []string{hooks.ClockVariable + "=" + o.Dir + "/clock", "TZ=" + zone}
		o.MoreSettings = settings
		o.Policy = "{timeout: 30 min, expected duration: 20 min, retries: {most: 2, wait: 1 s}}"
	})
	s := &timed{World: w}
	s.set(off)
	return s
}

// set sets the clock, beside that of the machine.
func (s *timed) set(off time.Duration) {
	s.off = off
	s.Write("clock", off.String())
	time.Sleep(60 * time.Millisecond) // longer than an offset is believed
}

func (s *timed) now() time.Time { return time.Now().Add(s.off) }

func (s *timed) begin() {
	for _, name := range []string{"broker", "manager", "scheduler", "alerter"} {
		s.Keep(name, nil)
	}
}

// scheduled is an entry of scheduled workers that launches the recording worker with a number.
func scheduled(number int, when string) string {
	return fmt.Sprintf("  - recorder: {%s, cmd line opts: %q}\n", when, fmt.Sprint(number))
}

// launched returns the launches with a number.
func launched(w *faults.World, number int) (all []*launch.Launch) {
	for _, l := range w.Launches() {
		if len(l.Args) > 0 && l.Args[0] == strconv.Itoa(number) {
			all = append(all, l)
		}
	}
	return all
}

// clockIsSet sets the clock an hour forward, back, back and forward while reports come in, launches run, wait for their next attempt
// and fall due. None of them may be ended, forgotten or done twice because of it, and there is one alarm: that the clock was set.
func clockIsSet(t *testing.T, r *rand.Rand, n int) *faults.Report {
	const minutely, daily = 9_000_001, 9_000_002
	s := newTimed(t, 0, "UTC", "scheduled workers:\n"+
		scheduled(minutely, "every: minute, at: ':00'")+scheduled(daily, "every: day, at: '05:15:00'"))
	s.Keep("broker", nil)
	s.Keep("manager", nil)
	soon := time.Now().UTC().Add(2 * time.Second)
	s.Write("nowcast.yaml", strings.NewReplacer("':00'", soon.Format("':05'"), "'05:15:00'", soon.Format("'15:04:05'")).Replace(s.Read("nowcast.yaml")))
	s.Keep("scheduler", nil)
	s.Keep("alerter", nil)
	s.Report(clients)
	long, retried := s.Once("sleep", "3s"), s.Once("exit", "3")
	for i := range n {
		serves(s.World)
		time.Sleep(upTo(r, 500*time.Millisecond))
		s.set([]time.Duration{time.Hour, 0, -time.Hour, 0}[i%4])
	}
	s.set(0)
	serves(s.World)
	s.Eventually("the launches that were due", func() bool {
		return len(launched(s.World, minutely)) > 0 && len(launched(s.World, daily)) > 0
	})
	s.Eventually("three attempts", func() bool { return len(launched(s.World, retried)) == 3 })
	report := s.Finish()
	if l := launched(s.World, long); len(l) != 1 || l[0].State != launch.Succeeded {
		report.Broken = append(report.Broken, fmt.Sprintf("the launch that ran while the clock was set: got %+v, want one that succeeded", l))
	}
	report.Broken = append(report.Broken, oncePerDueTime(s.World, 2)...)
	if got := len(launched(s.World, daily)); got != 1 {
		report.Broken = append(report.Broken, fmt.Sprintf("the daily entry was launched %d times in one day, want 1", got))
	}
	for _, a := range s.Alerts() {
		if a.Launch == 0 || a.Kind == "late" {
			report.Broken = append(report.Broken, fmt.Sprintf("I8: a false alarm: %s: %s", a.Kind, a.Message))
		}
	}
	if got := incidents(s.World); slices.ContainsFunc(got, func(kind string) bool { return kind != "worker crashed" && kind != "clock step" }) {
		report.Broken = append(report.Broken, fmt.Sprintf("I8: incidents %q, want only that the clock was set and that a launch crashed", got))
	}
	return report
}

// oncePerDueTime says where the schedule's own record has a due time twice, or an entry was launched more often than it was due.
func oncePerDueTime(w *faults.World, most int) (wrong []string) {
	var kept struct {
		Entries []struct {
			ID   string
			Runs []feed.ScheduleRun
		}
	}
	if err := json.Unmarshal([]byte(w.Read(".nowcast/schedule.json")), &kept); err != nil {
		return []string{"schedule.json: " + err.Error()}
	}
	for _, e := range kept.Entries {
		due := map[time.Time]bool{}
		for _, run := range e.Runs {
			if due[run.Due.UTC()] {
				wrong = append(wrong, fmt.Sprintf("I2: %s was due once at %s and has two runs", e.ID, run.Due))
			}
			due[run.Due.UTC()] = true
		}
		if len(e.Runs) == 0 || len(e.Runs) > most {
			wrong = append(wrong, fmt.Sprintf("%s has %d runs, want 1 to %d: %+v", e.ID, len(e.Runs), most, e.Runs))
		}
	}
	return wrong
}

// incidents returns the kinds of the incidents that the alerter made.
func incidents(w *faults.World) (kinds []string) {
	var kept struct{ Incidents []feed.Incident }
	json.Unmarshal([]byte(w.Read(".nowcast/alerts.json")), &kept)
	for _, i := range kept.Incidents {
		kinds = append(kinds, i.Kind)
	}
	return kinds
}

// summerTime has the schedule pass the moment at which clocks are set in Vancouver: each year's begin and end.
func summerTime(t *testing.T, r *rand.Rand, n int) *faults.Report {
	vancouver, err := time.LoadLocation("America/Vancouver")
	if err != nil {
		t.Fatal(err)
	}
	const gap, twice, hourly, after = 9_000_001, 9_000_002, 9_000_003, 9_000_004
	all := &faults.Report{}
	var worlds []*timed
	for i := range n {
		// 2026: the clock goes from 02:00 to 03:00 on 8 March, and from 02:00 to 01:00 on 1 November.
		change := []time.Time{time.Date(2026, 3, 8, 10, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}[i%2]
		before := 3*time.Second + upTo(r, time.Second)
		s := newTimed(t, change.Add(-before).Sub(time.Now()), vancouver.String(), "scheduled workers:\n"+
			scheduled(gap, "every: day, at: '02:30'")+
			scheduled(twice, "every: day, at: '01:00'")+
			scheduled(hourly, "every: hour, at: ':00'")+
			scheduled(after, "every: day, at: '"+change.Add(time.Second).In(vancouver).Format("15:04:05")+"'"))
		s.begin()
		s.Report(faults.Load{Clients: 1, Insist: 1, Pause: 100 * time.Millisecond})
		worlds = append(worlds, s)
		if len(worlds) < 4 && i < n-1 {
			continue // they wait side by side
		}
		for j, s := range worlds {
			all.Add(changed(s, (i-len(worlds)+1+j)%2 == 0, map[string]int{"02:30": gap, "01:00": twice, "every hour": hourly, "just after": after}))
		}
		worlds = nil
	}
	return all
}

// changed says what was launched as summer time began or ended.
func changed(s *timed, begins bool, numbers map[string]int) *faults.Report {
	s.Eventually("what is due after the clock was set", func() bool {
		return len(launched(s.World, numbers["every hour"])) > 0 && (!begins || len(launched(s.World, numbers["02:30"])) > 0) &&
			(!begins || len(launched(s.World, numbers["just after"])) > 0)
	})
	serves(s.World)
	report := s.Finish()
	want := map[string]int{"02:30": 0, "01:00": 0, "every hour": 1, "just after": 0} // 01:00:01 comes the second time
	if begins {
		want = map[string]int{"02:30": 1, "01:00": 0, "every hour": 1, "just after": 1}
	}
	for when, n := range want {
		if got := launched(s.World, numbers[when]); len(got) != n {
			var at []string
			for _, l := range got {
				at = append(at, l.Decided.UTC().Format(time.DateTime))
			}
			report.Broken = append(report.Broken, fmt.Sprintf("%s, summer time begins %v: got %d launches (%s), want %d", when, begins, len(got), strings.Join(at, ", "), n))
		}
	}
	return report
}
