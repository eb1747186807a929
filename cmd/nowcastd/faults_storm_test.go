package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

var stormFaults = []fault{
	{19, "log storm, the log aggregator stopped or killed", 2, logStorm},
}

const stormLines = 100_000

// logStorm has a worker log as fast as it can while the log aggregator is stopped, or killed. Reports are answered meanwhile, and of what a stopped one
// does not take, it is said how much it is. What is said while there is none is lost, and the alerter says that there is none.
func logStorm(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for i := range n {
		w := newWorld(t, func(o *faults.Options) { o.LogPort = freePort(t) })
		w.Keep("broker", nil)
		aggregator := w.Keep("log-aggregator", nil)
		w.Keep("manager", nil)
		w.Report(faults.Load{Clients: 2, Insist: 1, Pause: 100 * time.Millisecond})
		serves(w)
		if i%2 == 0 {
			aggregator.Signal(syscall.SIGSTOP)
		} else {
			aggregator.Stop()
		}
		number := w.Once("storm", strconv.Itoa(stormLines))
		awaitLaunch(w, number, func(l *launch.Launch) bool { return l.State.Final() })
		serves(w)
		if i%2 == 0 {
			aggregator.Signal(syscall.SIGCONT)
		} else {
			w.Keep("log-aggregator", nil)
		}
		serves(w)
		var wrong []string
		written, lost := 0, 0
		told := func() bool {
			time.Sleep(100 * time.Millisecond) // looking takes time from the aggregator
			written, lost = accounted(w.Read("nowcast.log"))
			return written+lost >= stormLines
		}
		if i%2 == 0 && !within(told) {
			wrong = append(wrong, fmt.Sprintf("of %d lines %d are in the log, and %d are said to be lost", stormLines, written, lost))
		}
		report := allAnswered(w.Finish())
		if tooSlow(report.Slowest, 5*time.Second) {
			report.Broken = append(report.Broken, fmt.Sprintf("a report was answered only after %s", report.Slowest))
		}
		report.Broken = append(report.Broken, wrong...)
		all.Add(report)
	}
	return all
}

var dropped = regexp.MustCompile(`(\d+) log records? .*(dropped|lost)`)

// accounted returns how many lines of the storm are in a log, and how many are said to be missing.
func accounted(log string) (written, lost int) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, " of a storm") {
			written++
		} else if m := dropped.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			lost += n
		}
	}
	return written, lost
}
