package launcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

func newLaunch(la *Launcher, id int64, argv ...string) *launch.Launch {
	return &launch.Launch{ID: id, NextWorker: launch.NextWorker{Module: "test.worker", Host: launch.Localhost}, Argv: argv, Decided: decided, Boot: la.Boot()}
}

func TestRecoverOfWhatWasStarted(t *testing.T) {
	la := newLauncher(t)
	l := newLaunch(la, 1, "sh", "-c", "exit 3")
	want, err := la.Start(l)
	if err != nil {
		t.Fatal(err)
	}
	nextExit(t, la)
	if got, started, err := la.Recover(l); got != want || !started || err != nil {
		t.Errorf("got %+v, %v, %v, want %+v", got, started, err, want)
	}
	l.Boot = "another"
	if got, started, err := la.Recover(l); got != want || !started || err != nil {
		t.Errorf("after a restart of the machine: got %+v, %v, %v, want %+v", got, started, err, want)
	}
}

func TestRecoverOfWhatWasNotStartedMakesSureThatItWillNotBe(t *testing.T) {
	la := newLauncherIn(t, t.TempDir())
	ran := filepath.Join(t.TempDir(), "ran")
	l := newLaunch(la, 1, "touch", ran)
	before, err := la.read(l)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the restarted manager may be killed and restarted itself
		if _, started, err := la.Recover(l); started || err != nil {
			t.Fatalf("got %v, %v, want it not started", started, err)
		}
	}
	// What the manager before had asked for comes only now.
	request, err := encode(before, la.boot, "late", "/usr/bin/touch", l.Argv, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := la.keeper.ask(request, os.Stdout); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was started after Recover said that it would not be")
	}
	if _, err := la.Start(l); err != nil {
		t.Error(err)
	}
	nextExit(t, la)
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("Start after Recover: %v, want that it ran", err)
	}
}

func TestRecoverInDoubt(t *testing.T) {
	for name, change := range map[string]func(la *Launcher, l *launch.Launch){
		"the machine was restarted":         func(_ *Launcher, l *launch.Launch) { l.Boot = "another" },
		"an older program did not write it": func(_ *Launcher, l *launch.Launch) { l.Boot = "" },
		"the record cannot be read":         func(la *Launcher, l *launch.Launch) { os.Mkdir(la.recordFile(l), 0o755) },
	} {
		la := newLauncher(t)
		l := newLaunch(la, 1, "true")
		change(la, l)
		if _, started, err := la.Recover(l); started || !errors.Is(err, ErrInDoubt) {
			t.Errorf("%s: got %v, %v, want ErrInDoubt", name, started, err)
		}
	}
}

func TestALaunchIsStartedOnceHoweverOftenItIsAskedFor(t *testing.T) {
	la := newLauncher(t)
	ran := filepath.Join(t.TempDir(), "ran")
	l := newLaunch(la, 1, "sh", "-c", "echo x >> "+ran)
	var all sync.WaitGroup
	var mu sync.Mutex
	pids := map[int]bool{}
	for range 20 {
		all.Go(func() {
			s, err := la.Start(l)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[s.PID] = true
		})
	}
	all.Wait()
	nextExit(t, la)
	if text, _ := os.ReadFile(ran); string(text) != "x\n" || len(pids) != 1 {
		t.Errorf("got %q runs as processes %v, want one", text, pids)
	}
	other := *l // of a new state database, which counts from 1 again
	other.Decided = decided.Add(1e6)
	if s, err := la.Start(&other); err != nil || pids[s.PID] {
		t.Errorf("got %+v, %v, want another process for another launch of the same number", s, err)
	}
	nextExit(t, la)
}

func TestKilledKeeperIsReplacedAndItsWorkersAreStillWatched(t *testing.T) {
	la := newLauncher(t)
	one := start(t, la, 1, "sh", "-c", "sleep 0.2; exit 5")
	for id := int64(2); id < 5; id++ {
		syscall.Kill(la.keeper.pid(), syscall.SIGKILL)
		two := start(t, la, id, "sleep", "60")
		if _, err := la.Kill(two, "KILL"); err != nil {
			t.Error(err)
		}
	}
	ends := map[int64]launch.Exit{}
	for range 4 {
		e := nextExit(t, la)
		ends[e.ID] = e
	}
	if e := ends[one.ID]; e.Status != 5 || e.Unseen {
		t.Errorf("got %+v, want status 5 of the worker of the first keeper", e)
	}
	if e := ends[2]; e.Signal != "killed" || e.Unseen {
		t.Errorf("got %+v, want that the next was killed", e)
	}
}

func TestKeeperEndsWithItsManagerAndNotBySignals(t *testing.T) {
	la := newLauncher(t)
	start(t, la, 1, "true") // so it has begun
	nextExit(t, la)
	pid := la.keeper.pid()
	s, err := process.Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE} {
		syscall.Kill(pid, signal)
	}
	start(t, la, 2, "true")
	if nextExit(t, la); la.keeper.pid() != pid {
		t.Error("a signal ended the keeper")
	}
	if s.Session != pid {
		t.Errorf("got session %d, want one of its own", s.Session)
	}
	la.Close()
	if running(pid, s.Start) {
		t.Error("the keeper is still there after Close")
	}
}

func TestTwoHundredAtOnceRunOnceWhileTheKeeperIsKilledAgainAndAgain(t *testing.T) {
	la := newLauncher(t)
	const n = 200
	dir := t.TempDir()
	var starting sync.WaitGroup
	for worker := range int64(8) {
		starting.Go(func() {
			for id := worker + 1; id <= n; id += 8 {
				if _, err := la.Start(newLaunch(la, id, "sh", "-c", fmt.Sprintf("echo x >> %s/%d; exit 7", dir, id))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	kills := 0
	seen := map[int64]bool{}
	for len(seen) < n {
		e := nextExit(t, la)
		if e.Status != 7 || e.Unseen || seen[e.ID] {
			t.Errorf("got %+v (seen before: %v), want status 7 once", e, seen[e.ID])
		}
		if seen[e.ID] = true; len(seen)%10 == 0 && syscall.Kill(la.keeper.pid(), syscall.SIGKILL) == nil {
			kills++
		}
	}
	starting.Wait()
	for id := 1; id <= n; id++ {
		if text, _ := os.ReadFile(fmt.Sprint(dir, "/", id)); string(text) != "x\n" {
			t.Errorf("launch %d: got %q runs, want one", id, text)
		}
	}
	if kills < 10 {
		t.Errorf("the keeper was killed %d times only", kills)
	}
}

func TestRecoverWithoutTheRecordsOfBefore(t *testing.T) {
	la := newLauncher(t)
	l := newLaunch(la, 1, "sleep", "60")
	l.Output = la.OutputFile(l)
	if _, err := la.Start(l); err != nil {
		t.Fatal(err)
	}
	running, started, err := la.Recover(l)
	if !started || err != nil {
		t.Fatalf("got %v, %v, want it started", started, err)
	}
	c := l.Clone()
	c.PID, c.PIDStart, c.Boot = running.PID, running.PIDStart, running.Boot
	t.Cleanup(func() { la.Kill(c, "KILL") })

	elsewhere := newLauncher(t) // a manager of this machine with another directory, which stood by
	if got, started, err := elsewhere.Recover(l); got != running || !started || err != nil {
		t.Errorf("with another directory: got %+v, %v, %v, want %+v", got, started, err, running)
	}
	if err := os.RemoveAll(filepath.Dir(l.Output)); err != nil {
		t.Fatal(err)
	}
	o := la.options
	again, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, started, err := again.Recover(l); started || !errors.Is(err, ErrInDoubt) {
		t.Errorf("the directory was removed: got %v, %v, want ErrInDoubt", started, err)
	}
}

func TestRecoverOfWhatRunsWithoutItsRecord(t *testing.T) {
	la := newLauncher(t)
	l := newLaunch(la, 1, "sleep", "60")
	running, err := la.Start(l)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Clone()
	c.PID, c.PIDStart, c.Boot = running.PID, running.PIDStart, running.Boot
	t.Cleanup(func() { la.Kill(c, "KILL") })
	if err := os.Remove(la.recordFile(l)); err != nil {
		t.Fatal(err)
	}
	again, err := New(la.options) // the directory is there
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, started, err := again.Recover(l); started || !errors.Is(err, ErrInDoubt) {
		t.Errorf("got %v, %v, want ErrInDoubt", started, err)
	}
}
