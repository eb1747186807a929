package config

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/pyyaml"
)

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// A mistake is written beside the line that it is about: "# error: TEXT", "# warning: TEXT", "# problem: TEXT" (of an entry of
// the schedule, which spoils nothing else). A distance in lines may follow
// the word (error-1: about the line above), or "at top" (about the file as a whole), or "at N".
var expectation = regexp.MustCompile(`# (error|warning|problem)(-\d+)?(?: at (top|\d+))?: (.*)`)

type complaint struct {
	line int
	text string
}

func expected(t *testing.T, file string) map[string][]complaint {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string][]complaint{}
	scanner := bufio.NewScanner(f)
	for number := 1; scanner.Scan(); number++ {
		m := expectation.FindStringSubmatch(scanner.Text())
		if m == nil {
			continue
		}
		line := number
		if m[2] != "" {
			distance, _ := strconv.Atoi(m[2])
			line += distance
		}
		if m[3] == "top" {
			line = 0
		} else if m[3] != "" {
			line, _ = strconv.Atoi(m[3])
		}
		want[m[1]] = append(want[m[1]], complaint{line, m[4]})
	}
	return want
}

func TestMistakesAreReportedAtTheirLines(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("got %d files, %v; want at least 10", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want := expected(t, file)
			c, err := Load(file, env(map[string]string{"LOGS": "/logs", "HOME": "/home/sue"}))
			if err == nil {
				if len(want["error"]) > 0 {
					t.Fatalf("got no errors, want %v", want["error"])
				}
				compare(t, file, c.Warnings, want["warning"])
				var problems Errors
				for _, s := range c.Schedule {
					problems = append(problems, s.Problems...)
				}
				compare(t, file, problems, want["problem"])
				return
			}
			errs, ok := err.(Errors)
			if !ok {
				t.Fatalf("got %T %v, want Errors", err, err)
			}
			compare(t, file, errs, want["error"])
		})
	}
}

func compare(t *testing.T, file string, got Errors, want []complaint) {
	t.Helper()
	for _, w := range want {
		found := false
		for i, e := range got {
			if e.Line == w.line && strings.Contains(e.Error(), w.text) {
				got = append(append(Errors{}, got[:i]...), got[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("want at line %d: %s", w.line, w.text)
		}
	}
	for _, e := range got {
		t.Errorf("got beside what was wanted: %v", e)
	}
	for _, e := range got {
		if e.Remedy == "" || e.Problem == "" || e.File != file {
			t.Errorf("got %#v, want file, problem and remedy", e)
		}
	}
}

func TestTheTextOfAnErrorNamesFileLineKeyProblemAndRemedy(t *testing.T) {
	_, err := parse("nowcast.yaml", "/x/nowcast.yaml", []byte("checklist file: c.yaml\nzmq:\n  host: h\n  ports:\n    manager: abc\n    workers: 1\n"+
		"message registry:\n  next workers module: rules.star\n  workers:\n    a: {checklist key: a}\n"), env(nil))
	want := `nowcast.yaml:5: zmq: ports: manager: is "abc", not a port number: give a number from 1 to 65535`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	_, err := Load("testdata/no-such.yaml", env(nil))
	want := "testdata/no-such.yaml: there is no such configuration file: give the path of an existing one"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestEveryKeyOfOursIsRead(t *testing.T) {
	c, err := Load("testdata/complete.yaml", env(map[string]string{"LOGS": "/logs", "VENV": "/venv"}))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	values := c.Values
	if diff := cmp.Diff(Errors(nil), c.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	got := *c
	got.Values, got.Logging, got.Warnings, got.root, got.lines = nil, nil, nil, nil, nil
	got.given, got.tempDir = "", ""
	want := Config{
		File:          filepath.Join(dir, "complete.yaml"),
		ChecklistFile: "/logs/today/checklist.yaml",
		Python:        "/venv/bin/python",
		StateDir:      filepath.Join(dir, "state/logs"),
		MessageLimit:  16 << 20,
		RuleTimeLimit: 2 * time.Minute,
		LogHistory:    500_000_000,
		History:       History{Keep: 90 * 24 * time.Hour, Size: 2_000_000_000},
		Clear:         ClearAllow,
		Barrier:       24 * time.Hour,
		Waiting:       WaitingReport,
		Alerts:        Alerts{PingEvery: 5 * time.Minute, DiskFree: 1_000_000_000, Limit: 30},
		ZMQ: ZMQ{Host: "nowcast.example", Bind: "192.0.2.1", ManagerPort: 4343, WorkersPort: 4344,
			LoggingPorts: map[string][]string{"manager": {"5561"}, "workers": {"5562", "5563"}, "make_plots": {"salish.example:5556", "192.0.2.7:5556"}}},
		Registry: Registry{
			NextWorkers: filepath.Join(dir, "rules/next_workers.star"),
			Manager: map[string]string{"ack": "message acknowledged", "checklist cleared": "cleared", "unregistered worker": "who?",
				"unregistered message type": "what?", "no after_worker function": "and then?"},
			Workers: map[string]Worker{
				"make_plots": {Name: "make_plots", ChecklistKey: "plots", Command: []string{"./plots", "--fast"},
					Types: map[string]string{"success 00": "done", "failure": "not done", "crash": "crashed"}},
			},
		},
		Hosts: map[string]Host{
			"arbutus": {Name: "arbutus", EnvVars: "/env", Python: "/py", ConfigFile: "/conf.yaml"},
			"salish":  {Name: "salish"},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantPaths(t, values, map[string]any{
		"checklist file": "/logs/today/checklist.yaml",
		"python":         "/venv/bin/python",
		"logging/publisher/handlers/checklist/filename":   "/logs/checklist.log",
		"logging/aggregator/handlers/info_text/filename":  "/logs/nowcast.log",
		"logging/aggregator/handlers/info_text/formatter": "simple",
		"weather/path": "$(NOWCAST.ENV.NOT_OURS)/x",
		"weather/at":   int64(315),
		"state dir":    "state/$(NOWCAST.ENV.LOGS)",
	})
}

func wantPaths(t *testing.T, v pyyaml.Value, want map[string]any) {
	t.Helper()
	for path, w := range want {
		at := v
		for key := range strings.SplitSeq(path, "/") {
			m, _ := at.(*pyyaml.Map)
			at, _ = m.Get(key)
		}
		if !cmp.Equal(at, w) {
			t.Errorf("%s: got %#v, want %#v", path, at, w)
		}
	}
}

func TestDefaultsMakeASmallFileComplete(t *testing.T) {
	c, err := parse("n.yaml", "/sys/n.yaml", []byte("checklist file: logs/checklist.yaml\nzmq: {host: localhost, ports: {manager: 1, workers: 2}}\n"+
		"message registry: {next workers module: rules.star, workers: {a: {checklist key: a, success: ok}}}\n"), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.StateDir != "/sys/logs/.nowcast" || c.MessageLimit != 64<<20 || c.Registry.Manager["ack"] != "message acknowledged" || c.Logging != nil {
		t.Errorf("got state dir %s, limit %d, ack %q, logging %v", c.StateDir, c.MessageLimit, c.Registry.Manager["ack"], c.Logging)
	}
	if len(c.Warnings) != 0 {
		t.Errorf("got warnings %v, want none", c.Warnings)
	}
}

func TestSizesAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]int{"1000": 1000, "64 MiB": 64 << 20, "5kB": 5000, "1 GB": 1e9, "0": 0, "-5": 0, "9999999 GiB": 0, "x MB": 0, "1.5 MB": 0} {
		l := &loader{}
		v, err := pyyaml.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := node{loader: l, value: v}.size()
		if got != want || (len(l.errs) > 0) != (want == 0) {
			t.Errorf("%s: got %d with errors %v, want %d", text, got, l.errs, want)
		}
	}
}

func TestComplaintsOfOtherPackagesStandAtTheirLines(t *testing.T) {
	c, err := Load("testdata/complete.yaml", env(map[string]string{"LOGS": "/logs", "VENV": "/venv"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		keys []string
		line int
	}{
		{[]string{"logging", "publisher", "handlers", "checklist", "class"}, 16},
		{[]string{"logging", "publisher", "handlers", "checklist", "no such"}, 15},
		{[]string{"no such"}, 0},
	} {
		if got := c.Complaint("p", "r", test.keys...); got.Line != test.line || got.Key != strings.Join(test.keys, ": ") {
			t.Errorf("%v: got line %d, want %d", test.keys, got.Line, test.line)
		}
	}
	if got := (&Config{}).Complaint("p", "r", "a", "b"); got.Line != 0 {
		t.Errorf("got line %d for a Config that was not loaded, want 0", got.Line)
	}
}
