package tui

import (
	"errors"
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/theme"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with testdata/NAME.golden.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// scenes are what an operator sees at one time or another.
var scenes = []struct {
	name string
	play func(s *scene)
}{
	{"empty", func(s *scene) { s.beat(0); s.snapshot(feed.Snapshot{Checklist: "{}\n"}); s.beat(time.Second) }},
	{"not-connected", func(s *scene) {
		s.m.Update(link.Frame{Now: dawn, Missing: "/opt/.nowcast/feed.sock"})
	}},
	{"launches", (*scene).begin},
	{"launches-log-of-all", func(s *scene) { s.begin(); s.press("m") }},
	{"launches-no-log", func(s *scene) { s.begin(); s.press("end", "m") }},
	{"launches-barrier", func(s *scene) { s.begin(); s.press("down") }},
	{"launches-failed", func(s *scene) { s.beginAlerts(); s.press("f") }},
	{"details", func(s *scene) { s.begin(); s.press("enter") }},
	{"alerts", func(s *scene) { s.beginAlerts(); s.press("5") }},
	{"alerts-unfolded", func(s *scene) { s.beginAlerts(); s.press("5", "down", "space") }},
	{"alerts-details", func(s *scene) { s.beginAlerts(); s.press("5", "down", "enter") }},
	{"alerts-acknowledge", func(s *scene) { s.beginAlerts(); s.press("5", "a") }},
	{"alerts-snooze", func(s *scene) { s.beginAlerts(); s.press("5", "z") }},
	{"alerts-none", func(s *scene) {
		s.begin()
		quiet := morning()
		quiet.Alerts = nil
		s.snapshot(quiet)
		s.incidents(0)
		s.press("5")
	}},
	{"alerts-no-alerter", func(s *scene) { s.begin(); s.press("a"); s.beat(5 * time.Second) }},
	{"alerts-many", func(s *scene) { s.manyTroubles(); s.press("5", "down", "down", "space") }},
	{"standby", func(s *scene) {
		s.frame(time.Second, s.event(feed.StreamDaemon, feed.Heartbeat{Name: link.Manager, PID: 101, Every: 2 * time.Second, Standby: "nemo1 pid 4711"}))
		s.alerter(0, feed.Heartbeat{})
		s.m.Update(link.Snapshot{Source: link.Manager, Err: errors.New("snapshot: no answer from manager: no manager is connected: is nowcastd up running?")})
	}},
	{"waiting", func(s *scene) {
		s.beginAlerts()
		s.waiting()
		broker := s.event(feed.StreamDaemon, feed.Heartbeat{Name: "message_broker", PID: 100, Every: 2 * time.Second, Waiting: &feed.Waiting{Requests: 12, Since: *at(-600)}})
		broker.Source = "message_broker"
		s.frame(0, broker)
		s.press("home")
	}},
	{"waiting-details", func(s *scene) { s.beginAlerts(); s.waiting(); s.press("down", "down", "enter") }},
	{"barrier-details", func(s *scene) { s.begin(); s.press("down", "enter") }},
	{"relaunch", func(s *scene) { s.begin(); s.press("r") }},
	{"relaunched", func(s *scene) {
		s.begin()
		s.frame(time.Second, s.event(feed.StreamLaunch, []launch.Launch{{
			ID: 8, NextWorker: morning().Launches[4].NextWorker, State: launch.Running, Decided: *at(1), Started: at(1), PID: 4008, Parent: 5, Cause: "relaunch of 5 by sue@salish",
		}}))
		s.frame(time.Second)
	}},
	{"edit", func(s *scene) { s.begin(); s.press("e") }},
	{"kill-remote", func(s *scene) { s.begin(); s.press("down", "down", "x") }},
	{"release", func(s *scene) { s.begin(); s.press("b") }},
	{"answer-error", func(s *scene) {
		s.begin()
		s.peer.err = fmt.Errorf("relaunch: host arbutus.cloud-nowcast is not in run: enabled hosts of /opt/nowcast.yaml: add it there, or launch on another host")
		s.press("r", "y")
		s.press("down", "r", "y")
	}},
	{"silent", func(s *scene) { s.begin(); s.frame(12 * time.Second) }},
	{"checklist", func(s *scene) { s.begin(); s.press("2", "space", "down", "space", "end", "up", "up", "space") }},
	{"checklist-changed", func(s *scene) {
		s.begin()
		s.press("2", "E")
		s.frame(time.Second, s.event(feed.StreamChecklist, []feed.ChecklistChange{
			{Author: "collect_weather", Op: "update", YAML: "WEATHER:\n  12 2.5km: /results/forcing/atmospheric/continental2.5/GRIB/20310517/12\n"},
		}))
		s.beat(3 * time.Second)
	}},
	{"logs", func(s *scene) { s.begin(); s.press("3") }},
	{"logs-paused-search", func(s *scene) {
		s.begin()
		s.press("3", "/")
		s.typing("make_plots")
		s.press("enter")
		e := s.event(feed.StreamLog, []feed.LogRecord{{Time: *at(1), Name: "manager", Message: "one more"}})
		s.frame(time.Second, e)
	}},
	{"help", func(s *scene) { s.begin(); s.press("?") }},
	{"schedule", func(s *scene) { s.beginSchedule(); s.press("4") }},
	{"schedule-unknown", func(s *scene) { s.press("4"); s.beat(0) }},
	{"schedule-no-scheduler", func(s *scene) { s.begin(); s.press("4"); s.beat(5 * time.Second) }},
	{"schedule-empty", func(s *scene) { s.begin(); s.press("4"); s.scheduled(time.Second) }},
	{"schedule-stopped", func(s *scene) {
		s.beginSchedule()
		s.press("4", "down")
		s.scheduler(time.Second, feed.Heartbeat{Stopped: true})
		s.beat(time.Minute)
	}},
	{"schedule-late", func(s *scene) {
		s.beginSchedule()
		s.press("4", "down")
		s.scheduler(4*time.Minute, feed.Heartbeat{})
		s.beat(0)
	}},
	{"schedule-held", func(s *scene) { s.beginSchedule(); s.press("4", "down", "down") }},
	{"schedule-details", func(s *scene) { s.beginSchedule(); s.press("4", "down", "enter") }},
	{"schedule-details-problem", func(s *scene) { s.beginSchedule(); s.press("4", "enter") }},
	{"schedule-run-now", func(s *scene) { s.beginSchedule(); s.press("4", "down", "r") }},
	{"schedule-hold", func(s *scene) { s.beginSchedule(); s.press("4", "down", "h") }},
	{"schedule-release", func(s *scene) { s.beginSchedule(); s.press("4", "down", "down", "h") }},
	{"past", func(s *scene) { s.begin(); s.openPast(); s.answer(yesterday(40, 0), "x") }},
	{"past-loading", func(s *scene) { s.begin(); s.openPast() }},
	{"past-beginning", func(s *scene) { s.begin(); s.openPast(); s.answer(yesterday(3, 0), "") }},
	{"past-problem", func(s *scene) {
		s.begin()
		s.openPast()
		s.m.Update(link.Older{Number: 1, Err: errors.New("logs: no answer from log_aggregator: no log_aggregator is connected: is nowcastd up running?")})
	}},
	{"past-search", func(s *scene) { s.begin(); s.searchPast(); s.answer(yesterday(5, 0), "x") }},
	{"past-search-nothing", func(s *scene) { s.begin(); s.searchPast(); s.answer(nil, "") }},
}

func TestScreensAreAsInTheGoldenFiles(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {200, 50}} {
		for _, sc := range scenes {
			name := fmt.Sprintf("%s-%dx%d", sc.name, size.width, size.height)
			t.Run(name, func(t *testing.T) {
				s := newScene(t, size.width, size.height)
				sc.play(s)
				golden(t, name, s.screen())
			})
		}
	}
}

func TestScreensInColourAreAsInTheGoldenFiles(t *testing.T) {
	s := openMorning(t, 100, 30)
	golden(t, "launches-colour-100x30", strings.ReplaceAll(s.m.View().Content, "\x1b", "␛")+"\n")
}

// Who sees no colours, or has a terminal without marks, misses nothing on the alerts page: each state has its word.
func TestAlertsWithoutColourAreAsInTheGoldenFiles(t *testing.T) {
	for name, o := range map[string]theme.Options{"alerts-colour-80x24": {}, "alerts-no-colour-80x24": {NoColour: true, ASCII: true}} {
		s := newSceneTheme(t, 80, 24, o)
		s.beginAlerts()
		s.press("5", "down", "space", "end")
		golden(t, name, strings.ReplaceAll(s.m.View().Content, "\x1b", "␛")+"\n")
	}
}

// Every screen fills the window exactly, at any size, with and without colour, whatever strangers send.
func TestScreensFillTheWindowWhateverIsShown(t *testing.T) {
	for _, o := range []theme.Options{{}, {NoColour: true, ASCII: true}} {
		for _, sc := range append(scenes, struct {
			name string
			play func(s *scene)
		}{"garbage", playGarbage}) {
			for _, size := range [][2]int{{60, 15}, {61, 17}, {80, 24}, {99, 31}, {113, 40}, {151, 20}, {260, 70}} {
				s := newSceneTheme(t, size[0], size[1], o)
				sc.play(s)
				for _, k := range []string{"", "1", "2", "3", "4", "5", "?"} {
					if k != "" {
						s.press(k)
					}
					s.fills(sc.name, size[0], size[1])
				}
			}
		}
	}
}

func (s *scene) fills(name string, width, height int) {
	s.t.Helper()
	lines := strings.Split(s.m.View().Content, "\n")
	if len(lines) != height {
		s.t.Fatalf("%s at %dx%d has %d lines:\n%s", name, width, height, len(lines), s.screen())
	}
	for i, l := range lines {
		if got := ansi.StringWidth(l); got > width || ansi.StringWidthWc(l) != got {
			s.t.Fatalf("%s at %dx%d: line %d has %d cells, by another count %d:\n%q", name, width, height, i, got, ansi.StringWidthWc(l), l)
		}
	}
}

// playGarbage has strangers' bytes in every text there is.
func playGarbage(s *scene) {
	s.begin()
	const bad = "\x1b[2J\x1b]0;x\x07 日本\t\xff\r\n👩\u200d🚀 \u202e e\u0301 ि"
	l := launch.Launch{
		ID: 99, NextWorker: launch.NextWorker{Module: "m." + bad, Args: []string{bad, bad}, Host: bad}, State: launch.Crashed,
		Cause: bad, Note: bad, Output: bad, Signal: bad, Decided: *at(0), Started: at(0), Ended: at(1), Argv: []string{bad},
		Reports: []launch.Report{{Time: *at(0), Type: bad}},
	}
	s.frame(time.Second,
		s.event(feed.StreamLaunch, []launch.Launch{l}),
		s.event(feed.StreamBarrier, []engine.Barrier{{ID: 2, Missing: []string{bad}, Cause: bad, Opened: *at(0)}}),
		s.event(feed.StreamAlert, engine.Alert{ID: 9, Time: *at(2), Kind: bad, Message: bad, Offer: bad}),
		s.event(feed.StreamLog, []feed.LogRecord{{Time: *at(1), Name: bad, Message: bad}, {Time: *at(2), Name: bad, Message: strings.Repeat(bad, 1000)}}),
		s.event(feed.StreamChecklist, []feed.ChecklistChange{{Op: "set", Author: bad, YAML: "\"a\\e[2J\\t\\u202e\": {\"\\xff\": [1, \"\\u0007\"], b: !!binary AAEC, c: .nan, 2031-05-17: null}\n"}}),
	)
	s.scheduled(time.Second, feed.ScheduleEntry{
		ID: bad, Worker: launch.NextWorker{Module: "m." + bad, Args: []string{bad}, Host: bad}, When: bad, Timezone: bad, Missed: bad,
		Problem: bad, Runs: []feed.ScheduleRun{{Author: bad, Note: bad}, {Author: bad, Launch: 99, Note: bad}},
	})
	trouble := engine.Alert{Time: *at(2), Kind: bad, Key: bad, Worker: bad, Message: bad, Offer: bad, Count: 7, Last: at(3), Because: bad, End: bad}
	mark := &feed.Mark{Author: bad, Note: bad, Time: *at(2), Until: *at(9000)}
	s.incidents(time.Second, feed.Incident{ID: 1, Source: bad, Alert: trouble, Consequences: []engine.Alert{trouble}, Acknowledged: mark, Snoozed: mark, Sent: []feed.Sent{{To: bad, What: bad, Note: bad}, {To: bad + bad, What: bad}}})
	broker := s.event(feed.StreamDaemon, feed.Heartbeat{Name: "message_broker", Standby: bad, Waiting: &feed.Waiting{Requests: 1 << 60}})
	broker.Source = "message_broker"
	s.frame(time.Second, broker)
	s.press("5", "space", "down", "enter", "esc", "4", "enter", "esc", "2", "E", "1", "home", "down", "enter")
}

func TestALightBackgroundHasOtherColours(t *testing.T) {
	s := openMorning(t, 100, 30)
	dark := s.m.View().Content
	s.m.Update(tea.BackgroundColorMsg{Color: color.White})
	light := s.m.View().Content
	const yellow = ";33m"
	if !strings.Contains(dark, yellow) || strings.Contains(light, yellow) {
		t.Errorf("yellow on black: %v, on white: %v; want true and false", strings.Contains(dark, yellow), strings.Contains(light, yellow))
	}
	if ansi.Strip(dark) != ansi.Strip(light) {
		t.Error("the background changes more than colours")
	}
	s.m.Update(tea.BackgroundColorMsg{Color: color.Black})
	if s.m.View().Content != dark {
		t.Error("on black it is not as before")
	}
}

func TestWithoutColourNoColourIsWritten(t *testing.T) {
	s := newSceneTheme(t, 100, 30, theme.Options{NoColour: true})
	s.begin()
	for _, k := range []string{"1", "2", "3", "4", "5"} {
		s.press(k)
		for code := 30; code < 50; code++ {
			for _, seq := range []string{fmt.Sprintf("[%dm", code), fmt.Sprintf(";%dm", code), fmt.Sprintf("[%d;", code)} {
				if strings.Contains(s.m.View().Content, seq) {
					t.Errorf("page %s has the colour sequence %q", k, seq)
				}
			}
		}
	}
}

func TestASmallWindowSaysSo(t *testing.T) {
	s := openMorning(t, 50, 10)
	s.sees("needs 60x15", "50x10")
	s.press("q")
	if !s.quit {
		t.Error("q does not quit")
	}
}
