package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWaitsGrowOnlyForAChildThatCannotStayUp(t *testing.T) {
	type end struct {
		ready  bool
		served time.Duration
	}
	never, soon, steady := end{}, end{true, time.Second}, end{true, time.Minute}
	for name, tc := range map[string]struct {
		ends []end
		want []time.Duration // in units of the first wait
	}{
		"one that has served, however briefly, comes back at once": {[]end{soon}, []time.Duration{0}},
		"one that dies again soon waits longer each time":          {[]end{soon, soon, soon, never, soon}, []time.Duration{0, 1, 2, 4, 8}},
		"one that never serves waits from the beginning":           {[]end{never, never, never}, []time.Duration{1, 2, 4}},
		"one that was steady has a start at once again":            {[]end{soon, soon, soon, steady, soon, soon}, []time.Duration{0, 1, 2, 0, 1, 2}},
		"there is a longest wait":                                  {slices.Repeat([]end{never}, 6), []time.Duration{1, 2, 4, 8, 10, 10}},
		"one that is killed again and again while steady":          {slices.Repeat([]end{steady}, 3), []time.Duration{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			w := waits{first: 1, longest: 10, steady: 5 * time.Second}
			var got []time.Duration
			for _, e := range tc.ends {
				got = append(got, w.next(e.ready, e.served))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAChildThatServedIsStartedAgainAtOnce(t *testing.T) {
	f := run(t, "two dies", "one", "two")
	f.eventually("a wait", func() bool {
		return strings.Contains(f.log.String(), "two ended (exit status 4); starting it again in 20ms")
	})
	if log := f.log.String(); !strings.Contains(log, "two ended (exit status 4); starting it again at once") ||
		strings.Index(log, "at once") > strings.Index(log, "again in 10ms") {
		t.Errorf("got log\n%s\nwant the first start at once, then waits", log)
	}
}

func TestASignalIsHeardWhileAnEssentialChildIsNotReady(t *testing.T) {
	f := run(t, "late waits", "early", "late!", "third")
	f.eventually("the second is there", func() bool { return strings.Contains(f.events(), "late starts") })
	f.reload <- syscall.SIGHUP
	f.eventually("hangups", func() bool {
		return strings.Contains(f.events(), "early hangup") && strings.Contains(f.events(), "late hangup")
	})
	f.stop()
	if events := f.events(); strings.Contains(events, "third") || !strings.Contains(events, "early terminated") {
		t.Errorf("got events\n%s", events)
	}
}

func TestTheLoopSaysThatItIsAlive(t *testing.T) {
	alive, beats := make(chan time.Time), make(chan bool, 3)
	f := runWith(t, "late waits", func(o *Options) { o.Alive, o.Beat = alive, func() { beats <- true } }, "late!")
	for range 3 { // also while it waits for a child
		alive <- time.Time{}
		<-beats
	}
	f.stop()
}

func TestAChildThatHasEndedIsNotWaitedForBecauseOfWhatItLeft(t *testing.T) {
	f := run(t, "one leaves", "one")
	f.eventually("three starts", func() bool { return strings.Count(f.events(), "one starts") >= 3 })
}

func TestWhatAChildStartsDoesNotSpeakForIt(t *testing.T) {
	got := WithoutNotices([]string{"PATH=/bin", "NOWCAST_READY_FD=3", "NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=1", "WATCHDOG_PID=2", "NOTIFY_SOCKETS=y"})
	if want := []string{"PATH=/bin", "NOTIFY_SOCKETS=y"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheNextSupervisorsChildrenWaitForThoseThatStillDrain(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOWCAST_TEST_LOCK", lock) // an old child has it
	f := run(t, "one locks", "one!", "two")
	f.eventually("three attempts", func() bool { return strings.Count(f.events(), "one starts") >= 3 })
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	f.eventually("all up", func() bool { return strings.Contains(f.log.String(), "all daemons are up") })
}
