package tui

import (
	"testing"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// waiting adds launches as policies make them: one tried again later, one without a slot, one that is late, one out of sight.
func (s *scene) waiting() {
	all := morning().Launches
	third := *at(400)
	retry := launch.Launch{
		ID: 9, NextWorker: all[4].NextWorker, State: launch.Decided, Cause: "retry 2 of 2 of launch 8", Parent: 8, Attempt: 3, Decided: *at(-2), NotBefore: &third,
	}
	second := all[4]
	second.ID, second.Parent, second.Attempt, second.Cause, second.Superseded = 8, 5, 2, "retry 1 of 2 of launch 5", 9
	second.Decided, second.Started, second.Ended = *at(-60), at(-50), at(-2)
	second.KilledBy, second.State, second.Note = launch.ByPolicy, launch.Killed, "timed out after 48s (policy)"
	slot := launch.Launch{
		ID: 10, NextWorker: launch.NextWorker{Module: "nowcast.workers.run_NEMO", Args: []string{"orcinus", "nowcast-agrif"}, Host: launch.Localhost},
		State: launch.Decided, Cause: "make_forcing_links: success", Decided: *at(-120), Waits: "2 of run_NEMO run (concurrency)",
	}
	late := all[3]
	late.Usual = &launch.Usual{Median: 12 * time.Minute, P95: 15 * time.Minute, N: 37}
	late.Usage = &launch.Usage{User: 80 * time.Second, System: 3 * time.Second, MaxRSS: 1_530_000_000}
	late.Machine = "salish"
	unknown := all[6]
	unknown.State, unknown.Note = launch.Unknown, "ssh to arbutus.cloud-nowcast broke after it was started"
	s.frame(time.Second,
		s.event(feed.StreamLaunch, []launch.Launch{second, retry, slot, late, unknown}),
		s.event(feed.StreamAlert, engine.Alert{ID: 4, Time: *at(-900), Kind: "late", Key: "late 4", Launch: 4, Worker: "run_NEMO", Message: "run_NEMO runs for 30 min"}),
	)
	s.frame(0)
}

func TestWhatKeepsALaunchFromStartingIsShownWithIt(t *testing.T) {
	for _, width := range []int{80, 120, 200} {
		s := newScene(t, width, 40)
		s.begin()
		s.waiting()
		s.sees("try 3/3, next at 05:47:47", "waits: 2 of run_NEMO run", "!30m01s", "? unknown", "4 held")
	}
}

// What a policy tries again is nobody's work yet; what it has ended is a failure unless it is tried again.
func TestARetryTakesThePlaceOfWhatFailed(t *testing.T) {
	s := newScene(t, 200, 40)
	s.begin()
	s.sees("1 failed")
	s.waiting()
	s.sees("0 failed", "tried again as 9, which is decided; timed", "tried again as 8, which was killed; exited")
	failed := morning().Launches[4]
	failed.ID, failed.Attempt, failed.Parent, failed.Cause, failed.Ended = 9, 3, 8, "retry 2 of 2 of launch 8", at(2)
	s.frame(time.Second, s.event(feed.StreamLaunch, []launch.Launch{failed}))
	s.sees("1 failed", "tried again as 9, which crashed")
}

func TestTheDetailsHaveWhatIsUsualAndWhatWasUsed(t *testing.T) {
	s := newScene(t, 120, 40)
	s.begin()
	s.waiting()
	s.press("/")
	s.typing("run date") // in no launch
	s.press("esc", "f", "f", "down", "down", "down", "down", "enter")
	s.sees("launch 4, run_NEMO", "usually 12m00s, 19 of 20 end within 15m00s (the last 37)", "1m23s of processor (3.0s of it system), at most 1.5 GB", "pid 4004 on salish")
}

func TestABarriersDetailsSayWhoIsMissingAndHowTheyStand(t *testing.T) {
	s := openMorning(t, 120, 40)
	s.press("down", "enter")
	s.inOrder("barrier 1", "grib_to_netcdf", "was not launched since; before, 2 succeeded", "make_ssh_files", "was not launched, as far as is known here", "upload_forcing", "make_live_ocean_files")
	s.press("b")
	s.sees("Release the barrier without waiting for grib_to_netcdf, make_ssh_files?")
	s.press("esc")
	s.frame(time.Second, s.event(feed.StreamBarrier, []engine.Barrier{}))
	s.sees("it is open now")
}

// What x and r mean depends on how the launch stands, and the question says it.
func TestEndingAndRepeatingWhatWaitsOrIsOutOfSight(t *testing.T) {
	for _, tc := range []struct {
		name, find string
		keys       []string
		asked      []string
		want       call
	}{
		{"x calls off what waits", "concurrency", []string{"x"}, []string{"Call off launch 10 run_NEMO orcinus nowcast-agrif on localhost? It is never started."}, call{"manager", "kill", `{"launch":10,"signal":"TERM"}`}},
		{"x gives up what is unknown", "watch_NEMO", []string{"x"}, []string{"Give up launch 7 watch_NEMO", "Look on arbutus.cloud-nowcast first"}, call{"manager", "kill", `{"launch":7,"signal":"TERM"}`}},
		{"r of what is unknown", "watch_NEMO", []string{"r"}, []string{"Whether launch 7 still runs on arbutus.cloud-nowcast is not known"}, call{"manager", "relaunch", `{"launch":7,"args":null}`}},
		{"r has a retry start now", "retry 2", []string{"r"}, []string{"Launch 9 make_plots nemo forecast", "now, and not only at 05:47:47?"}, call{"manager", "relaunch", `{"launch":9,"args":null}`}},
		{"r of what failed does, too", "retry 1", []string{"r"}, []string{"Launch 9 make_plots nemo forecast", "now, and not only at 05:47:47?"}, call{"manager", "relaunch", `{"launch":8,"args":null}`}},
		{"with other arguments not", "retry 1", []string{"e", "ctrl+u", "enter"}, []string{"Launch make_plots on localhost?", "Launch 9 is going to try it again at 05:47:47 all the same"}, call{"manager", "relaunch", `{"launch":8,"args":[]}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, 160, 40)
			s.begin()
			s.waiting()
			s.press("/")
			s.typing(tc.find)
			s.press("enter", "home")
			s.press(tc.keys...)
			s.sees(tc.asked...)
			s.press("y")
			if len(s.peer.calls) != 1 || s.peer.calls[0] != tc.want {
				t.Errorf("it sent %v, want %v", s.peer.calls, tc.want)
			}
		})
	}
}
