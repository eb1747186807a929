package launcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// TestMain lets the test binary play an earlier manager, which starts a process and dies.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_EARLIER_MANAGER"); dir != "" {
		la, err := New(Options{OutputDir: dir, Env: os.Environ(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			panic(err)
		}
		l := &launch.Launch{ID: 9, NextWorker: launch.NextWorker{Module: "w"}, Argv: []string{"sh", "-c", os.Getenv("TEST_WORKER")}}
		l.Boot, l.Decided = la.Boot(), decided
		s, err := la.Start(l)
		if err != nil {
			panic(err)
		}
		l.PID, l.PIDStart, l.Output = s.PID, s.PIDStart, s.Output
		if err := json.NewEncoder(os.Stdout).Encode(l); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var decided = time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)

// earlierManager is a manager that starts launch 9 in a directory and ends; env may make it end earlier.
func earlierManager(t *testing.T, dir, worker string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "TEST_EARLIER_MANAGER="+dir, "TEST_WORKER="+worker, "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

// startedEarlier returns a launch whose process was started by a manager that is gone.
func startedEarlier(t *testing.T, worker string) *launch.Launch {
	t.Helper()
	record, err := earlierManager(t, t.TempDir(), worker).Output()
	if err != nil {
		t.Fatal(err)
	}
	l := &launch.Launch{}
	if err := json.Unmarshal(record, l); err != nil {
		t.Fatalf("%v in %q", err, record)
	}
	group := -l.PID // tests change the record
	t.Cleanup(func() { syscall.Kill(group, syscall.SIGKILL) })
	return l
}

func newLauncherIn(t *testing.T, dir string) *Launcher {
	t.Helper()
	la, err := New(Options{OutputDir: dir, Env: os.Environ(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(la.Close)
	return la
}

// besides returns the directory that an earlier manager used.
func besides(l *launch.Launch) string { return strings.TrimSuffix(l.Output, "/9.log") }

func TestAdoptedProcessIsWatchedAndCanBeKilled(t *testing.T) {
	l := startedEarlier(t, "echo $$; exec sleep 60")
	la := newLauncherIn(t, besides(l))
	la.Adopt(l)
	select {
	case e := <-la.Exits():
		t.Fatalf("got %+v while it runs", e)
	default:
	}
	// The record of its start may be older than its first line.
	waitFor(t, "what it wrote", func() bool { return strings.HasSuffix(output(t, l), "\n") })
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Fatal(err)
	}
	e := nextExit(t, la)
	if e.ID != 9 || e.Status != -1 || e.Signal != "killed" || e.Unseen || e.Err != nil {
		t.Errorf("got %+v, want launch 9 to have been killed", e)
	}
	if got, want := output(t, l), fmt.Sprintln(l.PID); got != want {
		t.Errorf("got output %q, want %q", got, want)
	}
}

func TestKillOfAnAdoptedProcessReachesItsWholeSession(t *testing.T) {
	l := startedEarlier(t, "timeout 600 sh -c 'echo $$; exec sleep 600'; :")
	la := newLauncherIn(t, besides(l))
	la.Adopt(l)
	waitFor(t, "the grandchild", func() bool { return strings.HasSuffix(output(t, l), "\n") })
	var grandchild int
	fmt.Sscan(output(t, l), &grandchild)
	if _, err := la.Kill(l, "TERM"); err != nil {
		t.Fatal(err)
	}
	if e := nextExit(t, la); e.Signal != "terminated" {
		t.Errorf("got %+v, want it terminated", e)
	}
	waitFor(t, "the grandchild's death", func() bool {
		s, err := process.Read(grandchild)
		return err != nil || s.Dead()
	})
}

func TestEndWithoutAManagerIsKnownInFullWhenOneIsBack(t *testing.T) {
	l := startedEarlier(t, "sleep 0.1; exit 7")
	la := newLauncherIn(t, besides(l))
	waitFor(t, "the end of the worker and its shim", func() bool {
		r, err := la.read(l)
		return err == nil && r.exit != nil && !running(r.shim, r.shimStart)
	})
	back := time.Now()
	la.Adopt(l)
	e := nextExit(t, la)
	if e.ID != 9 || e.Status != 7 || e.Unseen || e.Err != nil || e.Usage == nil || !e.Time.Before(back) {
		t.Errorf("got %+v, want status 7, what it used, and a time before %v", e, back)
	}
}

func TestWhatNobodyCanKnowIsUnseen(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(la *Launcher, l *launch.Launch)
		want   error
	}{
		"the shim was killed, too": {func(la *Launcher, l *launch.Launch) { killShim(t, la, l); syscall.Kill(l.PID, syscall.SIGKILL) }, errAdopted},
		"another process has its PID": {func(la *Launcher, l *launch.Launch) {
			os.Remove(la.recordFile(l))
			l.PID = os.Getpid()
		}, errNoRecord},
		"an older version started it": {func(la *Launcher, l *launch.Launch) {
			killShim(t, la, l)
			os.Remove(la.recordFile(l))
			l.Boot = ""
			syscall.Kill(l.PID, syscall.SIGKILL)
		}, errNoRecord},
		"the record is of another process": {func(la *Launcher, l *launch.Launch) { l.PIDStart++ }, errNoRecord},
		"the machine was restarted":        {func(la *Launcher, l *launch.Launch) { l.Boot = "another" }, errRestarted},
		"it never got a PID, nor a record": {func(la *Launcher, l *launch.Launch) { l.PID, l.PIDStart = 0, 0; os.Remove(la.recordFile(l)) }, errNoRecord},
	} {
		t.Run(name, func(t *testing.T) {
			l := startedEarlier(t, "exec sleep 60")
			la := newLauncherIn(t, besides(l))
			tt.change(la, l)
			if l.PID != 0 {
				waitFor(t, "it to be gone", func() bool { return !la.alive(l) })
			}
			la.Adopt(l)
			if e := nextExit(t, la); e.ID != 9 || e.Status != -1 || !e.Unseen || !errors.Is(e.Err, tt.want) {
				t.Errorf("got %+v, want launch 9 to have ended unseen: %v", e, tt.want)
			}
		})
	}
}

func TestProcessWhoseShimWasKilledIsStillWatched(t *testing.T) {
	l := startedEarlier(t, "exec sleep 60")
	la := newLauncherIn(t, besides(l))
	killShim(t, la, l)
	la.Adopt(l)
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Fatal(err)
	}
	if e := nextExit(t, la); !e.Unseen || !errors.Is(e.Err, errShim) {
		t.Errorf("got %+v, want its end without a status", e)
	}
}

func TestEndIsNotHeldUpForEverByAStoppedShim(t *testing.T) {
	for name, adopted := range map[string]bool{"of a launch that is watched": false, "of one that is adopted after its end": true} {
		t.Run(name, func(t *testing.T) {
			l := startedEarlier(t, "exec sleep 60")
			la := newLauncherIn(t, besides(l))
			r, err := la.read(l)
			if err != nil {
				t.Fatal(err)
			}
			if !adopted {
				la.Adopt(l)
			}
			syscall.Kill(r.shim, syscall.SIGSTOP)
			defer syscall.Kill(r.shim, syscall.SIGCONT)
			if _, err := la.Kill(l, "KILL"); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the end", func() bool { return !la.alive(l) })
			if adopted {
				la.Adopt(l)
			}
			if e := nextExit(t, la); !e.Unseen || !errors.Is(e.Err, errShim) {
				t.Errorf("got %+v, want its end without a status", e)
			}
		})
	}
}

// killShim kills the shim of a launch and waits for its end.
func killShim(t *testing.T, la *Launcher, l *launch.Launch) {
	t.Helper()
	r, err := la.read(l)
	if err != nil || r.shim == 0 {
		t.Fatalf("got %+v, %v, want a record with a shim", r, err)
	}
	syscall.Kill(r.shim, syscall.SIGKILL)
	waitFor(t, "the end of the shim", func() bool { return !running(r.shim, r.shimStart) })
}

func running(pid int, start uint64) bool {
	s, err := process.Read(pid)
	return err == nil && s.Start == start && !s.Dead()
}

// TestKilledAtEachStep kills manager, keeper or the process itself at each step of a start. Whatever happens, after the restart the
// worker has been started once: by what was asked for before, or, if that is certain not to happen, by the new manager.
func TestKilledAtEachStep(t *testing.T) {
	for _, step := range []string{"received", "opened", "locked", "forked", "recorded", "started", "waited", "written"} {
		for _, who := range []string{"manager", "keeper", "self"} {
			t.Run(step+" "+who, func(t *testing.T) {
				dir := t.TempDir()
				ran := dir + "/ran"
				worker := fmt.Sprintf("echo x >> %s; sleep 0.05; exit 7", ran)
				earlierManager(t, dir, worker, fmt.Sprintf("NOWCAST_KEEPER_FAULT=%s:%s:%s/fault", step, who, dir)).Run()
				la := newLauncherIn(t, dir)
				l := &launch.Launch{ID: 9, NextWorker: launch.NextWorker{Module: "w"}, Argv: []string{"sh", "-c", worker}, Decided: decided, Boot: la.Boot()}
				s, started, err := la.Recover(l)
				if err != nil {
					t.Fatal(err)
				}
				if started {
					l.PID, l.PIDStart, l.Output = s.PID, s.PIDStart, s.Output
					la.Adopt(l)
				} else if _, err = la.Start(l); err != nil {
					t.Fatal(err)
				}
				e := nextExit(t, la)
				times, _ := os.ReadFile(ran)
				// Killed before exec, or its shim before it could write: the launch was started, and its end is told as far as it is known.
				diedYoung := len(times) == 0 && started && (e.Signal == "killed" || e.Unseen)
				if string(times) != "x\n" && !diedYoung || !e.Unseen && e.Status != 7 && !diedYoung {
					t.Errorf("got %q runs and %+v (started before: %v), want one run and its end", times, e, started)
				}
				if _, err := os.Stat(dir + "/fault"); err != nil {
					t.Errorf("the step was not reached: %v", err)
				}
			})
		}
	}
}
