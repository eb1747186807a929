package python

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// forking has a rule that leaves a second process behind, which goes on as the payload says when there is the file go.
const forking = `
import ctypes, multiprocessing, os, subprocess, sys, time
from nemo_nowcast import NextWorker

def after_w(msg, config, checklist):
    fork = ctypes.PyDLL(None).fork if "unnoticed" in msg.payload else os.fork
    child = fork()
    if child == 0:
        while not os.path.exists(config["results"] + "/go"):
            time.sleep(0.005)
        exec(msg.payload)
        return [NextWorker("m", ["wrong"])]
    return [NextWorker("m", [str(child)])]

def after_a(msg, config, checklist):
    return [NextWorker("m", ["a", str(msg.payload)])]

def after_b(msg, config, checklist):
    return [NextWorker("m", [eval(msg.payload)])]

def double(x):
    return 2 * x

def shout(text):
    print(text)
`

func openedToFork(t *testing.T) *bench {
	b := newBench(t, "next_workers", "next_workers.py", forking)
	b.cfg.Values.Set("results", b.dir)
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOnlyTheHelperAnswersWhateverItsRulesFork(t *testing.T) {
	for _, c := range []struct{ name, code, said string }{
		{"and that returns", "pass", ""},
		{"and that exits", "sys.exit(0)", ""},
		{"and that raises", "1 // 0", "ZeroDivisionError"},
		{"and that ends at once", "os._exit(0)", ""},
		{"and that prints", "print('from the fork')", `msg="from the fork"`},
		{"and that reads and writes where we do", "os.write(4, bytes(4096)); os.read(3, 1 << 20)", ""},
		{"and that Python has not noticed", "'unnoticed'; print('from below')", `msg="from below"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openedToFork(t)
			helper := b.live.cmd.Process.Pid
			child, err := strconv.Atoi(b.launches("w", c.code))
			if err != nil {
				t.Fatal(err)
			}
			answers := func(when string) {
				t.Helper()
				for i := range 10 {
					if got, want := b.launches("a", int64(i)), fmt.Sprint("a ", i); got != want {
						t.Errorf("%s: got the answer %q, want %q", when, got, want)
					}
				}
			}
			answers("while it lives")
			if !alive(child) {
				t.Error("it has ended too early for this test")
			}
			b.write("go", "")
			if !within(10*time.Second, func() bool { return !alive(child) }) {
				t.Error("it goes on after its rule")
			}
			answers("after it ended")
			if b.live.cmd.Process.Pid != helper {
				t.Errorf("another helper has taken over:\n%s", b.said)
			}
			b.logged(c.said)
		})
	}
}

func TestRulesMayUseProcesses(t *testing.T) {
	b := openedToFork(t)
	helper := b.live.cmd.Process.Pid
	for code, want := range map[string]string{
		"subprocess.run(['echo', 'x'], capture_output=True, text=True).stdout":  "x\n",
		"subprocess.run(['echo', 'x'], stdout=-1, preexec_fn=os.setsid).stdout": "b'x\\n'",
		"os.popen('echo y').read()":                                                                                      "y\n",
		"multiprocessing.Pool(2).map(double, [1, 2, 3])":                                                                 "[2, 4, 6]",
		"multiprocessing.get_context('spawn').Pool(1).map(abs, [1, -2])":                                                 "[1, 2]",
		"[p := multiprocessing.Process(target=shout, args=['aloud']), p.start(), p.join()][0].exitcode":                  "0",
		"[p := multiprocessing.Process(target=time.sleep, args=[1000]), p.start(), p.terminate(), p.join()][0].exitcode": "-15",
	} {
		if got := b.launches("b", code); got != want {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
	b.logged("msg=aloud")
	if b.live.cmd.Process.Pid != helper {
		t.Errorf("another helper has taken over:\n%s", b.said)
	}
}

func TestAnAnswerToAnotherRequestLosesTheHelper(t *testing.T) {
	b := openedToFork(t)
	answer := func(number int64) string {
		return fmt.Sprintf(`__import__("struct").pack("<I", len(a := b'{"number": %d, "next": {"workers": [["m", ["wrong"], "localhost"]]}}')) + a`, number)
	}
	for name, code := range map[string]string{
		"of the request before": "os.write(4, " + answer(1) + ")",
		"of a later one":        "os.write(4, " + answer(1000) + ")",
		"without a number":      "os.write(4, " + answer(0) + ")",
	} {
		_, err := b.report("b", code)
		if e := failed(t, err); !strings.Contains(e.Message, "answer to another request") {
			t.Errorf("%s: got %v", name, err)
		}
		if got := b.launches("a", int64(7)); got != "a 7" {
			t.Errorf("%s: then got the answer %q, want a 7", name, got)
		}
	}
	// A second one to the last request, when nobody waits for an answer.
	helper := b.live.cmd.Process.Pid
	later := filepath.Join(b.dir, "later")
	b.launches("b", `__import__("threading").Thread(target=lambda: [time.sleep(0.005) for _ in iter(lambda: os.path.exists("`+later+`"), True)] is not None and os.write(4, `+answer(b.live.number+1)+`)).start()`)
	if err := os.WriteFile(later, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if !within(10*time.Second, func() bool { return !alive(helper) }) {
		t.Error("the helper goes on")
	}
	if got := b.launches("a", int64(8)); got != "a 8" {
		t.Errorf("got the answer %q, want a 8", got)
	}
}
