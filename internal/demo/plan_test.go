package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/pyyaml"
)

const recording = "../../testdata/salishsea/day.json"

func load(t *testing.T) *Plan {
	t.Helper()
	d, err := LoadDay(recording)
	if err != nil {
		t.Fatal(err)
	}
	return NewPlan(d)
}

func TestTheRecordingIsComplete(t *testing.T) {
	d := load(t).Day
	if got, want := len(d.Steps), 116; got != want {
		t.Errorf("messages: got %d, want %d", got, want)
	}
	if got, want := d.Count(), 120; got != want {
		t.Errorf("launches: got %d, want %d", got, want)
	}
}

func TestEveryMessageButTheFirstHasALaunchThatSendsIt(t *testing.T) {
	p := load(t)
	sent := map[int]int{}
	for _, s := range p.Scripts {
		for _, r := range s.Reports {
			sent[r.Step]++
			if r.Step <= s.Step {
				t.Errorf("%v reports in step %d and is launched in step %d", s.NextWorker, r.Step+1, s.Step+1)
			}
		}
	}
	for i, s := range p.Day.Steps {
		want := 1
		if i == 0 {
			want = 0
		}
		if sent[i] != want {
			t.Errorf("step %d (%s: %s) is sent by %d launches, want %d", i+1, s.Message.Source, s.Message.Type, sent[i], want)
		}
	}
}

func TestWhatTheRecordingEndedTooEarlyFor(t *testing.T) {
	var got []string
	for _, n := range load(t).Silent() {
		got = append(got, n.String())
	}
	want := []string{
		"nowcast.workers.download_weather 00 1km",
		"nowcast.workers.download_weather 12 1km",
		"nowcast.workers.collect_weather 00 2.5km",
		"nowcast.workers.make_runoff_file v202108",
		"nowcast.workers.ping_erddap nemo-forecast",
		"nowcast.workers.ping_erddap wwatch3-forecast",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("launches without a report (-want +got):\n%s", diff)
	}
}

func TestAReportIsAboutTheHostItsLaunchWasGiven(t *testing.T) {
	p := load(t)
	for _, s := range p.Scripts {
		if s.Name() != "upload_forcing" {
			continue
		}
		payload, _ := p.Day.Steps[s.Reports[0].Step].Message.Payload.(*pyyaml.Map)
		if _, ok := payload.Get(s.Args[0]); !ok {
			t.Errorf("upload_forcing %v reports %v", s.Args, pyyaml.Repr(payload))
		}
	}
}

func TestTheDayIsAboutFiveHoursLong(t *testing.T) {
	if hours := load(t).Length().Hours(); hours < 4.7 || hours > 5.3 {
		t.Errorf("the day is planned to last %.2f h, want about 5", hours)
	}
}

func TestLaunchesThatAreAlikeHaveTheirScriptsInOrder(t *testing.T) {
	p := load(t)
	scripts := p.Match("nowcast.workers.download_weather", []string{"00", "1km"})
	if len(scripts) != 2 || len(scripts[0].Reports) != 1 || len(scripts[1].Reports) != 0 {
		t.Errorf("download_weather 00 1km: got %+v, want one that reports and then one that does not", scripts)
	}
	scripts = p.Match("nowcast.workers.collect_river_data", []string{"ECCC", "Fraser", "--data-date", "2026-02-03"})
	if len(scripts) != 1 {
		t.Errorf("collect_river_data Fraser: got %d scripts, want 1 whatever the date", len(scripts))
	}
}
