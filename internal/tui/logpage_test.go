package tui

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/logs"
	"nowcast/internal/tui/widget"
)

// yesterday is n lines of the past, the newest of which is page pages older than the morning's first.
func yesterday(n, page int) []feed.LogRecord {
	var out []feed.LogRecord
	for i := range n {
		out = append(out, feed.LogRecord{
			Time: dawn.Add(time.Duration(i-n-n*page)*time.Minute - time.Hour), Level: slog.LevelInfo, Name: "collect_weather",
			Message: fmt.Sprintf("line %d of page %d: HRDPS 2.5km forecast", i, page),
		})
	}
	return out
}

// openPast scrolls the log page to its top, and one further.
func (s *scene) openPast() {
	s.press("3")
	s.m.Update(press("home")) // the question is answered by the test
}

// searchPast searches everything for what the console does not have.
func (s *scene) searchPast() {
	s.press("3", "/")
	s.typing("HRDPS")
	s.press("enter")
	s.m.Update(press("enter"))
}

// answer answers the newest question for older lines.
func (s *scene) answer(records []feed.LogRecord, older string) {
	s.number++
	s.m.Update(link.Older{Number: s.number, Page: feed.LogPage{Records: records, Older: older}})
}

func TestOlderLinesAreAskedForAsTheyAreShown(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string // arguments
	}{
		{"above the first line", []string{"3", "home"}, `{"last":1000,"until":"2031-05-17T12:35:55.123Z","level":"INFO"}`},
		{"of errors only", []string{"3", "v", "v", "home"}, `{"last":1000,"until":"2031-05-17T12:36:57.123Z","level":"ERROR"}`},
		{"of one name only", []string{"3", "s", "home"}, `{"last":1000,"until":"2031-05-17T12:39:34.123Z","name":"watch_NEMO","level":"INFO"}`},
		{"of a launch", []string{"l", "home"}, `{"last":1000,"until":"2031-05-17T12:35:56.123Z","launch":5,"worker":"make_plots","from":"2031-05-17T12:35:53Z","to":"2031-05-17T12:36:59Z","level":"DEBUG"}`},
		{"of everything", []string{"3", "/", "n", "o", "n", "e", "enter", "enter"}, `{"last":1000,"search":"none","level":"INFO"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := openMorning(t, 120, 40)
			s.press(tc.keys...)
			if diff := cmp.Diff([]call{{link.Aggregator, control.CmdLogs, tc.want}}, s.peer.calls); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

// TestThePageAndTheHistoryChooseTheSameLines: what the page asks for is what it shows of live lines.
func TestThePageAndTheHistoryChooseTheSameLines(t *testing.T) {
	at := func(seconds int) time.Time { return dawn.Add(time.Duration(seconds) * time.Second) }
	for _, f := range []widget.LogFilter{
		{Level: slog.LevelInfo}, {Level: slog.LevelError}, {Level: slog.LevelDebug, Name: "grid"},
		{Level: slog.LevelDebug, Launch: 7}, {Level: slog.LevelDebug, Launch: 7, Worker: "grid", From: at(1), To: at(2)},
		{Level: slog.LevelInfo, Launch: 7, Worker: "grid", From: at(1)}, {Level: slog.LevelInfo, Launch: 7, Worker: "grid", From: at(1), Name: "tides"},
	} {
		filter := history.NewFilter(logsArgs(logs.Ask{Filter: f}))
		for i := range 3 * 2 * 3 * 4 {
			r := feed.LogRecord{
				Level: []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError}[i%3], Name: []string{"grid", "tides"}[i/3%2],
				Launch: []int64{0, 7, 8}[i/6%3], Time: at(i / 18),
			}
			line := logLine(&r)
			if page, history := f.Accepts(&line), filter.Wants(&r); page != history {
				t.Errorf("%+v of %+v: the page says %v, the history %v", f, r, page, history)
			}
		}
	}
}

func TestTheNextPageIsAskedForWithTheCursor(t *testing.T) {
	s := openMorning(t, 120, 40)
	s.openPast()
	s.answer(yesterday(100, 0), "cursor one")
	s.sees("back to 2031-05-17 03:01:07")
	s.press("home") // answered with nothing: the beginning
	want := []call{{link.Aggregator, control.CmdLogs, `{"last":1000,"until":"2031-05-17T12:35:55.123Z","level":"INFO","before":"cursor one"}`}}
	if diff := cmp.Diff(want, s.peer.calls); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	s.sees("the beginning: no older lines at INFO and above are kept", "line 0 of page 0")
}

func TestEscLeadsFromALogBackToWhereItWasAskedFor(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string
	}{
		{"to the list", []string{"l", "esc"}, "7 launches"},
		{"to the details", []string{"enter", "l", "esc"}, "─ launch 5, make_plots ─"},
		{"first out of a search", []string{"l", "/", "g", "a", "enter", "esc"}, "log of launch 5 make_plots (esc goes back)"},
		{"then back", []string{"l", "/", "g", "a", "enter", "esc", "esc"}, "7 launches"},
		{"first out of the past", []string{"l", "home", "esc"}, "log of launch 5 make_plots (esc goes back)"},
		{"first out of a level", []string{"l", "v", "esc"}, "log of launch 5 make_plots (esc goes back)"},
		{"to the schedule", []string{"4", "down", "l", "esc"}, "4 entries"},
		{"to an entry's details", []string{"4", "down", "enter", "l", "esc"}, "─ schedule, collect_weather ─"},
		{"and stays once it is back", []string{"l", "esc", "3", "esc"}, "log of all, INFO and above ─"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, 120, 40)
			s.beginSchedule()
			s.press(tc.keys...)
			s.sees(tc.want)
		})
	}
}
