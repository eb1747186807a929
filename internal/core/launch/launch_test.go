package launch

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestTheLastFiveStatesAreFinal(t *testing.T) {
	final := slices.DeleteFunc(slices.Clone(order), func(s State) bool { return !s.Final() })
	if want := []State{Succeeded, Failed, Crashed, Killed, Lost}; !slices.Equal(final, want) {
		t.Errorf("final states: got %v, want %v", final, want)
	}
}

func TestALaunchLogsBetweenDecisionAndEndByAnyClock(t *testing.T) {
	decided := time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)
	l := Launch{Decided: decided}
	if from, to := l.LogSpan(); !from.Before(decided) || !to.IsZero() {
		t.Errorf("while it runs: got %v to %v, want from before %v on", from, to, decided)
	}
	ended := decided.Add(time.Minute)
	l.Ended = &ended
	if from, to := l.LogSpan(); !from.Before(decided) || !to.After(ended) || to.Sub(from) > 2*time.Minute {
		t.Errorf("got %v to %v, want little more than from %v to %v", from, to, decided, ended)
	}
}

func TestOutcome(t *testing.T) {
	for name, tc := range map[string]struct {
		reports []string
		killer  string
		exit    Exit
		state   State
		note    string
	}{
		"success and status 0":                        {[]string{"need", "success 00"}, "", Exit{}, Succeeded, ""},
		"success and another status":                  {[]string{"success"}, "", Exit{Status: 3}, Succeeded, "reported success, then exited with status 3"},
		"failure":                                     {[]string{"failure nowcast"}, "", Exit{}, Failed, "reported failure nowcast"},
		"crash":                                       {[]string{"crash"}, "", Exit{Status: 1}, Crashed, "reported crash"},
		"the last word counts":                        {[]string{"failure", "success"}, "", Exit{}, Succeeded, ""},
		"a status and no word":                        {[]string{"need"}, "", Exit{Status: 3}, Crashed, "exited with status 3 and no report"},
		"status 0 and no word":                        {nil, "", Exit{}, Lost, "exited with status 0 without a report"},
		"a signal and no word":                        {nil, "", Exit{Status: -1, Signal: "killed"}, Killed, "ended by signal killed before it reported"},
		"a signal after its report":                   {[]string{"success"}, "", Exit{Status: -1, Signal: "killed"}, Succeeded, "reported success, then ended by signal killed"},
		"it could not be started":                     {nil, "", Exit{Status: -1, Err: errors.New("no such file")}, Crashed, "no such file"},
		"nobody watched its end":                      {[]string{"need"}, "", Exit{Status: -1, Unseen: true, Err: errors.New("ended before the restart")}, Lost, "ended before the restart"},
		"nobody watched, nobody knows why":            {nil, "", Exit{Status: -1, Unseen: true}, Lost, "ended while nobody watched"},
		"nobody watched, but it had reported":         {[]string{"failure"}, "", Exit{Status: -1, Unseen: true}, Failed, "reported failure"},
		"nobody watched what an operator ended":       {nil, "sue@host", Exit{Status: -1, Unseen: true}, Killed, "killed by sue@host, ended while nobody watched"},
		"killed, and not from here":                   {nil, "", Exit{Status: -1, Signal: "killed", Usage: &Usage{MaxRSS: 2_345e6}}, Killed, "ended by signal killed before it reported; nobody here sent it: out of memory? It used up to 2345 MB"},
		"ended by another signal":                     {nil, "", Exit{Status: -1, Signal: "terminated", Usage: &Usage{}}, Killed, "ended by signal terminated before it reported"},
		"the connection broke":                        {[]string{"need"}, "", Exit{Status: 255, Unknown: true, Err: errors.New("may still run on cluster")}, Unknown, "may still run on cluster"},
		"the connection broke after its report":       {[]string{"success"}, "", Exit{Status: 255, Unknown: true, Err: errors.New("may still run on cluster")}, Succeeded, "reported success, then may still run on cluster"},
		"the connection was ended by an operator":     {nil, "sue@host", Exit{Status: 255, Unknown: true, Err: errors.New("may still run on cluster")}, Killed, "killed by sue@host, may still run on cluster"},
		"the connection was ended by a policy":        {nil, ByPolicy, Exit{Status: 255, Unknown: true, Err: errors.New("may still run on cluster")}, Unknown, "; may still run on cluster"},
		"nobody saw how the connection ended":         {nil, "", Exit{Status: -1, Unseen: true, Unknown: true, Err: errors.New("may still run on cluster")}, Unknown, "may still run on cluster"},
		"a child stays behind":                        {[]string{"success"}, "", Exit{Left: []string{"4711 python3"}}, Succeeded, "left a process behind: 4711 python3"},
		"children stay behind a crash":                {nil, "", Exit{Status: 3, Left: []string{"4711 python3", "4712 sh"}}, Crashed, "exited with status 3 and no report; left 2 processes behind: 4711 python3, 4712 sh"},
		"an operator ended it and it exited in peace": {nil, "sue@host", Exit{}, Killed, "killed by sue@host, exited with status 0"},
	} {
		l := &Launch{KilledBy: tc.killer}
		for _, r := range tc.reports {
			l.Reports = append(l.Reports, Report{Type: r})
		}
		if state, note := l.Outcome(tc.exit); state != tc.state || note != tc.note {
			t.Errorf("%s: got %s %q, want %s %q", name, state, note, tc.state, tc.note)
		}
	}
}

func TestDuration(t *testing.T) {
	now := time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)
	start, end := now.Add(-time.Hour), now.Add(-time.Minute)
	for name, tc := range map[string]struct {
		launch Launch
		want   time.Duration
	}{
		"not started": {Launch{}, 0},
		"running":     {Launch{Started: &start}, time.Hour},
		"over":        {Launch{Started: &start, Ended: &end}, 59 * time.Minute},
	} {
		if got := tc.launch.Duration(now); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestNameIsTheLastPartOfTheModule(t *testing.T) {
	for module, want := range map[string]string{"nowcast.workers.make_plots": "make_plots", "sleep": "sleep", "": ""} {
		if got := Name(module); got != want {
			t.Errorf("%q: got %q, want %q", module, got, want)
		}
	}
}
