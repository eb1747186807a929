package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	hooks "nowcast/internal/core/fault"
	"nowcast/internal/faults"
)

var alarmFaults = []fault{
	{18, "Slack, mail and webhook down, slow, 500", 3, outsideDown},
	{18, "SIGKILL of the alerter at each step, and of all", 6, alarmsKilled},
}

// newAlarmWorld is a world whose alerter tells a webhook of the test, and destinations that are of no use: Slack answers with 500, the mail
// server takes connections and says nothing. Reports go to a Slack that never answers.
func newAlarmWorld(t *testing.T) (*faults.World, *faults.Hook) {
	hook := faults.NewHook(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) }))
	t.Cleanup(broken.Close)
	slow := newOutside(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	w := newWorld(t, func(o *faults.Options) {
		o.Env = []string{hooks.GraceVariable + "=100ms", "SLACK_REPORTS=" + slow.URL}
		o.MoreSettings = fmt.Sprintf("slack notifications:\n  SLACK_REPORTS: [reporter]\nalerts:\n  limit: 1000\n  webhook: {url: %q}\n  slack: {url: %q}\n"+
			"  mail: {to: ops@example.org, from: nowcast@example.org, server: %q}\n", hook.URL, broken.URL, mute.Addr())
	})
	w.Hear(hook)
	return w, hook
}

// outsideDown has workers end badly while nobody outside can be told. No report waits for that; and when the webhook is there again, all is told.
func outsideDown(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, hook := newAlarmWorld(t)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	w.Keep("alerter", nil)
	w.Report(clients)
	hook.Down(true)
	for range n {
		w.Once("exit", "3")
		time.Sleep(100*time.Millisecond + upTo(r, 200*time.Millisecond))
	}
	hook.Down(false)
	serves(w)
	report := w.Finish()
	if report.Unanswered > 0 || tooSlow(report.Slowest, 5*time.Second) { // each of the three would take 10 s
		report.Broken = append(report.Broken, fmt.Sprintf("%d reports were not answered, one only after %s, while Slack, the mail server and the webhook were of no use", report.Unanswered, report.Slowest))
	}
	return report
}

// alarmsKilled kills the alerter between any two of its steps, and in between manager, broker, or all three, while workers end badly.
func alarmsKilled(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, hook := newAlarmWorld(t)
	daemons := []*faults.Daemon{w.Keep("broker", nil), w.Keep("manager", nil)}
	starts, steps := 0, []string{"alert sent", "alert saved", "alert observed"}
	own := rand.New(rand.NewPCG(r.Uint64(), 0)) // daemons are started by a goroutine of their own
	alerter := w.Keep("alerter", func() string {
		if starts++; starts > n {
			return ""
		}
		return fmt.Sprintf("%s:%d", steps[starts%len(steps)], 1+own.IntN(2))
	})
	daemons = append(daemons, alerter)
	for i := range n {
		w.Once("exit", "3")
		hook.Down(r.IntN(3) == 0)
		time.Sleep(upTo(r, 300*time.Millisecond))
		switch i % 3 {
		case 0:
			daemons[r.IntN(2)].Kill()
		case 1:
			for _, d := range daemons {
				d.Kill()
			}
		}
		w.Eventually("all daemons", func() bool {
			for _, d := range daemons {
				if !d.Ready() {
					return false
				}
			}
			return true
		})
	}
	hook.Down(false)
	return w.Finish()
}
