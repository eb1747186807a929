package launcher

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/process"
)

func TestTenThousandArgumentsAndAHugeEnvironmentArriveByteForByte(t *testing.T) {
	la := newLauncher(t)
	argv := []string{"sh", "-c", `printf '%s\n' "$@"; env | grep ^BIG_ | sort`, "sh"}
	want := ""
	for i := range 10_000 {
		argv = append(argv, fmt.Sprintf("argument %d: \"\t'ü", i))
		want += argv[len(argv)-1] + "\n"
	}
	la.options.Env = []string{"PATH=" + os.Getenv("PATH")}
	for i := range 100 {
		entry := fmt.Sprintf("BIG_%03d=%s", i, strings.Repeat("x", 5000))
		la.options.Env = append(la.options.Env, entry)
		want += entry + "\n"
	}
	l := start(t, la, 1, argv...)
	if e := nextExit(t, la); e.Status != 0 || output(t, l) != want {
		t.Errorf("got %+v and %d bytes, want %d bytes of arguments and environment", e, len(output(t, l)), len(want))
	}
}

func TestArgumentWithANULIsRefused(t *testing.T) {
	la := newLauncher(t)
	if _, err := la.Start(newLaunch(la, 1, "echo", "a\x00b")); err == nil || !strings.Contains(err.Error(), "NUL") {
		t.Errorf("got %v, want an error that names the NUL", err)
	}
}

func TestWorkerStartsWithNothingOfOurs(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	la := newLauncher(t)
	for i, tt := range []struct {
		what, want string
		argv       []string
	}{
		{"descriptors", "0, 1, 2, 3\n", []string{"ls", "-m", "/proc/self/fd"}}, // 3 is that of ls
		{"standard input", "/dev/null\n", []string{"readlink", "/proc/self/fd/0"}},
		{"directory", dir + "\n", []string{"pwd", "-P"}},
		{"signals", "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", []string{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}},
	} {
		l := start(t, la, int64(i+1), tt.argv...)
		nextExit(t, la)
		if got := output(t, l); got != tt.want {
			t.Errorf("got %s %q, want %q", tt.what, got, tt.want)
		}
	}
}

func TestEndIsNotLostWhileThereAreNoDescriptors(t *testing.T) {
	la := newLauncher(t)
	said := make(chan string, 10)
	la.options.Logger = slog.New(slog.NewTextHandler(lines(said), nil))
	l := start(t, la, 1, "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
	waitFor(t, "the worker", func() bool { return output(t, l) != "" })
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(restore)
	if err := syscall.Kill(l.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-said:
		if !strings.Contains(line, "no descriptors left") {
			t.Errorf("got %q in the log, want that there are no descriptors", line)
		}
	case <-time.After(patience):
		t.Error("nothing was said in the log")
	}
	restore()
	if e := nextExit(t, la); e.Status != 7 || e.Unseen {
		t.Errorf("got %+v, want status 7", e)
	}
}

// lines sends what is written to it.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}

func TestWorkerThatRunsOutOfMemorySaysHowMuchItUsed(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sh", "-c", "ulimit -v 200000; exec /usr/bin/python3 -c 'x = [bytearray(1 << 20) for _ in range(1000)]'")
	e := nextExit(t, la)
	if e.Status != 1 || !strings.Contains(output(t, l), "MemoryError") || e.Usage.MaxRSS < 50e6 {
		t.Errorf("got %+v, usage %+v and output %q, want a MemoryError and more than 50 MB used", e, e.Usage, output(t, l))
	}
}

func TestTimeLimitOfAWorkerIsNamed(t *testing.T) {
	la := newLauncher(t)
	start(t, la, 1, "sh", "-c", "ulimit -S -t 1; while :; do :; done")
	if e := nextExit(t, la); e.Signal != "CPU time limit exceeded" || e.Usage.User+e.Usage.System < 500*time.Millisecond {
		t.Errorf("got %+v, usage %+v, want the limit and about a second used", e, e.Usage)
	}
}

func TestWhyTheKeeperStartedNothing(t *testing.T) {
	for text, want := range map[string]string{
		"fork 11\n": "ulimit -u", "write 28\n": "no space left", "open 13\n": "permission denied", "dup 24\n": "too many open files", "??": "not understood",
	} {
		if got := refusal([]byte(text)).Error(); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestRecordThatCannotBeWrittenMeansNotStarted(t *testing.T) {
	la := newLauncher(t)
	ran := t.TempDir() + "/ran"
	l := newLaunch(la, 1, "touch", ran)
	// A link to where no file can be made.
	if err := os.Symlink("/proc/none", la.recordFile(l)); err != nil {
		t.Fatal(err)
	}
	if _, err := la.Start(l); err == nil || !strings.Contains(err.Error(), "it was not started") {
		t.Errorf("got error %v, want that it was not started", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was started")
	}
}

func TestTwoHundredLaunchesLeaveNoDescriptorAndNoProcess(t *testing.T) {
	la := newLauncher(t)
	run := func(from, n int64) {
		for id := from; id < from+n; id++ {
			start(t, la, id, "true")
		}
		for range n {
			nextExit(t, la)
		}
	}
	run(1, 5)
	before := [2]int{descriptors(t, os.Getpid()), descriptors(t, la.keeper.pid())}
	run(100, 200)
	waitFor(t, "the shims to be gone, as zombies, too", func() bool {
		children := 0
		process.All(func(_ int, s process.Stat) bool {
			if s.Parent == la.keeper.pid() {
				children++
			}
			return true
		})
		return children == 0
	})
	waitFor(t, "the descriptors to be closed", func() bool {
		return [2]int{descriptors(t, os.Getpid()), descriptors(t, la.keeper.pid())} == before
	})
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestWhatAWorkerLeavesBehindIsNamed(t *testing.T) {
	la := newLauncher(t)
	start(t, la, 1, "sh", "-c", "sleep 60 & setsid sleep 5 & bash -mc 'sleep 62 & exit 0'")
	e := nextExit(t, la)
	t.Cleanup(func() { // the third ends by itself
		for _, left := range e.Left {
			var pid int
			fmt.Sscan(left, &pid)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	if got := strings.Join(e.Left, ","); len(e.Left) != 2 || strings.Count(got, " sleep") != 2 {
		t.Errorf("got %q, want the two sleeps of its session", got)
	}
}
