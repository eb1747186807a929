package python

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
)

func TestWhatRulesMayReturn(t *testing.T) {
	a := launch.NextWorker{Module: "m.a", Args: []string{}, Host: "localhost"}
	z := launch.NextWorker{Module: "m.z", Args: []string{"x", "7", "2031-05-17"}, Host: "salish"}
	b := opened(t, `
import datetime
from nemo_nowcast import NextWorker
import nemo_nowcast.next_worker

A = NextWorker("m.a")
Z = nemo_nowcast.next_worker.NextWorker("m.z", ["x", 7, datetime.date(2031, 5, 17)], host="salish")
assert A == NextWorker("m.a", args=[], host="localhost") and A != Z

class Duck:
    module, args, host = "m.a", (), "localhost"

def after_w(msg, config, checklist):
    return eval(msg.payload)

def lazily(*workers):
    yield from workers

def broken():
    yield 1 // 0

def endless():
    while True:
        yield A
`)
	for _, c := range []struct {
		name, expr string
		want       launch.Next
		mistake    string
	}{
		{name: "None is nothing", expr: "None"},
		{name: "an empty list is nothing", expr: "[]"},
		{name: "a list keeps its order", expr: "[Z, A]", want: launch.Next{Workers: []launch.NextWorker{z, a}}},
		{name: "a tuple of workers is a list", expr: "(A, Z)", want: launch.Next{Workers: []launch.NextWorker{a, z}}},
		{name: "one worker alone", expr: "Z", want: launch.Next{Workers: []launch.NextWorker{z}}},
		{name: "a generator", expr: "lazily(A, A, Z)", want: launch.Next{Workers: []launch.NextWorker{a, a, z}}},
		{name: "whatever has module, args and host", expr: "[Duck()]", want: launch.Next{Workers: []launch.NextWorker{a}}},
		{name: "a list and a set open a barrier", expr: "([A], {'c', 'b'})", want: launch.Next{Workers: []launch.NextWorker{a}, Await: []string{"b", "c"}}},
		{name: "a list and a list open a barrier", expr: "([], ['c', 'b', 'c'])", want: launch.Next{Await: []string{"b", "c", "c"}}},
		{name: "a barrier may name arguments", expr: "([], ['c x', 'm.c  y z'])", want: launch.Next{Await: []string{"c x", "c y z"}}},
		{name: "a barrier may count", expr: "([], {('c', 2), 'b'})", want: launch.Next{Await: []string{"b", "c", "c"}}},
		{name: "a barrier may name what is launched", expr: "([Z], [Z, (A, 2)])", want: launch.Next{Workers: []launch.NextWorker{z}, Await: []string{"a", "a", "z x 7 2031-05-17"}}},
		{name: "a frozenset", expr: "([], frozenset(['c']))", want: launch.Next{Await: []string{"c"}}},
		{name: "one worker and a set", expr: "(A, {'b'})", want: launch.Next{Workers: []launch.NextWorker{a}, Await: []string{"b"}}},
		{name: "a barrier may be given by modules", expr: "(None, {'nowcast.workers.c'})", want: launch.Next{Await: []string{"c"}}},
		{name: "an empty set is no barrier", expr: "([A], set())", want: launch.Next{Workers: []launch.NextWorker{a}}},
		{name: "a number", expr: "42", mistake: "returned int 42: expected a list of NextWorker"},
		{name: "text", expr: "'sleep'", mistake: "returned str 'sleep': expected"},
		{name: "a list of texts", expr: "[A, 'sleep']", mistake: "returned a list whose item 1 is str 'sleep': expected"},
		{name: "a pair with text", expr: "([], 'b')", mistake: "second part is str 'b'"},
		{name: "a pair with a number", expr: "([], [7])", mistake: "second part has int 7, not the name of a worker"},
		{name: "a pair with a count of nothing", expr: "([], [('b', 0)])", mistake: "second part has tuple ('b', 0): how many launches of it are waited for is a number from 1 up"},
		{name: "a pair with too many", expr: "([], [('b', 10**9)])", mistake: "waits for more than 1000 reports"},
		{name: "the class itself", expr: "[NextWorker]", mistake: "item 0 is type"},
		{name: "args that are text", expr: "NextWorker('m.a', '--yesterday')", mistake: "NextWorker m.a: args is str '--yesterday', not a list"},
		{name: "no module", expr: "NextWorker('')", mistake: "module is str ''"},
		{name: "no host", expr: "NextWorker('m.a', host=None)", mistake: "NextWorker m.a: host is NoneType None"},
		{name: "no text", expr: `NextWorker('m.a', ['\udcff'])`, mistake: `args[0] is '\udcff', which is no text`},
		{name: "too many", expr: "endless()", mistake: "returned more than 1000 workers"},
		{name: "an iterator that raises", expr: "broken()", mistake: "ZeroDivisionError"},
		{name: "the end of everything", expr: "exit(3)", mistake: "SystemExit: 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := b.report("w", c.expr)
			if c.mistake != "" {
				var e *rules.Error
				if !errors.As(err, &e) || e.Func != "after_w" || !strings.HasSuffix(e.File, "next_workers.py") || !strings.Contains(e.Message, c.mistake) {
					t.Errorf("got %+v and %#v, want an error with %q", got, err, c.mistake)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := b.report("v", nil); !errors.Is(err, rules.ErrNoFunction) {
		t.Errorf("a worker without a function: got %v, want ErrNoFunction", err)
	}
}

func TestARuleSeesMessageConfigurationAndChecklist(t *testing.T) {
	b := opened(t, `
from nemo_nowcast import NextWorker
def after_w(msg, config, checklist):
    assert isinstance(config, dict) and "nothing" not in config and config.get("nothing") is None
    args = [msg.source, msg.type, msg.payload, config["results"], config.file.rpartition("/")[2], sorted(checklist.items())]
    return [NextWorker("m", args)]
after_a = after_w
`)
	want := "w success {'run': 1} /results nowcast.yaml [('w', {'run': 1})]"
	if got := b.launches("w", pyyaml.MapOf("run", int64(1))); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	want = "w success {'date': None} /results nowcast.yaml [('w', {'run': 1, 'date': None})]" // updated
	if got := b.launches("w", pyyaml.MapOf("date", nil)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if _, err := b.report("b", "no function: but the next one sees it"); !errors.Is(err, rules.ErrNoFunction) {
		t.Errorf("got %v, want ErrNoFunction", err)
	}
	other := *b.cfg
	other.Values = pyyaml.MapOf("results", "/elsewhere")
	b.Configure(&other)
	want = "a success text /elsewhere nowcast.yaml [('a', 'text'), ('b', 'no function: but the next one sees it'), ('w', {'run': 1, 'date': None})]"
	if got := b.launches("a", "text"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestAModuleThatIsNotThere(t *testing.T) {
	for _, module := range []string{"nowhere", "nowhere.next_workers", "here.next_workers"} {
		b := newBench(t, module, "here/__init__.py", "")
		err := b.open()
		var e *rules.Error
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) || !strings.HasPrefix(e.Error(), module+": ModuleNotFoundError: No module named ") {
			t.Errorf("%s: got %v, want an error that is fs.ErrNotExist", module, err)
		}
	}
}

func TestAnInterpreterThatIsNotThere(t *testing.T) {
	b := newBench(t, "next_workers")
	b.cfg.Python = "/no/such/python"
	if err := b.open(); err == nil || !strings.Contains(err.Error(), "/no/such/python cannot be started") || !strings.Contains(err.Error(), "under python: in ") {
		t.Errorf("got %v, want an error that names it and what to do", err)
	}
	b.cfg.Python = "/bin/echo"
	if err := b.open(); err == nil || !strings.Contains(err.Error(), "exit status 0") {
		t.Errorf("got %v, want an error that says that it ended", err)
	}
}

func TestModulesThatCannotBeLoaded(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"syntax", "\n\ndef after_w(msg config):\n", "next_workers.py:3: SyntaxError"},
		{"an exception", "\nimport os\nos.environ['no such variable']\n", "next_workers.py:3: KeyError: 'no such variable'"},
		{"another module missing", "import json\nimport nowhere\n", "next_workers.py:2: ModuleNotFoundError: No module named 'nowhere'"},
		{"no rule", "x = 1\n", "next_workers.py: ImportError: there is no after_ function in it"},
		{"a zero byte", "x = 1\n\x00\n", "null bytes"},
		{"not UTF-8", "x = '\xff'\n", "utf-8"},
		{"the end", "import os\nos._exit(7)\n", "ended (exit status 7) while " + interpreter + " imported it"},
		{"something the stand-in lacks", "from nemo_nowcast import NowcastWorker\n", "install it there to import NowcastWorker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "next_workers", "next_workers.py", c.text)
			err := b.open()
			var e *rules.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
