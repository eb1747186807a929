package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// What each key asks, and what is sent after yes.
func TestKeysAskFirstAndThenDoExactlyWhatTheySaid(t *testing.T) {
	crashed := []string{"home"}       // launch 5, make_plots
	watch := []string{"down", "down"} // over the barrier to launch 7
	for _, tc := range []struct {
		name  string
		keys  []string
		asked string
		want  []call
	}{
		{"r relaunches", append(slices.Clone(crashed), "r"), "Launch make_plots nemo forecast publish --run-date 2031-05-17 on localhost again?",
			[]call{{"manager", "relaunch", `{"launch":5,"args":null}`}}},
		{"e relaunches with other arguments", append(slices.Clone(crashed), "e", "ctrl+w", "2", "'", "x", " ", "y", "'", "enter"),
			"Launch make_plots nemo forecast publish --run-date '2x y' on localhost?",
			[]call{{"manager", "relaunch", `{"launch":5,"args":["nemo","forecast","publish","--run-date","2x y"]}`}}},
		{"e without arguments", append(slices.Clone(crashed), "e", "ctrl+u", "enter"), "Launch make_plots on localhost?",
			[]call{{"manager", "relaunch", `{"launch":5,"args":[]}`}}},
		{"x ends it", append(slices.Clone(watch), "x"), "Send TERM to launch 7 watch_NEMO", []call{{"manager", "kill", `{"launch":7,"signal":"TERM"}`}}},
		{"X kills it", append(slices.Clone(watch), "X"), "Send KILL to launch 7 watch_NEMO", []call{{"manager", "kill", `{"launch":7,"signal":"KILL"}`}}},
		{"b releases the barrier", []string{"b"}, "Release the barrier without waiting for grib_to_netcdf, make_ssh_files?",
			[]call{{"manager", "release", `{"barrier":1}`}}},
		{"g does what the alert offers", []string{"g"}, "Have the rule look at that message again, and launch what it says? after_make_plots", []call{{"manager", "evaluate", `{"message":17}`}}},
		{"in the details too", append(slices.Clone(crashed), "enter", "r"), "Launch make_plots nemo forecast",
			[]call{{"manager", "relaunch", `{"launch":5,"args":null}`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, no := range []string{"n", "esc"} {
				s := openMorning(t, 160, 40)
				s.press(tc.keys...)
				s.sees(tc.asked)
				s.press(no)
				if len(s.peer.calls) > 0 {
					t.Fatalf("after %s it sent %v", no, s.peer.calls)
				}
				s.sees("nothing was done")
			}
			s := openMorning(t, 160, 40)
			s.press(tc.keys...)
			s.press("z", "r", "enter") // neither yes nor no
			s.press("y")
			if diff := cmp.Diff(tc.want, s.peer.calls); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			s.seesNot(tc.asked)
		})
	}
}

func TestKeysThatCannotWorkSayWhy(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string
	}{
		{"kill of what has ended", []string{"x"}, "5 make_plots nemo forecast publish --run-date 2031-05-17 on localhost has ended: nothing to end"},
		{"relaunch of a barrier", []string{"down", "r"}, "this is a barrier: b releases it, enter says who is missing"},
		{"an open quote", []string{"e", " ", "'", "enter"}, "a ' is not closed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := openMorning(t, 100, 30)
			s.press(tc.keys...)
			s.sees(tc.want)
			if len(s.peer.calls) > 0 {
				t.Errorf("it sent %v", s.peer.calls)
			}
		})
	}
}

func TestTheAnswerIsShown(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.peer.answer = launch.Launch{ID: 8, NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Args: []string{"a"}, Host: "localhost"}}
	s.press("r", "y")
	s.sees("launched as 8: make_plots a on localhost")
	s.frame(20 * time.Second)
	s.seesNot("launched as 8")

	s.peer.answer, s.peer.err = nil, errors.New("no manager is connected: is nowcastd up running?")
	s.press("r", "y")
	s.frame(time.Minute)
	s.sees("could not launch make_plots", "no manager is connected")
	s.press("down")
	s.seesNot("no manager is connected")
}

func TestPagesAreOneKeyAway(t *testing.T) {
	for _, tc := range []struct {
		keys []string
		want string
	}{
		{[]string{"2"}, "checklist, 5 entries"},
		{[]string{"3"}, "log of all"},
		{[]string{"3", "1"}, "7 launches"},
		{[]string{"tab"}, "checklist, 5 entries"},
		{[]string{"tab", "tab", "tab"}, "Not known yet."},
		{[]string{"tab", "tab", "tab", "tab", "tab"}, "7 launches"},
		{[]string{"?"}, "─ help ─"},
		{[]string{"?", "?"}, "7 launches"},
		{[]string{"enter", "2"}, "checklist, 5 entries"},
		{[]string{"2", "?"}, "fold everything out"},
		{[]string{"l"}, "log of launch 5 make_plots"},
		{[]string{"enter"}, "exited with status 1 and no report"},
		{[]string{"/", "n", "e", "m", "o", "enter"}, "3 of 7 launches"},
		{[]string{"/", "n", "e", "m", "o", "esc"}, "7 launches"},
		{[]string{"/", "q", "q"}, "No launch matches"},
		{[]string{"f"}, "1 of 7 launches, failed only (esc: all)"},
		{[]string{"f", "f"}, "2 of 7 launches, running only (esc: all)"},
		{[]string{"a"}, "1 open, 0 in hand"},
		{[]string{"a", "esc"}, "7 launches"},
		{[]string{"3", "a", "esc"}, "log of all"},
		{[]string{"v"}, "log of all, WARNING and above"},
		{nil, "─ its log ─"},
		{[]string{"m"}, "log of all, INFO and above"},
		{[]string{"end"}, "log of all, INFO and above"},
		{[]string{"end", "m"}, "─ its log ─"},
		{[]string{"m", "end", "esc"}, "─ its log ─"},
		{[]string{"f", "f", "f"}, "7 launches"},
	} {
		s := openMorning(t, 120, 40)
		s.press(tc.keys...)
		if !strings.Contains(s.screen(), tc.want) || s.quit {
			t.Errorf("after %v there is no %q:\n%s", tc.keys, tc.want, s.screen())
		}
	}
}

func TestQQuitsExceptWhereItIsText(t *testing.T) {
	for _, tc := range []struct {
		keys []string
		want bool
	}{
		{[]string{"q"}, true}, {[]string{"ctrl+c"}, true}, {[]string{"2", "q"}, true}, {[]string{"enter", "ctrl+c"}, true},
		{[]string{"/", "q"}, false}, {[]string{"3", "/", "q"}, false}, {[]string{"2", "/", "q"}, false}, {[]string{"enter", "q"}, false},
		{[]string{"r", "q"}, false}, {[]string{"r", "ctrl+c"}, false}, {[]string{"e", "q"}, false},
	} {
		s := openMorning(t, 100, 30)
		s.press(tc.keys...)
		if s.quit != tc.want {
			t.Errorf("after %v it quits: %v, want %v", tc.keys, s.quit, tc.want)
		}
	}
}

func TestTheCursorStaysWithItsLaunch(t *testing.T) {
	s := openMorning(t, 120, 40)
	more := func(id int64) {
		ended := s.now
		s.frame(time.Second, s.event(feed.StreamLaunch, []launch.Launch{{
			ID: id, NextWorker: launch.NextWorker{Module: "w.new", Host: "localhost"}, State: launch.Crashed, Decided: *at(1), Ended: &ended,
		}}))
	}
	if got := s.m.launches.Selected().ID; got != 5 {
		t.Errorf("at first the cursor is on launch %d, want the newest that failed, 5", got)
	}
	more(8)
	if got := s.m.launches.Selected().ID; got != 8 {
		t.Errorf("untouched, the cursor is on launch %d, want the newest that failed, 8", got)
	}
	s.press("down")
	more(9)
	if got := s.m.launches.Selected().ID; got != 5 {
		t.Errorf("once moved, the cursor is on launch %d, want 5", got)
	}
	s.press("f", "f") // 5 has ended: it is not in this list
	if got := s.m.launches.Selected(); got == nil || got.State.Final() {
		t.Errorf("among running launches the cursor is on %+v", got)
	}
}

func TestTheOutputOfALaunchIsShownOrWhyNot(t *testing.T) {
	s := openMorning(t, 120, 40)
	s.press("o")
	s.sees("/opt/.nowcast/launches/5.log does not exist on this machine")
	s.press("esc")
	s.sees("7 launches")
}

func TestTextIsPastedWhereTextIsTyped(t *testing.T) {
	s := openMorning(t, 120, 40)
	s.m.Update(tea.PasteMsg{Content: "y"})
	s.press("e", "ctrl+u")
	s.m.Update(tea.PasteMsg{Content: "a b\n"})
	s.press("enter")
	s.sees("Launch make_plots a b on localhost?")
	s.m.Update(tea.PasteMsg{Content: "y"})
	if len(s.peer.calls) > 0 {
		t.Errorf("a pasted y is a yes: it sent %v", s.peer.calls)
	}
}
