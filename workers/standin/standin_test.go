package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/demo"
)

func TestTheCommandLineIsThatOfAnInterpreter(t *testing.T) {
	s, args, err := parse(strings.Fields("-m nowcast.workers.run_NEMO nowcast.yaml salish --debug nowcast --run-date 2031-05-17"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"nowcast.yaml", "--debug"}, args); diff != "" {
		t.Errorf("for the worker library (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(strings.Fields("salish nowcast --run-date 2031-05-17"), s.args); diff != "" {
		t.Errorf("for the worker (-want +got):\n%s", diff)
	}
	if s.name() != "run_NEMO" {
		t.Errorf("got the name %s, want run_NEMO", s.name())
	}
	for _, bad := range []string{"", "nowcast.yaml", "-m nowcast.workers.run_NEMO", "-c nowcast.workers.run_NEMO nowcast.yaml"} {
		if _, _, err := parse(strings.Fields(bad)); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

func TestEveryWorkerOfTheDayHasSomethingToSay(t *testing.T) {
	day, err := demo.LoadDay("../../testdata/salishsea/day.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range demo.NewPlan(day).Scripts {
		if _, ok := phrases[s.Name()]; !ok {
			t.Errorf("%s has no phrases", s.Name())
		}
		for _, line := range talk(s.Name(), s.Args) {
			if strings.ContainsAny(line, "?{}") {
				t.Errorf("%v: got %q, want its arguments filled in", s.NextWorker, line)
			}
		}
	}
}

func TestAnUnknownWorkerStillSaysWhatItWasGiven(t *testing.T) {
	if got, want := talk("other", []string{"a", "b"})[0], "starting a b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
