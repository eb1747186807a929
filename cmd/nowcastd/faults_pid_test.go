package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
	"nowcast/internal/faults"
)

var pidFaults = []fault{
	{17, "pid reused while the manager is down", 2, pidReused},
}

// pidReused has a launch's process die while no manager runs, and another process have its PID when the next one comes. For that the record
// of the launch is given the PID of a process of ours. It must not be signalled, whoever asks for it, and the launch is lost.
func pidReused(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	w := newWorld(t, func(o *faults.Options) { o.Policy = "{timeout: 2 s}" })
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	var wrong []string
	for range n {
		number := w.Once("wait")
		l := awaitLaunch(w, number, func(l *launch.Launch) bool { return l.State == launch.Running && w.Began(number) })
		m.Kill() // another one comes at once
		m.Stop()
		syscall.Kill(-l.PID, syscall.SIGKILL)
		stranger := exec.Command("sleep", "60")
		stranger.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as a worker
		if err := stranger.Start(); err != nil {
			t.Fatal(err)
		}
		forge(t, w, l, stranger.Process.Pid)
		m = w.Keep("manager", nil)
		err := operate(t, w, control.CmdKill, control.KillArgs{Launch: l.ID, Signal: "KILL"})
		l = awaitLaunch(w, number, func(l *launch.Launch) bool { return l.State.Final() })
		if l.State != launch.Lost || l.Note == "" || err == nil {
			wrong = append(wrong, fmt.Sprintf("got %s (%s), and %v when it was to be killed; want it lost and nobody killed", l.State, l.Note, err))
		}
		if state, err := syscall.Getpgid(stranger.Process.Pid); err != nil || state != stranger.Process.Pid {
			wrong = append(wrong, "the process with the same PID is gone")
		}
		stranger.Process.Signal(syscall.SIGUSR1) // which ends it, if nothing else has before
		if err := stranger.Wait(); err == nil || !strings.Contains(err.Error(), "user defined signal 1") {
			wrong = append(wrong, fmt.Sprintf("the process with the same PID was signalled: %v", err))
		}
	}
	report := w.Finish()
	report.Broken = append(report.Broken, wrong...)
	return report
}

// forge gives a launch another PID. No manager runs.
func forge(t *testing.T, w *faults.World, l *launch.Launch, pid int) {
	t.Helper()
	s, err := store.Open(context.Background(), w.StateFile("state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	forged := l.Clone()
	forged.PID, forged.State = pid, launch.Running
	if err := s.Commit(context.Background(), &engine.Effects{Launches: []*launch.Launch{forged}}); err != nil {
		t.Fatal(err)
	}
}
