package python

import (
	"strings"
	"testing"
	"time"
)

func TestAVersionWhoseImportHangsCostsTheLimitOfOneCall(t *testing.T) {
	const hangs = "import time\nwhile True:\n    time.sleep(0.01)\n"
	for _, c := range []struct{ name, rules, file, place string }{
		{"in the rules", hangs, "next_workers.py", "next_workers.py:3: importing it took longer than the limit of 500ms"},
		{"in a module that only it imports", "import lib\n" + launching("two"), "lib.py", "lib.py:3: importing it took longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "next_workers", "next_workers.py", launching("one"))
			b.cfg.RuleTimeLimit = 500 * time.Millisecond
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			first := b.live.cmd.Process.Pid
			b.write("lib.py", hangs, "next_workers.py", c.rules)
			began := time.Now()
			if _, err := b.Refresh(); err == nil || !strings.Contains(err.Error(), c.place) {
				t.Errorf("got %v, want %q", err, c.place)
			}
			if d := time.Since(began); d > startLimit/4 {
				t.Errorf("it took %v", d)
			}
			if alive(first) {
				t.Error("the helper that hung is still there")
			}
			for range 2 {
				if got := b.launches("w", nil); got != "one" {
					t.Errorf("got %q, want one", got)
				}
				b.refreshes(false)
				b.endHelper()
			}
			b.launches("w", nil)
			if n := strings.Count(b.said.String(), "the rules loaded before stay in use"); n != 1 {
				t.Errorf("the bad version was told %d times, want once", n)
			}
			b.write(c.file, launching("two"))
			b.refreshes(true)
			if got := b.launches("w", nil); got != "two" {
				t.Errorf("got %q, want two", got)
			}
		})
	}
}

func TestABadVersionIsToldOnceThoughACallImportsMore(t *testing.T) {
	b := newBench(t, "next_workers", "lib.py", "arg = 'late'\n", "next_workers.py",
		launching("one")+"def after_a(msg, config, checklist):\n    import lib\n    return NextWorker('m', [lib.arg])\n")
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	b.write("next_workers.py", "def after_w(msg config):\n")
	if _, err := b.Refresh(); err == nil {
		t.Error("got no error for a bad version")
	}
	if got := b.launches("a", nil); got != "late" {
		t.Errorf("got %q, want late", got)
	}
	b.refreshes(false)
	b.write("lib.py", "arg = 'later'\n")
	if _, err := b.Refresh(); err == nil {
		t.Error("a change of what the call imported is not noticed")
	}
}
