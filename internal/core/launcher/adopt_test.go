package launcher

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"nowcast/internal/core/launch"
)

// TestMain lets the test binary play an earlier manager, which starts a process and dies.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_EARLIER_MANAGER"); dir != "" {
		la, err := New(Options{OutputDir: dir, Env: os.Environ(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			panic(err)
		}
		l := &launch.Launch{ID: 9, NextWorker: launch.NextWorker{Module: "w"}, Argv: []string{"sh", "-c", "echo $$; exec sleep 60"}}
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

// startedEarlier returns a launch whose process was started by a manager that is gone.
func startedEarlier(t *testing.T) *launch.Launch {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_EARLIER_MANAGER="+t.TempDir())
	record, err := cmd.Output()
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

func TestAdoptedProcessIsWatchedAndCanBeKilled(t *testing.T) {
	l := startedEarlier(t)
	la := newLauncher(t)
	la.Adopt(l)
	select {
	case e := <-la.Exits():
		t.Fatalf("got %+v while it runs", e)
	default:
	}
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Fatal(err)
	}
	e := nextExit(t, la)
	if e.ID != 9 || e.Status != -1 || !e.Unseen || !errors.Is(e.Err, errAdopted) {
		t.Errorf("got %+v, want launch 9 to have ended with an unknown status", e)
	}
	if got := output(t, l); got == "" {
		t.Error("got no output, want what it wrote")
	}
}

func TestAdoptionOfWhatIsGoneEndsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*launch.Launch)
	}{
		{"another process has its PID", func(l *launch.Launch) { l.PIDStart++ }},
		{"it never got a PID", func(l *launch.Launch) { l.PID, l.PIDStart = 0, 0 }},
		{"it has ended", func(l *launch.Launch) { syscall.Kill(l.PID, syscall.SIGKILL) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := startedEarlier(t)
			tt.change(l)
			la := newLauncher(t)
			la.Adopt(l)
			if e := nextExit(t, la); e.ID != 9 || e.Status != -1 || !e.Unseen || !errors.Is(e.Err, errAdopted) {
				t.Errorf("got %+v, want launch 9 to have ended with an unknown status", e)
			}
		})
	}
}
