package python

import (
	"strings"
	"testing"

	"nowcast/internal/core/pyyaml"
)

func TestWhatRulesSayIsLogged(t *testing.T) {
	b := opened(t, `
import logging, os, subprocess, sys, threading
log = logging.getLogger("own.name")
def after_w(msg, config, checklist):
    exec(msg.payload)
    print("the end")
`)
	for _, c := range []struct{ name, code, want string }{
		{"print", "print('one', 2)", `level=INFO msg="one 2"`},
		{"a line that is not ended", "print('begun', end='')", `level=INFO msg="begunthe end"`},
		{"print to stderr", "print('trouble', file=sys.stderr)", `level=WARN msg=trouble`},
		{"not ASCII", `print('é\udcff')`, `level=INFO msg=é\udcff`},
		{"a descriptor", "os.write(1, b'raw\\n')", `level=INFO msg=raw`},
		{"bytes", "sys.stdout.buffer.write(b'bytes\\n')", `level=INFO msg=bytes`},
		{"a program", "subprocess.run('echo from below >&2', shell=True)", `level=WARN msg="from below"`},
		{"a long line", "print('y' * 100000)", strings.Repeat("y", 60000)},
		{"log", "log.info('run %s', 7)", "own.name INFO run 7"},
		{"log of an error", "log.error('it is bad')", "own.name ERROR it is bad"},
		{"a traceback", "try:\n    1 // 0\nexcept Exception:\n    log.exception('caught')", "own.name ERROR caught Traceback (most recent call last):\n"},
		{"critical", "logging.getLogger('manager').critical('act')", "manager ERROR+4 act"},
		{"basicConfig changes nothing", "logging.basicConfig(level=0); log.warning('once')", "own.name WARN once"},
		{"a mistake in logging", "log.info('%d', 'x')", "TypeError: %d format"},
		{"a thread", "t = threading.Thread(target=lambda: print('elsewhere')); t.start(); t.join()", `msg=elsewhere`},
		{"a warning", "import warnings; warnings.warn('old')", "UserWarning: old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := b.report("w", "log.setLevel(10)\n"+c.code); err != nil {
				t.Fatal(err)
			}
			b.logged(c.want)
		})
	}
	if said := b.said.String(); strings.Count(said, "once") != 1 {
		t.Errorf("a record was logged twice")
	}
}

func TestARuleThatSaysTooMuchIsCutShort(t *testing.T) {
	b := opened(t, "import os\ndef after_w(msg, config, checklist):\n    for i in range(100000): exec(msg.payload)\n")
	for _, code := range []string{"print('x')", "__import__('logging').warning('x')"} {
		before := b.said.String()
		if _, err := b.report("w", code); err != nil {
			t.Fatal(err)
		}
		said := strings.TrimPrefix(b.said.String(), before)
		if n := strings.Count(said, "\n"); n != mostLines || !strings.Contains(said, "these rules say too much") {
			t.Errorf("%s: got %d lines, want %d with the last to say so", code, n, mostLines)
		}
	}
	before := len(b.said.String())
	if _, err := b.report("w", `os.write(2, b"x\n")`); err != nil {
		t.Fatal(err)
	}
	b.logged("writes too much")
	if n := strings.Count(b.said.String()[before:], "\n"); n > mostLines {
		t.Errorf("got %d lines, want no more than %d", n, mostLines)
	}
	if _, err := b.report("w", "i == 0 and print('again')"); err != nil {
		t.Fatal(err)
	}
	b.logged("msg=again")
}

func TestTheHelperHasTheConfiguredLevels(t *testing.T) {
	b := newBench(t, "next_workers", "next_workers.py", `
import logging
def after_w(msg, config, checklist):
    return __import__("nemo_nowcast").NextWorker("m", [logging.getLogger(n).getEffectiveLevel() for n in ("other", "quiet.one", "odd")])
`)
	b.cfg.Values = pyyaml.MapOf("logging", pyyaml.MapOf("publisher", pyyaml.MapOf("root", pyyaml.MapOf("level", "INFO"),
		"loggers", pyyaml.MapOf("quiet", pyyaml.MapOf("level", int64(40)), "odd", pyyaml.MapOf("level", nil)))))
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	if got := b.launches("w", nil); got != "20 40 20" {
		t.Errorf("got the levels %s, want 20 40 20", got)
	}
}
