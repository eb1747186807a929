package launches

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

var (
	noon  = time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)
	plain = theme.New(theme.Options{})
)

func example(state launch.State) *launch.Launch {
	started := noon.Add(-time.Minute)
	l := &launch.Launch{
		ID: 5, NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Args: []string{"nemo", "it's"}, Host: "localhost"},
		State: state, Decided: started, Started: &started, PID: 42, Cause: "download_results: success",
	}
	if state.Final() {
		ended := noon.Add(-10 * time.Second)
		l.Ended = &ended
	}
	return l
}

func TestHowALaunchStandsIsOneSentence(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(l *launch.Launch)
		state  launch.State
		want   string
	}{
		{"running", func(*launch.Launch) {}, launch.Running, "running for 1m00s"},
		{"not started", func(l *launch.Launch) { l.Started = nil }, launch.Decided, "decided"},
		{"succeeded", func(l *launch.Launch) { l.Reports = []launch.Report{{Type: "success nemo"}} }, launch.Succeeded, "succeeded after 50s: reported success nemo"},
		{"crashed", func(l *launch.Launch) { l.Note = "exited with status 1 and no report" }, launch.Crashed, "crashed after 50s: exited with status 1 and no report"},
		{"with bytes that disturb", func(l *launch.Launch) { l.Note = "\x1b[2Jbad\x00" }, launch.Lost, "lost after 50s: bad^@"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := example(tc.state)
			tc.change(l)
			if got := (Again{}).Standing(l, noon); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestReportsAreShownWithTheOneThatWasRefused(t *testing.T) {
	sent := []launch.Report{{Type: "success nemo", Time: noon}}
	const refused = `"success nmeo" was refused: that type is not in the message registry`
	for name, tc := range map[string]struct {
		reports []launch.Report
		refused string
		want    []string
	}{
		"none":             {nil, "", []string{"none"}},
		"one":              {sent, "", []string{"success nemo"}},
		"a refused one":    {nil, "success nmeo", []string{refused}},
		"one and such one": {sent, "success nmeo", []string{"success nemo", refused}},
	} {
		l := example(launch.Crashed)
		l.Reports, l.Refused = tc.reports, tc.refused
		lines := Describe(plain, l, Again{}, widget.NewLogBuffer(1), noon, func(int64) *launch.Launch { return nil })
		at := slices.IndexFunc(lines, func(l widget.Line) bool { return l.Label == "reports" })
		if at < 0 || len(lines) < at+len(tc.want) {
			t.Fatalf("%s: got %+v", name, lines)
		}
		for i, want := range tc.want {
			if got := lines[at+i]; !strings.HasSuffix(got.Text, want) || i > 0 && got.Label != "" {
				t.Errorf("%s: got line %d of the reports %+v, want %q", name, i, got, want)
			}
		}
	}
}

func TestTheCommandIsShownAsItWouldBeTyped(t *testing.T) {
	if got, want := Command(example(launch.Running)), `make_plots nemo 'it'\''s' on localhost`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheChainOfCausesGoesBackToTheBeginning(t *testing.T) {
	all := map[int64]*launch.Launch{}
	for id := int64(2); id < 5; id++ {
		l := example(launch.Succeeded)
		l.ID, l.Parent, l.Cause = id, id-1, fmt.Sprint("cause ", id)
		all[id] = l
	}
	l := example(launch.Crashed)
	l.Parent = 4
	var text []string
	for _, line := range Describe(plain, l, nil, widget.NewLogBuffer(1), noon, func(id int64) *launch.Launch { return all[id] }) {
		text = append(text, line.Text)
	}
	got := strings.Join(text, "\n")
	for _, want := range []string{"✓ 4 make_plots", "✓ 2 make_plots", "launch 1, which is too old to be shown here"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
}

func TestAChainThatBitesItsTailEnds(t *testing.T) {
	l := example(launch.Crashed)
	l.Parent = l.ID
	if got := len(Describe(plain, l, nil, widget.NewLogBuffer(1), noon, func(int64) *launch.Launch { return l })); got > 3*maxChain {
		t.Errorf("it has %d lines", got)
	}
}

func TestCountsAreOfADayAndLeaveOutWhatWasRepeated(t *testing.T) {
	old := example(launch.Crashed)
	ended := noon.Add(-25 * time.Hour)
	old.Ended = &ended
	dealt := example(launch.Failed)
	dealt.ID = 6
	repetition := example(launch.Succeeded)
	repetition.ID, repetition.Parent, repetition.Cause = 7, 6, "relaunch of 6 by sue@salish"
	caused := example(launch.Running) // by a report of 5, which is not a repetition
	caused.ID, caused.Parent = 8, 5
	all := []*launch.Launch{caused, repetition, dealt, example(launch.Decided), example(launch.Lost), example(launch.Succeeded), old}
	got := Repeated(all).Count(all, noon)
	if want := (Counts{Failed: 1, Running: 2, Done: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestALaunchThatWasRepeatedSaysSo(t *testing.T) {
	for _, tc := range []struct {
		repetition launch.State
		want       string
	}{
		{launch.Running, "crashed after 50s; relaunched as 9, which is running"},
		{launch.Succeeded, "crashed after 50s; relaunched as 9, which succeeded"},
		{launch.Killed, "crashed after 50s; relaunched as 9, which was killed"},
	} {
		l, r, older := example(launch.Crashed), example(tc.repetition), example(launch.Lost)
		r.ID, r.Parent, r.Cause = 9, l.ID, "relaunch of 5 by sue"
		older.ID, older.Parent, older.Cause = 8, l.ID, "relaunch of 5 by sue"
		again := Repeated([]*launch.Launch{r, older, l})
		if got := again.Standing(l, noon); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
		if again.Urgent(l, noon) {
			t.Error("it waits for attention although it was repeated")
		}
		if got := again.Urgent(r, noon); got != tc.repetition.Bad() {
			t.Errorf("its repetition, %s, waits for attention: %v", tc.repetition, got)
		}
	}
}

func TestFailedLaunchesComeFirstThenBarriersThenRunningOnes(t *testing.T) {
	var all []*launch.Launch
	for id, state := range []launch.State{launch.Crashed, launch.Succeeded, launch.Running, launch.Succeeded, launch.Killed, launch.Decided, launch.Succeeded} {
		l := example(state)
		l.ID = int64(id)
		all = append([]*launch.Launch{l}, all...)
	}
	all[6].Ended = new(time.Time) // 0 crashed long ago: it waits no more
	m := New(plain, widget.NewLogBuffer(1))
	m.SetSize(100, 30)
	m.Set(all, nil, nil, []Barrier{{ID: 1}}, noon)
	var got []string
	for _, r := range m.rows {
		if r.barrier != nil {
			got = append(got, "barrier")
			continue
		}
		got = append(got, fmt.Sprint(r.launch.ID))
	}
	if want := "4 barrier 5 2 6 3 1 0"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestTheLogOfALaunchIsFoundByNumberOrByNameAndTime(t *testing.T) {
	l := example(launch.Crashed)
	buf := widget.NewLogBuffer(10)
	for _, line := range []widget.LogLine{
		{Text: "by number", Launch: 5, Name: "anything", Time: noon},
		{Text: "by name", Name: "make_plots", Time: noon.Add(-30 * time.Second)},
		{Text: "of another launch", Launch: 6, Name: "make_plots", Time: noon.Add(-30 * time.Second)},
		{Text: "too early", Name: "make_plots", Time: noon.Add(-90 * time.Second)},
		{Text: "too late", Name: "make_plots", Time: noon},
		{Text: "of another worker", Name: "manager", Time: noon.Add(-30 * time.Second)},
	} {
		buf.Append(line)
	}
	pane := widget.NewLogPane(plain, buf)
	pane.SetFilter(LogOf(l))
	if got := pane.Len(); got != 2 {
		t.Errorf("it has %d lines, want 2", got)
	}
}

func TestEveryStateHasItsOwnWordAndAMark(t *testing.T) {
	for _, s := range []launch.State{launch.Decided, launch.Starting, launch.Running, launch.Succeeded, launch.Failed, launch.Crashed, launch.Killed, launch.Lost} {
		mark, _ := plain.State(s)
		if widget.Width(mark) != 1 {
			t.Errorf("the mark of %s is %q", s, mark)
		}
	}
}
