package python

import (
	"errors"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/rules"
)

func failed(t testing.TB, err error) *rules.Error {
	t.Helper()
	var e *rules.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *rules.Error", err)
	}
	return e
}

// evil does what its payload says.
const evil = `
import ctypes, os, signal, subprocess, sys, time, logging
from nemo_nowcast import NextWorker

def after_w(msg, config, checklist):
    if msg.payload is not None:
        exec(msg.payload)
    return [NextWorker("m", [str(os.getpid())])]

def after_a(msg, config, checklist):
    spin()

def spin():
    while True:
        pass

def after_b(msg, config, checklist):
    return deeper(checklist)

def deeper(checklist):
    return [NextWorker("m", [checklist["NEMO run"]["date"]])]
`

func TestAnExceptionIsPlaced(t *testing.T) {
	b := opened(t, evil)
	_, err := b.report("b", nil)
	e := failed(t, err)
	if e.Func != "after_b" || !strings.HasSuffix(e.File, "/next_workers.py") || e.Line != 21 || e.Message != "KeyError: 'NEMO run'" || !e.NoValue {
		t.Errorf("got %+v", e)
	}
	want := `Traceback (most recent call last):
  File "` + e.File + `", line 18, in after_b
    return deeper(checklist)
  File "` + e.File + `", line 21, in deeper
    return [NextWorker("m", [checklist["NEMO run"]["date"]])]
KeyError: 'NEMO run'
`
	if got := regexp.MustCompile(`(?m)^ +[~^]+\n`).ReplaceAllString(e.Backtrace, ""); got != want { // newer interpreters underline
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := b.launches("w", nil); got != strconv.Itoa(b.live.cmd.Process.Pid) {
		t.Errorf("got an answer from %s, want the same helper", got)
	}
}

func TestWhatARuleMayRaise(t *testing.T) {
	b := opened(t, evil)
	for code, want := range map[string]string{
		"None.x":                           "AttributeError: 'NoneType' object has no attribute 'x'",
		"sys.exit('enough')":               "SystemExit: enough",
		"raise KeyboardInterrupt":          "KeyboardInterrupt",
		"(lambda f: f(f))(lambda f: f(f))": "RecursionError: maximum recursion depth exceeded",
		"raise type('Odd', (Exception,), {'__str__': lambda e: 1 // 0})": "Odd: <exception str() failed>",
		"x = [0] * (1 << 48)":             "MemoryError",
		"raise ValueError('two\\nlines')": "lines",
		"raise ValueError('x' * 1000000)": "ValueError: xxx",
	} {
		_, err := b.report("w", code)
		if e := failed(t, err); !strings.Contains(e.Message, want) || e.Line == 0 {
			t.Errorf("%s: got %.500v, want %q with a line", code, e, want)
		}
	}
	b.launches("w", nil)
}

func TestARuleThatHangsIsStopped(t *testing.T) {
	b := newBench(t, "next_workers", "next_workers.py", evil)
	b.cfg.RuleTimeLimit = 200 * time.Millisecond
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	first := b.live.cmd.Process.Pid
	_, err := b.report("a", nil)
	e := failed(t, err)
	if e.Line != 15 && e.Line != 14 || e.Func != "after_a" || !strings.Contains(e.Message, "took longer than the limit of 200ms") {
		t.Errorf("got %v, want the line where it hung", e)
	}
	if want := "line 11, in after_a"; !strings.Contains(e.Backtrace, want) || strings.Contains(e.Backtrace, "nowcast>") {
		t.Errorf("got\n%s\nwant %q and none of our own calls", e.Backtrace, want)
	}
	if alive(first) {
		t.Error("the helper that hung is still there")
	}
	b.launches("w", nil)
	_, err = b.report("w", "ctypes.CDLL(None).sleep(1000)")
	if e := failed(t, err); !strings.Contains(e.Message, "took longer") || !strings.Contains(e.Backtrace, "in after_w") {
		t.Errorf("got %v\n%s\nwant where C code hung", e, e.Backtrace)
	}
	_, err = b.report("w", "os.kill(os.getpid(), signal.SIGSTOP)")
	if e := failed(t, err); !strings.Contains(e.Message, "took longer") {
		t.Errorf("a stopped helper: got %v", e)
	}
	b.launches("w", nil)
}

func TestAHelperThatEndsCostsOneMessage(t *testing.T) {
	b := opened(t, evil)
	for code, want := range map[string]string{
		"os._exit(3)":                              "(exit status 3)",
		"os.kill(os.getpid(), signal.SIGKILL)":     "(signal: killed)",
		"ctypes.string_at(0)":                      "(signal: segmentation fault",
		"os.abort()":                               "(signal: aborted",
		"os.close(3); os.close(4); os._exit(0)":    "(exit status 0)",
		"os.write(4, b'print to the wrong place')": "something else than answers came from it",
		"os.write(4, b'\\2\\0\\0\\0{}')":           "something else than answers",
	} {
		_, err := b.report("w", code)
		if e := failed(t, err); !strings.Contains(e.Message, want) || e.Func != "after_w" {
			t.Errorf("%s: got %v, want %q", code, e, want)
		}
		if n := len(b.launches("w", "pass")); n == 0 {
			t.Errorf("after %s there is no answer", code)
		}
	}
	_, err := b.report("w", "print('about to go', file=sys.stderr); sys.stderr.flush(); os.write(2, b'going\\n'); os._exit(3)")
	if e := failed(t, err); !strings.Contains(e.Backtrace, "  about to go") || !strings.Contains(e.Backtrace, "  going") {
		t.Errorf("got %q, want the last lines of stderr", e.Backtrace)
	}
	_, err = b.report("w", "ctypes.string_at(0)")
	if e := failed(t, err); !strings.Contains(e.Backtrace, "in after_w") {
		t.Errorf("got\n%s\nwant the stack of the crash", e.Backtrace)
	}
}

func TestWhatARuleStartsEndsWithTheHelper(t *testing.T) {
	b := opened(t, evil)
	pid, err := strconv.Atoi(b.launches("w", "os.getpid = subprocess.Popen(['sleep', '1000']).pid.__int__"))
	if err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatalf("there is no process %d", pid)
	}
	b.report("w", "os._exit(0)")
	if !within(5*time.Second, func() bool { return !alive(pid) }) {
		t.Error("what the rule started is still there")
	}
}

func TestSignalsToEverybodyDoNotEndTheHelper(t *testing.T) {
	b := opened(t, evil)
	pid := b.launches("w", nil)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		b.live.signal(s)
	}
	if got := b.launches("w", nil); got != pid {
		t.Errorf("got an answer from %s, want %s", got, pid)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	b := opened(t, evil)
	pid := b.live.cmd.Process.Pid
	b.launches("w", "import threading; threading.Thread(target=lambda: time.sleep(1000)).start()") // Python would wait for it
	b.Close()
	if alive(pid) {
		t.Errorf("process %d is still there", pid)
	}
}

func TestHelpersThatEndLeaveNothing(t *testing.T) {
	b := opened(t, evil)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	b.launches("w", nil)
	files, goroutines := open(), runtime.NumGoroutine()
	for range 10 {
		b.report("w", "os._exit(0)")
		b.launches("w", nil)
	}
	if !within(5*time.Second, func() bool { return open() <= files && runtime.NumGoroutine() <= goroutines }) {
		t.Errorf("got %d open files and %d goroutines, before there were %d and %d", open(), runtime.NumGoroutine(), files, goroutines)
	}
}

// alive tells whether there is a process that has not ended.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}
