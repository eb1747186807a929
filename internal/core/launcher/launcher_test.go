package launcher

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// patience is how long a test waits for what should take milliseconds. A process
// whose mere death is waited for sleeps for longer: it must not end by itself.
const patience = 60 * time.Second

func newLauncher(t testing.TB) *Launcher {
	t.Helper()
	la, err := New(Options{OutputDir: filepath.Join(t.TempDir(), "output"), Env: os.Environ(), ConfigFile: "/etc/nowcast.yaml", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(la.Close)
	return la
}

// start starts argv as launch id and puts what is known of the process on the record.
func start(t testing.TB, la *Launcher, id int64, argv ...string) *launch.Launch {
	t.Helper()
	l := &launch.Launch{ID: id, NextWorker: launch.NextWorker{Module: "test.worker", Host: launch.Localhost}, Argv: argv}
	s, err := la.Start(l)
	if err != nil {
		t.Fatal(err)
	}
	l.PID, l.PIDStart, l.Boot, l.Output = s.PID, s.PIDStart, s.Boot, s.Output
	return l
}

func nextExit(t testing.TB, la *Launcher) launch.Exit {
	t.Helper()
	select {
	case e := <-la.Exits():
		return e
	case <-time.After(patience):
		t.Fatal("no exit event came")
		panic("unreachable")
	}
}

func output(t testing.TB, l *launch.Launch) string {
	t.Helper()
	data, err := os.ReadFile(l.Output)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// waitFor waits until a condition holds.
func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestEndOfAProcess(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script string
		want   launch.Exit
	}{
		{"a process that exits with status 0", "exit 0", launch.Exit{ID: 7}},
		{"a process that exits with status 3", "exit 3", launch.Exit{ID: 7, Status: 3}},
		{"a process that is ended by a signal", "kill -KILL $$", launch.Exit{ID: 7, Status: -1, Signal: "killed"}},
		{"a process that terminates itself", "kill -TERM $$", launch.Exit{ID: 7, Status: -1, Signal: "terminated"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			la := newLauncher(t)
			before := time.Now()
			start(t, la, 7, "sh", "-c", tt.script)
			got := nextExit(t, la)
			if got.Time.Before(before) || got.Time.Location() != time.UTC {
				t.Errorf("got time %v, want a UTC time after %v", got.Time, before)
			}
			if got.Usage == nil || got.Usage.MaxRSS < 100_000 || got.Usage.MaxRSS > 10e6 {
				t.Errorf("got usage %+v, want what a small shell uses", got.Usage)
			}
			got.Time, got.Usage = time.Time{}, nil
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestOutputOfALaunchIsInAFileOfItsOwn(t *testing.T) {
	la := newLauncher(t)
	one := start(t, la, 1, "sh", "-c", "echo to stdout; echo to stderr >&2; cat; echo end of stdin")
	two := start(t, la, 2, "echo", "second")
	nextExit(t, la)
	nextExit(t, la)
	if got, want := output(t, one), "to stdout\nto stderr\nend of stdin\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := output(t, two), "second\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := filepath.Base(one.Output), "1.log"; got != want {
		t.Errorf("got file %q, want %q", got, want)
	}
}

func TestEnvironmentOfALaunch(t *testing.T) {
	la := newLauncher(t)
	l := &launch.Launch{ID: 41, NextWorker: launch.NextWorker{Module: "w"}, Argv: []string{"env"}}
	la.options.Env = []string{"PATH=" + os.Getenv("PATH"), "NOWCAST_LAUNCH=3", "COLOUR=blue"}
	s, err := la.Start(l)
	if err != nil {
		t.Fatal(err)
	}
	nextExit(t, la)
	l.Output = s.Output
	got := output(t, l)
	for _, want := range []string{"COLOUR=blue\n", "NOWCAST_LAUNCH=41\n", "NOWCAST_CONFIG=/etc/nowcast.yaml\n", "NOWCAST_OUTPUT=" + s.Output + "\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got environment\n%s\nwant it to contain %q", got, want)
		}
	}
	if strings.Contains(got, "NOWCAST_LAUNCH=3\n") {
		t.Errorf("got environment\n%s\nwant our own NOWCAST_LAUNCH to be replaced", got)
	}
}

func TestProcessLeadsASessionOfItsOwn(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sh", "-c", "exec cat /proc/$$/stat")
	nextExit(t, la)
	text := output(t, l)
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	for what, got := range map[string]string{"process group": fields[2], "session": fields[3]} {
		if want := strconv.Itoa(l.PID); got != want {
			t.Errorf("got %s %s, want %s", what, got, want)
		}
	}
}

func TestWhatCannotBeStartedSaysWhy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	plain := write("plain", "text", 0o644)
	for _, tt := range []struct {
		name string
		argv []string
		want string
	}{
		{"a program that is not in PATH", []string{"no-such-program"}, "there is no program no-such-program in PATH=/nowhere:" + dir},
		{"a path that does not exist", []string{"/nowhere/python"}, "there is no program /nowhere/python"},
		{"a file that is not executable", []string{plain}, plain + " is not executable: chmod +x"},
		{"one that is not executable in PATH", []string{"plain"}, plain + " is not executable: chmod +x"},
		{"a directory", []string{dir}, dir + " is a directory"},
		{"a script without its interpreter", []string{write("script", "#!/nowhere/interpreter\n", 0o755)}, "the interpreter named in its first line"},
		{"neither binary nor script", []string{write("rubbish", "rubbish\n", 0o755)}, "neither a binary of this machine nor a script"},
		{"an argument that is too long", []string{"/bin/echo", strings.Repeat("x", 200<<10)}, "too long"},
		{"nothing", nil, "the command line is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			la := newLauncher(t)
			l := &launch.Launch{ID: 5, NextWorker: launch.NextWorker{Module: "a.make_plots"}, Argv: tt.argv}
			la.options.Env = []string{"PATH=/nowhere:" + dir}
			s, err := la.Start(l)
			if err == nil {
				t.Fatal("got no error")
			}
			if got := err.Error(); !strings.Contains(got, tt.want) || !strings.HasPrefix(got, "make_plots could not be started: ") {
				t.Errorf("got error %q, want the worker and %q", got, tt.want)
			}
			l.Output = s.Output
			if got := output(t, l); !strings.Contains(got, tt.want) {
				t.Errorf("got output file %q, want it to contain %q", got, tt.want)
			}
		})
	}
}

func TestExitComesAlthoughAGrandchildKeepsTheOutputOpen(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sh", "-c", "sleep 600 & echo $!")
	nextExit(t, la)
	grandchild, err := strconv.Atoi(strings.TrimSpace(output(t, l)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(grandchild, syscall.SIGKILL); err != nil {
		t.Errorf("the grandchild should still have been there: %v", err)
	}
}

func TestTwoHundredShortProcessesLeaveNoZombie(t *testing.T) {
	la := newLauncher(t)
	const n = 200
	pids := map[int]bool{}
	for id := range int64(n) {
		pids[start(t, la, id+1, "true").PID] = true
	}
	seen := map[int64]bool{}
	for range n {
		e := nextExit(t, la)
		if e.Status != 0 || e.Err != nil || seen[e.ID] {
			t.Errorf("got %+v (seen before: %v), want one clean exit each", e, seen[e.ID])
		}
		seen[e.ID] = true
	}
	for pid := range pids {
		if s, err := process.Read(pid); err == nil && s.State == 'Z' {
			t.Errorf("process %d is a zombie", pid)
		}
	}
}

func TestClose(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sleep", "60")
	la.Close()
	la.Close()
	if !la.alive(l) {
		t.Error("Close ended the process")
	}
	if _, err := la.Start(l); err == nil {
		t.Error("Start after Close: got no error")
	}
	la.Adopt(l)
	if err := syscall.Kill(l.PID, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	waitFor(t, "its end", func() bool { return !la.alive(l) })
	select {
	case e := <-la.Exits():
		t.Errorf("got %+v after Close", e)
	default:
	}
}

func TestPrune(t *testing.T) {
	la := newLauncher(t)
	old := time.Now().Add(-30 * 24 * time.Hour)
	file := func(name string, at time.Time) {
		path := filepath.Join(la.options.OutputDir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	file("1.log", old)
	file("2.log", time.Now())
	file("notes.log", old)
	file("3.txt", old)
	file("5-1f.run", old)
	file("5.log", old)
	file("6-1f.run", time.Now())
	file("6.log", old)
	running := start(t, la, 4, "sleep", "60")
	for _, file := range []string{running.Output, la.recordFile(running)} {
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	n, err := la.Prune(KeepOutput)
	if n != 2 || err != nil {
		t.Errorf("got %d, %v, want the files of 2 launches removed", n, err)
	}
	entries, err := os.ReadDir(la.options.OutputDir)
	if err != nil {
		t.Fatal(err)
	}
	record := filepath.Base(la.recordFile(running))
	if got, want := fmt.Sprint(entries), "[- 2.log - 3.txt - "+record+" - 4.log - 6-1f.run - 6.log - notes.log]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := la.Kill(running, "KILL"); err != nil {
		t.Error(err)
	}
	nextExit(t, la)
}

func TestPruneKeepsTheOutputOfASilentProcessThatIsNotAdoptedYet(t *testing.T) {
	l := startedEarlier(t, "exec sleep 60")
	old := time.Now().Add(-30 * 24 * time.Hour)
	la, err := New(Options{OutputDir: filepath.Dir(l.Output), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(la.Close)
	age := func() {
		for _, file := range []string{l.Output, la.recordFile(l)} {
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	age()
	if n, err := la.Prune(KeepOutput); n != 0 || err != nil {
		t.Errorf("while it runs: got %d, %v, want 0 files removed", n, err)
	}
	la.Adopt(l)
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Fatal(err)
	}
	nextExit(t, la)
	age()
	if n, err := la.Prune(KeepOutput); n != 1 || err != nil {
		t.Errorf("after its end: got %d, %v, want its files removed", n, err)
	}
}
