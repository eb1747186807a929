package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

var workerFaults = []fault{
	{3, "a worker dies: signals, memory, exit without a report", 6, workersDie},
	{5, "a grandchild is left behind", 1, grandchildLeft},
}

// death is a way for a worker to end, and what is to be in the record.
var deaths = []struct {
	how    []any
	signal syscall.Signal
	want   launch.State
}{
	{how: []any{"wait"}, signal: syscall.SIGKILL, want: launch.Killed},
	{how: []any{"wait"}, signal: syscall.SIGTERM, want: launch.Killed},
	{how: []any{"exit", "0"}, want: launch.Lost},
	{how: []any{"exit", "3"}, want: launch.Crashed},
	{how: []any{"eat"}, want: launch.Crashed},
}

func workersDie(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	w.Watch()
	var wrong []string
	for i := range n {
		d := deaths[(i+r.IntN(len(deaths)))%len(deaths)]
		if n >= len(deaths) {
			d = deaths[i%len(deaths)]
		}
		number := w.Once(d.how...)
		l := awaitLaunch(w, number, func(l *launch.Launch) bool {
			return l.State.Final() || d.signal != 0 && l.State == launch.Running && w.Began(number)
		})
		if d.signal != 0 {
			time.Sleep(upTo(r, 20*time.Millisecond))
			w.Gone(l.ID)
			if err := syscall.Kill(l.PID, d.signal); err != nil {
				t.Fatalf("launch %d, process %d: %v", l.ID, l.PID, err)
			}
			l = awaitLaunch(w, number, func(l *launch.Launch) bool { return l.State.Final() })
		}
		if l.State != d.want || l.Note == "" {
			wrong = append(wrong, fmt.Sprintf("worker %v, signal %v: got %s (%s), want %s and a note", d.how, d.signal, l.State, l.Note, d.want))
		}
	}
	alerted := map[int64]bool{}
	for _, a := range w.Alerts() {
		alerted[a.Launch] = true
	}
	report := w.Finish()
	for _, l := range w.Launches() {
		if l.State.Bad() && !alerted[l.ID] && !alertedAlike(w, l) {
			wrong = append(wrong, fmt.Sprintf("I8: launch %d is %s and there is no alert", l.ID, l.State))
		}
	}
	report.Broken = append(report.Broken, wrong...)
	return report
}

// alertedAlike tells whether the trouble of a launch was counted in an alert about the same trouble.
func alertedAlike(w *faults.World, l *launch.Launch) bool {
	for _, a := range w.Alerts() {
		if a.Worker == l.Name() && a.Count > 1 {
			return true
		}
	}
	return false
}

// awaitLaunch waits until the launch because of a report is as wanted.
func awaitLaunch(w *faults.World, number int, ok func(*launch.Launch) bool) (found *launch.Launch) {
	w.Eventually(fmt.Sprintf("the end of the launch because of report %d", number), 20*time.Second, func() bool {
		for _, l := range w.Launches() {
			if l.Args[0] == fmt.Sprint(number) && ok(l) {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

func grandchildLeft(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	var wrong []string
	for range n {
		l := awaitLaunch(w, w.Once("leave", "30"), func(l *launch.Launch) bool { return l.State.Final() })
		if l.State != launch.Succeeded || !strings.Contains(l.Note, "left a process behind") {
			wrong = append(wrong, fmt.Sprintf("got %s (%s), want a success that left a process behind", l.State, l.Note))
		}
		syscall.Kill(-l.PID, syscall.SIGKILL)
	}
	report := w.Finish()
	report.Broken = append(report.Broken, wrong...)
	return report
}
