package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// execute runs a command with something to read.
func (s *system) execute(stdin string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, built(s.t), args...)
	var stdout, stderr bytes.Buffer
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = s.dir, s.environ(), strings.NewReader(stdin), &stdout, &stderr
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// example is a command line, split at blanks but for the last few, and what must come of it.
type example struct {
	name   string
	args   []string
	stdin  string
	code   int
	stdout string // all of it if it ends in a line break, else a part
	stderr string // a part; "" nothing at all
}

func (s *system) try(t *testing.T, e example) result {
	t.Helper()
	args := make([]string, len(e.args))
	for i, a := range e.args {
		args[i] = strings.ReplaceAll(a, "CONFIG", s.config)
	}
	got := s.execute(e.stdin, args...)
	expand := strings.NewReplacer("CONFIG", s.config, "DIR", s.dir)
	stdout, stderr := expand.Replace(e.stdout), expand.Replace(e.stderr)
	switch {
	case got.code != e.code:
		t.Errorf("got exit code %d, want %d\n%s%s", got.code, e.code, got.stdout, got.stderr)
	case strings.HasSuffix(stdout, "\n") && got.stdout != stdout, !strings.Contains(got.stdout, stdout):
		t.Errorf("got on standard output\n%s\nwant\n%s", got.stdout, stdout)
	case stderr == "" && got.stderr != "", !strings.Contains(got.stderr, stderr):
		t.Errorf("got on standard error\n%s\nwant\n%s", got.stderr, stderr)
	}
	return got
}

func words(line string, more ...string) []string { return append(strings.Fields(line), more...) }

var commands = []string{"up", "broker", "manager", "scheduler", "log-aggregator", "status", "launch", "kill", "schedule", "logs", "checklist", "history",
	"worker", "run", "send", "check", "graph", "demo"}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	s := newAny(t)
	all := s.try(t, example{args: []string{"--help"}, stdout: "Exit codes: 0 done, 1 failed, 2 wrong command line or configuration,"})
	for _, c := range commands {
		if !strings.Contains(all.stdout, "\n  "+c+" ") {
			t.Errorf("nowcastd --help does not list %s", c)
		}
		got := s.try(t, example{args: []string{c, "--help"}, stdout: "\nUsage:\n  nowcastd " + c})
		if !strings.Contains(got.stdout, "\nExamples:\n  ") {
			t.Errorf("%s --help has no example:\n%s", c, got.stdout)
		}
	}
	for _, c := range []string{"status", "launch", "kill", "schedule", "logs", "checklist", "history", "send", "check", "graph"} {
		if got := s.execute("", c, "--help"); !strings.Contains(got.stdout, " --json ") {
			t.Errorf("%s prints data and has no --json", c)
		}
	}
}

func TestWrongCommandLinesAreRefusedWithExitCode2(t *testing.T) {
	s := newAny(t)
	for _, e := range []example{
		{name: "an unknown command", args: words("stats CONFIG"), stderr: `unknown command "stats"`},
		{name: "an unknown flag", args: words("status --nosuch CONFIG"), stderr: "unknown flag: --nosuch; see nowcastd status --help"},
		{name: "no configuration", args: words("status"), stderr: "usage: nowcastd status "},
		{name: "two configurations", args: words("up CONFIG CONFIG"), stderr: "usage: nowcastd up "},
		{name: "a configuration that is not there", args: words("up nowhere.yaml"), stderr: "nowhere.yaml: there is no such configuration file: give the path"},
		{name: "launch without a worker", args: words("launch CONFIG"), stderr: "usage: nowcastd launch "},
		{name: "kill without a number", args: words("kill CONFIG any"), stderr: `"any" is not a launch: give the number that`},
		{name: "an unknown level", args: words("logs --level LOUD CONFIG"), stderr: "give one of DEBUG, INFO, WARNING, ERROR, CRITICAL"},
		{name: "an unknown format", args: words("graph --format svg CONFIG"), stderr: "--format svg: give text, dot or mermaid"},
		{name: "run without a name", args: words("run CONFIG -- true"), stderr: "usage: nowcastd run --name WORKER"},
		{name: "run without a command", args: words("run --name any CONFIG --"), stderr: "usage: nowcastd run --name WORKER"},
		{name: "run without dashes", args: words("run --name any CONFIG true"), stderr: "usage: nowcastd run --name WORKER"},
		{name: "send without a type", args: words("send CONFIG any"), stderr: "usage: nowcastd send "},
		{name: "a worker that is not built in", args: words("worker any CONFIG"), stderr: `"any" is no built-in worker`},
		{name: "a worker's wrong option", args: words("worker sleep CONFIG --sleep-time soon"), stderr: "invalid int value: 'soon'"},
		{name: "a worker without configuration", args: words("worker sleep"), stderr: "usage: nowcastd worker sleep"},
	} {
		t.Run(e.name, func(t *testing.T) {
			e.code = exitUsage
			s.try(t, e)
		})
	}
}

func TestWithoutDaemonsTheExitCodeIs3(t *testing.T) {
	s := newAny(t)
	for _, line := range []string{"status CONFIG", "launch CONFIG any", "kill CONFIG 1", "schedule CONFIG", "schedule run CONFIG any", "checklist CONFIG", "logs CONFIG"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel() // each gives the daemons some seconds to come back
			s.try(t, example{args: words(line), code: exitNobody, stderr: "is nowcastd up running with this configuration?"})
		})
	}
	s.try(t, example{args: words("send --timeout 50ms CONFIG any success"), code: exitNobody, stderr: "nowcastd: "})
}

func TestCheckNamesFileLineAndRemedy(t *testing.T) {
	for _, tc := range []struct {
		name     string
		old, new string // in the configuration
		rules    string // "" leaves the good ones
		code     int
		output   string
	}{
		{name: "nothing wrong", code: 0, output: "CONFIG is in order: 3 workers, rules from DIR/next_workers.star"},
		{name: "a file that is not YAML", old: "zmq:", new: "zmq: [", code: 2, output: "nowcast.yaml:"},
		{name: "no zmq section", old: "zmq:", new: "zqm:", code: 2, output: "CONFIG: zmq: "},
		{name: "a port that is none", old: "    workers: ", new: "    workers: many # ", code: 2, output: "CONFIG:7: zmq: ports: workers: "},
		{name: "no checklist file", old: "checklist file:", new: "check list file:", code: 2, output: "checklist file: "},
		{name: "an environment variable that is not set", old: "checklist file: ", new: "checklist file: $(NOWCAST.ENV.NOWCAST_NOT_SET)/", code: 2, output: "CONFIG:2: checklist file: "},
		{name: "a rules file that is not there", old: "next_workers.star", new: "no_workers.star", code: 2, output: "no_workers.star"},
		{name: "rules in Python", old: "next_workers.star", new: "nowcast.next_workers", code: 2, output: "CONFIG:30: error: message registry: next workers module: is nowcast.next_workers, which /usr/bin/python3 does not find from DIR: start nowcastd in"},
		{name: "a message type without words", old: "success: done", new: "success: 7", code: 2, output: "CONFIG:33: message registry: workers: any: success: is the number 7"},
		{name: "a syntax error in the rules", rules: "def after_any(msg):\n    return [\n", code: 2, output: "DIR/next_workers.star:"},
		{name: "a rule that takes too little", rules: "def after_any(msg):\n    return []\n", code: 2, output: "DIR/next_workers.star:1: error: the rules cannot be loaded: after_any cannot be called with three arguments: write def after_any(msg, config, checklist)"},
		{name: "a rule that is missing", rules: launches("x"), code: 2, output: "no function after_reporter, but reporter is in the message registry; nothing can follow its reports: add def after_reporter(msg, config, checklist)"},
		{name: "a rule that fails", rules: anyRules + "def after_late(msg, config, checklist):\n    return [1 // 0]\n", code: 2, output: "DIR/next_workers.star:7: error: after_late fails for \"success\": "},
		{name: "a launch of a worker that is not registered", rules: anyRules + "def after_late(msg, config, checklist):\n    return [NextWorker(\"stranger\")]\n", code: 2, output: "error: after_late launches stranger for \"success\", but stranger is not in the message registry"},
		{name: "a launch on a host that is not configured", rules: anyRules + "def after_late(msg, config, checklist):\n    return [NextWorker(\"any\", host=\"mars\")]\n", code: 2, output: "error: after_late launches any on mars for \"success\", which is not in run: enabled hosts"},
		{name: "a barrier that never ends", rules: anyRules + "def after_late(msg, config, checklist):\n    return [], set([\"stranger\"])\n", code: 2, output: "after_late waits for stranger after \"success\""},
		{name: "a program that is not there", old: "./any.sh", new: "./gone.sh", rules: anyRules + "def after_late(msg, config, checklist):\n    return [NextWorker(\"any\")]\n", code: 2, output: "cannot be started here: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newAny(t)
			config := s.read("nowcast.yaml")
			if tc.old != "" && !strings.Contains(config, tc.old) {
				t.Fatalf("the configuration has no %q", tc.old)
			}
			s.write("nowcast.yaml", strings.Replace(config, tc.old, tc.new, 1))
			rules := tc.rules
			if rules == "" {
				rules = anyRules + "\nafter_late = after_any\n"
			}
			s.write("next_workers.star", rules)
			got := s.execute("", "check", s.config)
			want := strings.NewReplacer("CONFIG", s.config, "DIR", s.dir).Replace(tc.output)
			if all := got.stdout + got.stderr; got.code != tc.code || !strings.Contains(all, want) {
				t.Errorf("got %d\n%s\nwant %d and\n%s", got.code, all, tc.code, want)
			}
			if tc.code == 0 && got.stderr != "" {
				t.Errorf("got on standard error %q, want nothing", got.stderr)
			}
		})
	}
}

func TestCheckAsJSON(t *testing.T) {
	s := newAny(t)
	s.write("next_workers.star", launches("x"))
	got := s.execute("", "check", "--json", s.config)
	var found struct {
		Warnings []any
		Findings []struct{ Severity, Worker, Text string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
		t.Fatalf("%v\n%s", err, got.stdout)
	}
	var workers []string
	for _, f := range found.Findings {
		workers = append(workers, f.Severity+" "+f.Worker)
	}
	if diff := cmp.Diff([]string{"error late", "error reporter"}, workers); diff != "" || got.code != exitUsage {
		t.Errorf("got exit code %d and (-want +got)\n%s", got.code, diff)
	}
}

func TestGraphInThreeFormats(t *testing.T) {
	s := newAny(t)
	s.write("next_workers.star", `
def after_any(msg, config, checklist):
    if msg.type == "success":
        return [NextWorker("reporter", ["one"]), NextWorker("late")], set(["late"])
    return []

def after_reporter(msg, config, checklist):
    return []

after_late = after_reporter
`)
	for _, e := range []example{
		{name: "text", args: words("graph CONFIG"),
			stdout: "any\n  success\n    waits for late\n    -> reporter one\n    -> late\n"},
		{name: "dot", args: words("graph --format dot CONFIG"),
			stdout: "digraph nowcast {\n  rankdir=LR;\n  node [shape=box];\n  \"any\" -> \"reporter\" [label=\"success\"];\n  \"any\" -> \"late\" [label=\"success\", style=dashed];\n}\n"},
		{name: "mermaid", args: words("graph --format mermaid CONFIG"),
			stdout: "flowchart LR\n  w_any[any] -->|\"success\"| w_reporter[reporter]\n  w_any[any] -.->|\"success\"| w_late[late]\n"},
	} {
		t.Run(e.name, func(t *testing.T) { s.try(t, e) })
	}
	var edges []map[string]any
	if err := json.Unmarshal([]byte(s.execute("", "graph", "--json", s.config).stdout), &edges); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"from": "any", "type": "success", "await": []any{"late"},
		"to": map[string]any{"module": "reporter", "args": []any{"one"}, "host": "localhost"}}
	if len(edges) != 2 || !cmp.Equal(edges[0], want) {
		t.Errorf("got %v, want two edges, the first %v", edges, want)
	}
}

func TestCompletionForBash(t *testing.T) {
	s := newAny(t)
	got := s.try(t, example{args: words("completion bash"), stdout: "__start_nowcastd"})
	s.write("completion.bash", got.stdout)
	if out, err := exec.Command("bash", "-n", filepath.Join(s.dir, "completion.bash")).CombinedOutput(); err != nil {
		t.Errorf("bash cannot read it: %v\n%s", err, out)
	}
	if got := s.execute("", "__complete", "worker", ""); !strings.HasPrefix(got.stdout, "awaken\nclear_checklist\nrotate_logs\nsleep\n") {
		t.Errorf("got the workers %q, want the built-in ones", got.stdout)
	}
	if got := s.execute("", "__complete", "che"); !strings.HasPrefix(got.stdout, "check\t") || !strings.Contains(got.stdout, "\nchecklist\t") {
		t.Errorf("got the commands %q, want check and checklist", got.stdout)
	}
}
