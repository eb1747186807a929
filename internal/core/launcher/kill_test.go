package launcher

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

func TestKillReachesGrandchildren(t *testing.T) {
	for name, script := range map[string]string{
		"in the same process group":          "sleep 600 & echo $!; wait",
		"in a group of their own":            "exec bash -c 'set -m; sleep 600 & echo $!; wait'",
		"that do not end with their parent":  "(trap '' HUP; exec sleep 600) & echo $!; wait",
		"under a program that makes a group": "timeout 600 sh -c 'echo $$; exec sleep 600'",
	} {
		t.Run(name, func(t *testing.T) { testKillReachesGrandchild(t, script) })
	}
}

func testKillReachesGrandchild(t *testing.T, script string) {
	la := newLauncher(t)
	l := start(t, la, 1, "sh", "-c", script)
	waitFor(t, "the grandchild", func() bool { return strings.HasSuffix(output(t, l), "\n") })
	grandchild, err := strconv.Atoi(strings.TrimSpace(output(t, l)))
	if err != nil {
		t.Fatal(err)
	}
	note, err := la.Kill(l, "TERM")
	if note != "" || err != nil {
		t.Errorf("got %q, %v, want no note and no error", note, err)
	}
	if e := nextExit(t, la); e.Signal != "terminated" {
		t.Errorf("got %+v, want it terminated", e)
	}
	waitFor(t, "the grandchild's death", func() bool {
		s, err := process.Read(grandchild)
		return err != nil || s.State == 'Z'
	})
	if _, err := la.Kill(l, "TERM"); !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v for a process that has ended, want ErrEnded", err)
	}
}

func TestKillOfAProcessThatTookThePID(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sleep", "60")
	stranger := *l
	stranger.PIDStart++
	if _, err := la.Kill(&stranger, "KILL"); !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v, want ErrEnded", err)
	}
	for _, pid := range []int{0, -1, 1} {
		if _, err := la.Kill(&launch.Launch{PID: pid, PIDStart: 1}, "KILL"); !errors.Is(err, ErrEnded) {
			t.Errorf("pid %d: got error %v, want ErrEnded", pid, err)
		}
	}
	if _, err := la.Kill(l, "NONSENSE"); err == nil || errors.Is(err, ErrEnded) {
		t.Errorf("got error %v, want one about the signal", err)
	}
	if !la.alive(l) {
		t.Error("the process was killed for another")
	}
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Error(err)
	}
	nextExit(t, la)
}

func TestKillOfARemoteLaunchSaysWhatItCannotDo(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sleep", "60")
	l.Host = "cluster"
	note, err := la.Kill(l, "TERM")
	if err != nil || !strings.Contains(note, "may live on at cluster") {
		t.Errorf("got %q, %v, want a note that it may live on at cluster", note, err)
	}
	nextExit(t, la)
}

// The worker obeys SIGTERM, and what it started does not: that says its number
// itself, once it is deaf to the signal.
func TestWhatAnEndedWorkerHasLeftBehindCanBeEnded(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sh", "-c", "(trap '' TERM; exec sh -c 'echo $$; sleep 600; sleep 600') & wait")
	t.Cleanup(func() { _, _ = la.Kill(l, "KILL") }) // also if it ends early
	waitFor(t, "the one that stays", func() bool { return strings.HasSuffix(output(t, l), "\n") })
	if left := la.Left(l); left != nil {
		t.Errorf("got %q left while the worker runs", left)
	}
	if _, err := la.Kill(l, "TERM"); err != nil {
		t.Fatal(err)
	}
	nextExit(t, la)
	if left := la.Left(l); len(left) == 0 || !strings.HasPrefix(left[0], strings.TrimSpace(output(t, l))+" sh") {
		t.Errorf("got %q left, want the shell", left)
	}
	stranger := l.Clone()
	stranger.ID = 2 // whose process had the same number before
	if _, err := la.Kill(stranger, "KILL"); !errors.Is(err, ErrEnded) {
		t.Errorf("the processes of another launch: got error %v, want ErrEnded", err)
	}
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Errorf("got error %v, want what is left killed", err)
	}
	waitFor(t, "its end", func() bool { return la.Left(l) == nil })
	if _, err := la.Kill(l, "KILL"); !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v for what has ended, want ErrEnded", err)
	}
}
