package python

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// launching is a module whose rule launches a worker with an argument.
func launching(arg string) string {
	return "from nemo_nowcast import NextWorker\ndef after_w(msg, config, checklist):\n    return NextWorker('m', ['" + arg + "'])\n"
}

func (b *bench) refreshes(want bool) {
	b.t.Helper()
	if got, err := b.Refresh(); got != want || want && err != nil {
		b.t.Errorf("Refresh: got %v, %v, want %v", got, err, want)
	}
}

func TestAChangedModuleIsLoadedAgain(t *testing.T) {
	b := opened(t, launching("one"))
	b.refreshes(false)
	for _, arg := range []string{"two", "six", "ten", "one"} { // of the same size, within one second
		b.write("next_workers.py", launching(arg))
		b.refreshes(true)
		if got := b.launches("w", nil); got != arg {
			t.Errorf("got %q, want %q", got, arg)
		}
		b.refreshes(false)
	}
	b.write("next_workers.py", launching("more")+"def after_a(msg, config, checklist): pass\n")
	b.refreshes(true)
	if _, err := b.report("a", nil); err != nil {
		t.Errorf("a new rule: %v", err)
	}
}

func TestABadVersionNeverReplacesAGoodOne(t *testing.T) {
	b := opened(t, launching("one"))
	bad := func(text, want string) {
		t.Helper()
		b.write("next_workers.py", text)
		if _, err := b.Refresh(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		b.refreshes(false) // the same mistake is told once
		if got := b.launches("w", nil); got != "one" {
			t.Errorf("got %q, want one", got)
		}
	}
	bad("def after_w(msg config, checklist):\n", "next_workers.py:1: SyntaxError")
	bad("\ndef after_w(msg, config, checklist):\n    pass\nraise RuntimeError('as it is loaded')\n", "next_workers.py:4: RuntimeError: as it is loaded")
	bad("", "there is no after_ function in it")
	bad("import os\nos._exit(3)\n", "exit status 3") // the next helper loads the good one, which is in no file any more
	if err := os.Remove(filepath.Join(b.dir, "next_workers.py")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Refresh(); err == nil || !strings.Contains(err.Error(), "No module named 'next_workers'") {
		t.Errorf("got %v, want that there is no module", err)
	}
	b.logged("the rules loaded before stay in use")
	b.logged("RuntimeError: as it is loaded\\n") // with its traceback
	b.write("next_workers.py", launching("two"))
	b.refreshes(true)
	if got := b.launches("w", nil); got != "two" {
		t.Errorf("got %q, want two", got)
	}
}

func TestModulesThatTheRulesImportAreTheirs(t *testing.T) {
	const rules = "from nemo_nowcast import NextWorker\nfrom nowcast.lib import days\nimport json\n" +
		"def after_w(msg, config, checklist):\n    if msg.payload:\n        from nowcast import late\n        return NextWorker('m', [late.arg])\n    return NextWorker('m', [days.arg])\n"
	b := newBench(t, "nowcast.next_workers", "nowcast/__init__.py", "", "nowcast/lib/__init__.py", "", "nowcast/lib/days.py", "arg = 'one'\n", "nowcast/next_workers.py", rules,
		"nowcast/late.py", "arg = 'late'\n", "nowcast/never.py", "arg = 'never imported'\n")
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	b.write("nowcast/never.py", "arg = 'whatever'\n")
	b.refreshes(false)
	b.write("nowcast/lib/days.py", "arg = 'two'\n")
	b.refreshes(true)
	if got := b.launches("w", nil); got != "two" {
		t.Errorf("got %q, want two", got)
	}
	b.write("nowcast/lib/days.py", "arg = 1 // 0\n")
	if _, err := b.Refresh(); err == nil || !strings.Contains(err.Error(), "days.py:1: ZeroDivisionError") {
		t.Errorf("got %v, want the place in days.py", err)
	}
	if got := b.launches("w", nil); got != "two" {
		t.Errorf("got %q, want two", got)
	}
	b.write("nowcast/lib/days.py", "arg = 'three'\n")
	b.refreshes(true)

	if got := b.launches("w", true); got != "late" { // imported by a call
		t.Errorf("got %q, want late", got)
	}
	b.write("nowcast/late.py", "arg = 'later'\n")
	b.refreshes(true)
	if got := b.launches("w", true); got != "later" {
		t.Errorf("got %q, want later", got)
	}
}

func TestAModuleThatComesAfterTheOneThatImportsItIsNoticed(t *testing.T) {
	for _, c := range []struct{ name, module, file, imports, comes string }{
		{"in a package", "nowcast.next_workers", "nowcast/next_workers.py", "import nowcast.lib as lib", "nowcast/lib.py"},
		{"from a package", "nowcast.next_workers", "nowcast/next_workers.py", "from nowcast import lib", "nowcast/lib.py"},
		{"relative", "nowcast.next_workers", "nowcast/next_workers.py", "from . import lib", "nowcast/lib/__init__.py"},
		{"beside a module", "next_workers", "next_workers.py", "import lib", "lib.py"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.module, "nowcast/__init__.py", "", c.file, launching("one"))
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			b.write(c.file, c.imports+"\n"+strings.Replace(launching("one"), "'one'", "lib.arg", 1))
			if _, err := b.Refresh(); err == nil {
				t.Error("got no error for a module that is not there")
			}
			b.refreshes(false)
			b.write(c.comes, "arg = 'two'\n")
			b.refreshes(true)
			if got := b.launches("w", nil); got != "two" {
				t.Errorf("got %q, want two", got)
			}
		})
	}
}

func TestATracebackShowsTheLinesThatRan(t *testing.T) {
	b := opened(t, "def after_w(msg, config, checklist):\n    return msg.payload['old']\n")
	b.write("next_workers.py", "# a bad version\ndef after_w(msg config):\n    return None\n")
	if _, err := b.Refresh(); err == nil {
		t.Fatal("got no error for a bad version")
	}
	_, err := b.report("w", nil)
	if e := failed(t, err); !strings.Contains(e.Backtrace, "line 2, in after_w\n    return msg.payload['old']\n") {
		t.Errorf("got the traceback\n%s\nwant the line of the good version", e.Backtrace)
	}
}

func TestTheOldRulesServeAfterAnImportThatHangs(t *testing.T) {
	b := opened(t, launching("one"))
	b.write("next_workers.py", "import os\nos.kill(os.getpid(), 9)\n")
	if _, err := b.Refresh(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("got %v, want how it ended", err)
	}
	if got := b.launches("w", nil); got != "one" {
		t.Errorf("got %q, want one", got)
	}
}

func TestADeadHelperIsReplaced(t *testing.T) {
	b := opened(t, launching("one"))
	for range 3 {
		pid := b.live.cmd.Process.Pid
		syscall.Kill(pid, syscall.SIGKILL)
		if !within(5*time.Second, func() bool { return !alive(pid) }) { // whether we have noticed or not
			t.Fatal("it does not end")
		}
		if got := b.launches("w", "x"); got != "one" {
			t.Errorf("got %q, want one", got)
		}
		if b.live.cmd.Process.Pid == pid {
			t.Error("got an answer from a dead helper")
		}
	}
	b.logged("ended between two messages (signal: killed)")
}

func TestAnInterpreterThatCannotBeStartedIsTriedAgain(t *testing.T) {
	b := newBench(t, "next_workers", "next_workers.py", launching("one"))
	b.cfg.Python = filepath.Join(b.dir, "python")
	if err := os.Symlink(interpreter, b.cfg.Python); err != nil {
		t.Fatal(err)
	}
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	os.Remove(b.cfg.Python)
	b.live.kill("")
	<-b.live.gone
	for range 3 {
		if _, err := b.report("w", nil); err == nil || !strings.Contains(err.Error(), "cannot be started") {
			t.Errorf("got %v, want an error that says why", err)
		}
	}
	if n := strings.Count(b.said.String(), "ended between"); n != 1 {
		t.Errorf("the end was told %d times", n)
	}
	if err := os.Symlink(interpreter, b.cfg.Python); err != nil {
		t.Fatal(err)
	}
	b.failedAt = b.failedAt.Add(-retryAfter) // a second has passed
	if got := b.launches("w", nil); got != "one" {
		t.Errorf("got %q, want one", got)
	}
}
