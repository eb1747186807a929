package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

func TestTheWaitDoublesUpToItsCap(t *testing.T) {
	r := config.Retries{Most: 100, Wait: time.Minute, LongestWait: 5 * time.Minute}
	for n, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 4: 5 * time.Minute, 1000000: 5 * time.Minute} {
		if got := Wait(r, n); got != want {
			t.Errorf("retry %d: got %v, want %v", n, got, want)
		}
	}
}

func TestNobodyWaitsForAClockThatWasSetBack(t *testing.T) {
	set := time.Date(2031, 5, 17, 5, 0, 0, 0, time.UTC)
	until := set.Add(10 * time.Minute)
	for after, want := range map[time.Duration]time.Duration{0: 10 * time.Minute, 4 * time.Minute: 6 * time.Minute, -time.Hour: 10 * time.Minute, time.Hour: -50 * time.Minute} {
		if got := Remaining(set, until, set.Add(after)); got != want {
			t.Errorf("at %v: got %v, want %v", after, got, want)
		}
	}
}

func TestLaunchesOfAKindDifferInNumbersAndDatesOnly(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"cluster", "forecast", "--run-date", "2031-05-17"}, "run cluster forecast --run-date"},
		{[]string{"06", "17may31", "3.5", "2031-05-17T06:00", "2031/05/17", "20310517"}, "run"},
		{[]string{"nowcast-green", "wwatch3", "SalishSea.202111", "r12x", "17abc31", "a1", "--n=5", ""}, "run nowcast-green wwatch3 SalishSea.202111 r12x 17abc31 a1 --n=5 "},
	} {
		if got := Kind(launch.NextWorker{Module: "m.run", Args: c.args}); got != c.want {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
}

func minutes(all ...int) (ds []time.Duration) {
	for _, m := range all {
		ds = append(ds, time.Duration(m)*time.Minute)
	}
	return ds
}

func TestWhatIsUsual(t *testing.T) {
	for _, c := range []struct {
		took []time.Duration
		want *launch.Usual
	}{
		{minutes(1, 2, 3, 4), nil},
		{minutes(50, 10, 12, 11, 13), &launch.Usual{Median: 12 * time.Minute, P95: 50 * time.Minute, N: 5}},
		{append(slices.Repeat(minutes(12), 19), minutes(90)...), &launch.Usual{Median: 12 * time.Minute, P95: 12 * time.Minute, N: 20}},
	} {
		if diff := cmp.Diff(c.want, Learn(c.took)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.took, diff)
		}
	}
}

func TestWhenALaunchIsLate(t *testing.T) {
	usual := &launch.Usual{Median: 12 * time.Minute, P95: 20 * time.Minute, N: 5}
	for _, c := range []struct {
		expected time.Duration
		usual    *launch.Usual
		want     time.Duration
	}{
		{0, nil, 0}, {time.Hour, nil, time.Hour}, {time.Hour, usual, time.Hour}, {0, usual, 30 * time.Minute},
		{0, &launch.Usual{Median: time.Second, P95: 2 * time.Second, N: 5}, time.Minute + 2*time.Second},
	} {
		if got := Limit(c.expected, c.usual); got != c.want {
			t.Errorf("expected %v, usual %v: got %v, want %v", c.expected, c.usual, got, c.want)
		}
	}
}

func TestOutliers(t *testing.T) {
	usual := &launch.Usual{Median: 12 * time.Minute, P95: 20 * time.Minute, N: 5}
	brief := &launch.Usual{Median: 4 * time.Second, P95: 8 * time.Second, N: 5}
	for _, c := range []struct {
		took  time.Duration
		usual *launch.Usual
		want  string
	}{
		{time.Hour, nil, ""}, {12 * time.Minute, usual, ""}, {29 * time.Minute, usual, ""}, {31 * time.Minute, usual, "unusually long"},
		{3 * time.Minute, usual, ""}, {time.Minute, usual, "unusually short"}, {20 * time.Second, brief, ""}, {0, brief, ""}, {2 * time.Minute, brief, "unusually long"},
	} {
		if got := Outlier(c.took, c.usual); got != c.want {
			t.Errorf("%v: got %q, want %q", c.took, got, c.want)
		}
	}
}

func TestRhythm(t *testing.T) {
	start := time.Date(2031, 5, 12, 5, 0, 0, 0, time.UTC) // a Monday
	at := func(hours ...float64) (times []time.Time) {
		for _, h := range hours {
			times = append(times, start.Add(time.Duration(h*float64(time.Hour))))
		}
		return times
	}
	const day = 24
	for _, c := range []struct {
		name           string
		times          []time.Time
		usual, silence float64 // hours; 0: not known
	}{
		{"never", nil, 0, 0},
		{"too few", at(0, day, 2*day, 3*day, 4*day), 0, 0},
		{"each day", at(0, day, 2*day, 3*day, 4*day, 5*day), day, 3 * day},
		{"each working day", at(0, day, 2*day, 3*day, 4*day, 7*day, 8*day, 9*day), day, 4.5 * day},
		{"thrice within an hour each day", at(0, .3, .6, day, day+.3, day+.6, 2*day, 2*day+.5, 3*day, 4*day, 5*day), day, 3 * day},
		{"by day only, for two days", at(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 48, 49), 0, 0},
		{"on one afternoon", at(0, .2, .4, .6, .8, 1, 1.2, 1.4), 0, 0},
		{"all the time", at(0, .001, .002, .003, .004, .005, 48, 48.001), 0, 0},
		{"each month", at(0, 30*day, 60*day, 90*day, 120*day, 150*day, 180*day), 0, 0},
		{"each hour, with an outage of a week", at(0, 1, 2, 3, 4, 5, 6, 7, 7*day, 7*day+1), 0, 0},
		{"each hour, with an outage of a month", at(0, 1, 2, 3, 4, 5, 6, 7, 30*day, 30*day+1), 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			usual, silence, ok := Rhythm(c.times)
			if ok != (c.usual > 0) || ok && ((usual-time.Duration(c.usual*float64(time.Hour))).Abs() > time.Hour || (silence-time.Duration(c.silence*float64(time.Hour))).Abs() > 2*time.Hour) {
				t.Errorf("got %v, %v, %v; want %v h, %v h", usual, silence, ok, c.usual, c.silence)
			}
		})
	}
}
