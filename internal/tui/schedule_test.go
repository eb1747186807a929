package tui

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
)

// scheduler hands the console a heartbeat of the scheduler.
func (s *scene) scheduler(d time.Duration, h feed.Heartbeat) {
	h.Name, h.Host, h.PID, h.Started, h.Every = link.Scheduler, "salish", 103, dawn.Add(-time.Hour), 2*time.Second
	h.Alerts = s.missed
	s.frame(d, feed.Event{
		Source: link.Scheduler, Stream: feed.StreamDaemon, Epoch: "s", Time: s.now, Body: s.body(h),
		Last: map[string]uint64{feed.StreamSchedule: s.seq[feed.StreamSchedule]},
	})
}

// scheduled hands it the entries of the schedule, and a heartbeat.
func (s *scene) scheduled(d time.Duration, entries ...feed.ScheduleEntry) {
	s.seq[feed.StreamSchedule]++
	s.frame(d, feed.Event{
		Source: link.Scheduler, Stream: feed.StreamSchedule, Epoch: "s", Seq: s.seq[feed.StreamSchedule], Time: s.now, Body: s.body(entries),
	})
	s.scheduler(0, feed.Heartbeat{})
}

// agenda is a schedule at 05:41.
func agenda() []feed.ScheduleEntry {
	worker := func(module string, args ...string) launch.NextWorker {
		return launch.NextWorker{Module: "nowcast.workers." + module, Args: args, Host: launch.Localhost}
	}
	weather := feed.ScheduleEntry{
		ID: "collect_weather", Worker: worker("collect_weather", "12", "2.5km"), When: "every hour at :45", Timezone: "America/Vancouver",
		Missed: "report", Next: *at(233),
		Runs: []feed.ScheduleRun{
			{Due: *at(-10567), Time: *at(-10567), Note: "the scheduler was down"},
			{Due: *at(-7200), Time: *at(-7200), Launch: 1},
			{Due: *at(-3500), Time: *at(-3412), Launch: 2, Note: "the manager was down until 04:44:15"},
			{Time: *at(-312), Launch: 5, Author: "sue@salish"},
		},
	}
	turbidity := feed.ScheduleEntry{
		ID: "collect_river_data", Worker: worker("collect_river_data", "USGS", "SkagitMountVernon"), When: "every day at 09:15", Timezone: "America/Vancouver",
		Missed: "run", Next: *at(12833), Held: true, Runs: []feed.ScheduleRun{{Due: *at(-73567), Time: *at(-73567), Launch: 3}},
	}
	second := feed.ScheduleEntry{
		ID: "collect_weather#2", Worker: worker("collect_weather", "18", "1km"), When: "every monday at 17:30", Timezone: "UTC", Missed: "skip", Next: *at(560000),
	}
	broken := feed.ScheduleEntry{
		ID: "get_vfpa_hadcp", Worker: worker("get_vfpa_hadcp"), When: "every fortnight", Timezone: "America/Vancouver", Missed: "report",
		Problem: `nowcast.yaml:212: scheduled workers: every: is "fortnight": write minute, hour, day, a day of the week, or week`,
	}
	return []feed.ScheduleEntry{turbidity, second, weather, broken}
}

// beginSchedule is begin with a scheduler.
func (s *scene) beginSchedule() {
	s.begin()
	s.scheduled(0, agenda()...)
}

func TestScheduleKeysAskFirstAndThenDoExactlyWhatTheySaid(t *testing.T) {
	for _, tc := range []struct {
		name  string
		keys  []string
		asked string
		want  call
	}{
		{"r runs it now", []string{"down", "r"}, "Launch collect_weather 12 2.5km on localhost now?", call{"scheduler", control.CmdRunNow, `{"entry":"collect_weather"}`}},
		{"in the details too", []string{"down", "enter", "r"}, "Launch collect_weather 12 2.5km on localhost now?", call{"scheduler", control.CmdRunNow, `{"entry":"collect_weather"}`}},
		{"what is held too", []string{"down", "down", "r"}, "It is held, and stays so.", call{"scheduler", control.CmdRunNow, `{"entry":"collect_river_data"}`}},
		{"h holds it", []string{"down", "h"}, "Hold collect_weather? It will not be launched at 05:45:00 nor later, until it is let go on.", call{"scheduler", control.CmdHold, `{"entry":"collect_weather","held":true}`}},
		{"h lets it go on", []string{"down", "down", "h"}, "Let collect_river_data go on?", call{"scheduler", control.CmdHold, `{"entry":"collect_river_data","held":false}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			open := func() *scene {
				s := newScene(t, 160, 40)
				s.beginSchedule()
				s.press("4")
				s.press(tc.keys...)
				s.sees(tc.asked)
				return s
			}
			s := open()
			s.press("n")
			s.sees("nothing was done")
			if len(s.peer.calls) > 0 {
				t.Fatalf("after no it sent %v", s.peer.calls)
			}
			s = open()
			s.press("z", "enter", "y")
			if diff := cmp.Diff([]call{tc.want}, s.peer.calls); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatRunsAlreadyIsSaidBeforeItIsLaunchedAgain(t *testing.T) {
	s := newScene(t, 160, 40)
	s.begin()
	s.scheduled(0, feed.ScheduleEntry{ID: "run_NEMO", Worker: morning().Launches[3].NextWorker, Next: *at(60)})
	s.press("4", "r")
	s.sees("What is due at 05:42:07 is launched all the same.", "Launch 4 of it is still running: both will run side by side.")
}

func TestTheScheduleTicks(t *testing.T) {
	s := newScene(t, 80, 24)
	s.beginSchedule()
	s.press("4", "down")
	s.sees("05:45:00    3m53s")
	s.scheduler(time.Second, feed.Heartbeat{})
	s.sees("05:45:00    3m52s")
	s.scheduler(3*time.Minute+52*time.Second, feed.Heartbeat{})
	s.scheduler(time.Second, feed.Heartbeat{})
	s.sees("05:45:00    now")
	s.scheduler(11*time.Second, feed.Heartbeat{})
	s.sees("05:45:00    ! 12s", "late: was due 05:45:00, 12s ago")
}

func TestTheCursorStaysWithItsEntry(t *testing.T) {
	s := newScene(t, 80, 24)
	s.beginSchedule()
	s.press("4", "end")
	s.sees("─ collect_weather#2 18 1km ─")
	entries := agenda()
	entries[1].Next = *at(10)
	s.scheduled(time.Second, entries...)
	s.sees("─ collect_weather#2 18 1km ─")
}

func TestASilentSchedulerIsNotBelieved(t *testing.T) {
	s := newScene(t, 100, 30)
	s.beginSchedule()
	s.press("4", "down")
	s.seesNot("as of")
	s.beat(10 * time.Second) // of the others: were they silent, too, the broker would be to blame
	s.sees("scheduler silent for 10 s: what you see is as of 05:41:07", "05:45:00    ? 3m43s", "the scheduler is not heard and may not launch it")
	s.scheduler(time.Second, feed.Heartbeat{})
	s.beat(0)
	s.seesNot("as of 05", "? 3m")
}

func TestTheConsoleAsksForTheScheduleUntilItHasIt(t *testing.T) {
	s := newScene(t, 100, 30)
	s.begin()
	s.press("4")
	s.m.Update(link.Schedule{Asked: s.now, Err: errors.New("no scheduler is connected")})
	if cmd := s.m.askSchedule(); cmd != nil {
		t.Error("it asks again at once after an error")
	}
	s.frame(historyAgain) // and asks
	s.m.Update(link.Schedule{Asked: s.now, Entries: agenda()})
	s.sees("4 entries")
	s.frame(time.Minute)
	if cmd := s.m.askSchedule(); cmd != nil || s.m.entries.underway {
		t.Error("it asks for what it has")
	}
	s.seq[feed.StreamSchedule] = 7 // of which it has seen nothing
	s.scheduler(time.Second, feed.Heartbeat{})
	if !s.m.entries.underway {
		t.Error("it does not ask for what it has missed")
	}
}

func TestWhatTheSchedulersAlertOffersTheSchedulerDoes(t *testing.T) {
	s := newScene(t, 160, 40)
	s.beginSchedule()
	e := s.event(feed.StreamAlert, engine.Alert{
		Time: s.now, Kind: "missed", Worker: "collect_weather", Message: "collect_weather was due at 02:45 while the scheduler was down",
		Offer: control.CmdRunNow, Args: []byte(`{"entry":"collect_weather"}`),
	})
	e.Source = link.Scheduler
	s.frame(time.Second, e)
	s.sees("missed: collect_weather was due at 02:45", "g run now")
	s.press("g")
	s.sees("Launch collect_weather 12 2.5km on localhost now?", "What is due at 05:45:00 is launched all the same.")
	s.press("y")
	if diff := cmp.Diff([]call{{"scheduler", control.CmdRunNow, `{"entry":"collect_weather"}`}}, s.peer.calls); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestAnAlertAboutAMissedDueTimeIsInHandWhenAnyOperatorRunsIt(t *testing.T) {
	s := newScene(t, 160, 40)
	s.beginSchedule()
	s.missed = []engine.Alert{{Time: s.now, Kind: "schedule missed", Message: "m", Offer: control.CmdRunNow, Args: []byte(`{"entry":"collect_river_data"}`)}}
	s.scheduler(time.Second, feed.Heartbeat{})
	s.sees("schedule missed: m")
	entries := agenda()
	run := feed.ScheduleRun{Due: *at(3), Time: *at(3), Launch: 9}
	entries[0].Runs = append(entries[0].Runs, run)
	s.scheduled(time.Second, entries...)
	s.sees("schedule missed: m") // that was the next due time
	run.Author = "bob@salish"
	entries[0].Runs = append(entries[0].Runs, run)
	s.scheduled(time.Second, entries...)
	s.seesNot("schedule missed")
}

func TestAlertsOfOtherDaemonsAreShown(t *testing.T) {
	for _, source := range []string{link.Aggregator, link.Scheduler} {
		s := openMorning(t, 160, 30)
		e := s.event(feed.StreamAlert, engine.Alert{Time: s.now, Kind: "records lost", Message: "17 records of make_plots"})
		e.Source = source
		s.frame(time.Second, e)
		s.sees("records lost: 17 records of make_plots")
		s.snapshot(morning()) // which knows nothing of it
		s.sees("records lost")
	}
}
