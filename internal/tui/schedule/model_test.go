package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
)

var noon = time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)

func entry(id string, in time.Duration) Entry {
	return Entry{ID: id, Worker: launch.NextWorker{Module: "m." + id, Host: launch.Localhost}, When: "every day", Next: noon.Add(in)}
}

func newPage(entries ...Entry) *Model {
	m := New(theme.New(theme.Options{}))
	m.Known, m.Alive = true, true
	m.SetSize(120, 20)
	m.Set(entries)
	return m
}

func text(lines []string) string { return ansi.Strip(strings.Join(lines, "\n")) }

func TestProblemsComeFirstThenWhatIsDueNextThenTheRest(t *testing.T) {
	never, problem, held := entry("never", 0), entry("problem", time.Hour), entry("held", 2*time.Hour)
	never.Next, problem.Problem, held.Held = time.Time{}, "no such unit", true
	m := newPage(never, entry("later", 3*time.Hour), held, entry("sooner", time.Hour), entry("same time", 3*time.Hour), problem)
	var got []string
	for _, e := range m.entries {
		got = append(got, e.ID)
	}
	if want := "problem, sooner, held, later, same time, never"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestWhenItIsDueIsSaidAsFarAsItIsKnown(t *testing.T) {
	never, problem, held := entry("w", 0), entry("w", time.Hour), entry("w", time.Hour)
	never.Next, problem.Problem, held.Held = time.Time{}, "no such unit", true
	for _, tc := range []struct {
		name  string
		e     Entry
		alive bool
		want  string
	}{
		{"later", entry("w", 3*time.Minute+5*time.Second), true, "12:03:05    3m05s"},
		{"in seconds, whole ones", entry("w", 9500*time.Millisecond), true, "12:00:09    9s"},
		{"on another day", entry("w", 50*time.Hour), true, "05-19 14:00 2d02h"},
		{"at this moment", entry("w", -time.Second), true, "11:59:59    now"},
		{"late", entry("w", -3*time.Second), true, "11:59:57    ! 3s"},
		{"never", never, true, "not due  "},
		{"held", held, true, "13:00:00    ○ held"},
		{"with a problem", problem, true, "13:00:00    ✗ problem"},
		{"from a scheduler that is silent", entry("w", time.Hour), false, "13:00:00    ? 1h00m"},
		{"as a silent one has not done", entry("w", -time.Hour), false, "11:00:00    ?   "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newPage(tc.e)
			m.Alive = tc.alive
			if got := text(m.View(noon)); !strings.Contains(got, tc.want) {
				t.Errorf("there is no %q in\n%s", tc.want, got)
			}
		})
	}
}

func TestWhatBecameOfADueTimeIsSaid(t *testing.T) {
	for _, tc := range []struct {
		run  Run
		want string
	}{
		{Run{Launch: 7, State: launch.Succeeded, Standing: "succeeded after 3s"}, "launch 7 succeeded after 3s"},
		{Run{Launch: 7}, "launch 7, too old to be shown here"},
		{Run{Launch: 7, Author: "sue@salish"}, "launch 7, too old to be shown here, asked for by sue@salish"},
		{Run{Note: "held by sue@salish"}, "nothing was launched: held by sue@salish"},
		{Run{Launch: 7, State: launch.Running, Standing: "running for 3s", Note: "the manager was down"}, "launch 7 running for 3s: the manager was down"},
	} {
		if got := tc.run.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestARunThatWasLateSaysByHowMuch(t *testing.T) {
	e := entry("w", time.Hour)
	e.Runs = []Run{
		{Due: noon.Add(-3 * time.Hour), Time: noon.Add(-3*time.Hour + 20*time.Millisecond), Launch: 1},
		{Due: noon.Add(-2 * time.Hour), Time: noon.Add(-90 * time.Minute), Launch: 2},
	}
	m := newPage(e)
	var labels []string
	for _, l := range m.Describe(m.Selected(), noon) {
		labels = append(labels, l.Label)
	}
	if got, want := strings.Join(labels[len(labels)-2:], ", "), "2031-05-17 10:00:00 +30m00s, 2031-05-17 09:00:00"; got != want {
		t.Errorf("got %s, want %s: newest first", got, want)
	}
}

func TestKeysAreAboutTheSelectedEntry(t *testing.T) {
	nameless := entry("item 3", 0)
	nameless.Worker.Module, nameless.Problem = "", "it is a list"
	for _, tc := range []struct {
		key  string
		page *Model
		want string // kind, entry, why
	}{
		{"r", newPage(entry("a", time.Hour), entry("b", time.Minute)), fmt.Sprint(RunNow, " b ")},
		{"h", newPage(entry("a", time.Hour)), fmt.Sprint(Hold, " a ")},
		{"l", newPage(entry("a", time.Hour)), fmt.Sprint(Logs, " a ")},
		{"enter", newPage(entry("a", time.Hour)), fmt.Sprint(Details, " a ")},
		{"enter", newPage(nameless), fmt.Sprint(Details, " item 3 ")},
		{"r", newPage(nameless), fmt.Sprint(Refuse, "  item 3 names no worker: it is a list")},
		{"r", newPage(), fmt.Sprint(Refuse, "  no entry is selected")},
		{"y", newPage(entry("a", time.Hour)), fmt.Sprint(None, "  ")},
	} {
		k := tea.KeyPressMsg{Code: []rune(tc.key)[0], Text: tc.key}
		if tc.key == "enter" {
			k = tea.KeyPressMsg{Code: tea.KeyEnter}
		}
		a := tc.page.Update(k)
		id := ""
		if a.Entry != nil {
			id = a.Entry.ID
		}
		if got := fmt.Sprint(a.Kind, " ", id, " ", a.Why); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.key, got, tc.want)
		}
	}
}

func TestNamesAreNotCutWhereThereIsRoom(t *testing.T) {
	e := entry("download_weather#12", time.Hour)
	e.Worker.Args = []string{"12", "2.5km"}
	m := newPage(e)
	for _, width := range []int{80, 100, 110, 150, 200} {
		m.SetSize(width, 20)
		row := text(m.View(noon)[1:2])
		if !strings.Contains(row, "download_weather#12 ") || !strings.Contains(row, "12 2.5km") {
			t.Errorf("in %d columns: %q", width, row)
		}
	}
}
