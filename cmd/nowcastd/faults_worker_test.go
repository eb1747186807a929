package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

var workerFaults = []fault{
	{2, "SIGKILL of the broker, a worker of Python waits", 2, pythonWaits},
	{3, "a worker dies: signals, memory, exit without a report", 7, workersDie},
	{5, "a grandchild is left behind", 1, grandchildLeft},
}

// death is a way for a worker to end, and what is to be in the record.
type death struct {
	how    []any
	signal syscall.Signal
	want   launch.State
}

var deaths = []death{
	{how: []any{"wait"}, signal: syscall.SIGKILL, want: launch.Killed},
	{how: []any{"wait"}, signal: syscall.SIGTERM, want: launch.Killed},
	{how: []any{"exit", "0"}, want: launch.Lost},
	{how: []any{"exit", "3"}, want: launch.Crashed},
	{how: []any{"eat"}, want: launch.Crashed},
}

func workersDie(t *testing.T, r *rand.Rand, n int) *faults.Report {
	deaths := deaths
	if group := memoryGroup(t); group != "" {
		deaths = append(slices.Clip(deaths), death{how: []any{"eat-in", group}, want: launch.Killed})
	}
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
			w.Gone(l.ID, time.Now())
			if err := syscall.Kill(l.PID, d.signal); err != nil {
				t.Fatalf("launch %d, process %d: %v", l.ID, l.PID, err)
			}
			l = awaitLaunch(w, number, func(l *launch.Launch) bool { return l.State.Final() })
		} else {
			w.Gone(l.ID, *l.Ended) // as its shim has seen it
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

// memoryGroup makes a control group whose processes may use 64 MB, "" if that is not for us to do: a limit of the process is tried in any case.
func memoryGroup(t *testing.T) string {
	for _, group := range [][2]string{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}} {
		dir := filepath.Join(group[0], fmt.Sprint("nowcast-faults-", os.Getpid(), "-", time.Now().UnixNano()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(dir) })
		// It is not created: where groups are of version 1, /sys/fs/cgroup is a tmpfs, and a file in it limits nothing.
		file, err := os.OpenFile(filepath.Join(dir, group[1]), os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		_, err = file.WriteString("64000000")
		if file.Close(); err == nil {
			return dir
		}
	}
	t.Log("no control group can be made here: only RLIMIT_AS makes workers run out of memory")
	return ""
}

// pythonWaits kills the broker when it has the report of a worker of Python that nobody has answered. That worker waits on a connection
// that is gone, for ever. What it reported is acted upon all the same; the manager says that it waits, and ends it if it may.
func pythonWaits(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for i := range n {
		policy, stopped := []string{"report", "end", "end"}[i%3], i%3 == 1
		w := newWorld(t, func(o *faults.Options) { o.MoreSettings = "waiting workers: " + policy + "\n" })
		b := w.Keep("broker", nil)
		m := w.Keep("manager", nil)
		l := awaitLaunch(w, w.OnceBy(faults.Python, "sleep", "0.3"), func(l *launch.Launch) bool { return l.State == launch.Running })
		if stopped { // it has the report in its socket, and answers the dead broker; then it is given the report again by the next one
			m.Signal(syscall.SIGSTOP)
		} else {
			m.Stop()
		}
		w.Eventually("its report in the journal of the broker", func() bool {
			text, _ := os.ReadFile(w.StateFile("requests.journal"))
			return strings.Contains(string(text), "source: pyrecorder")
		})
		b.Kill()
		w.Eventually("another broker", func() bool { return len(b.Deaths()) > 0 && b.Ready() })
		if stopped {
			m.Signal(syscall.SIGCONT)
		} else {
			w.Keep("manager", nil)
		}
		w.Eventually("an alert that it waits", func() bool {
			return slices.ContainsFunc(w.Alerts(), func(a engine.Alert) bool {
				return a.Kind == "worker waits in vain" && a.Launch == l.ID && (stopped || strings.Contains(a.Message, "safe to kill"))
			})
		})
		if policy == "report" { // an operator does
			if err := syscall.Kill(l.PID, syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
		report := allSucceeded(w.Finish())
		if l = w.Launches()[0]; !strings.HasPrefix(l.Note, "reported success, then ended by signal terminated") {
			report.Broken = append(report.Broken, fmt.Sprintf("launch %d is %s (%s), want it ended after its success", l.ID, l.State, l.Note))
		}
		all.Add(report)
	}
	return all
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
	w.Eventually(fmt.Sprintf("the end of the launch because of report %d", number), func() bool {
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
