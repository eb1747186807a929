package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

const operateWorkers = anyWorkers + `
    asker: {checklist key: asker, success: done, need: wants to know, clear checklist: wants it empty}
    sleep: {checklist key: sleepyhead, success: done, failure: failed, crash: crashed}
    barrier: {checklist key: barrier, success: done}
`

const operateRules = anyRules + `
after_asker = after_any
after_sleep = after_any

def after_barrier(msg, config, checklist):
    return [], set(["reporter"])
`

// TestAShellCanOperateTheSystem goes through the commands as an operator or a script uses them, one after the other.
func TestAShellCanOperateTheSystem(t *testing.T) {
	s := newSystem(t, operateWorkers, operateRules)
	s.up()
	s.eventually("the log aggregator", func() bool { _, code := s.run("logs", s.config); return code == 0 })
	const table = "ID  STATE  WORKER  ARGUMENTS  HOST  STARTED  TOOK  BECAUSE OF  NOTE\n"
	value := `{n: 1, date: 2031-05-17, data: !!binary aGVsbG8=, big: 36893488147419103232, inf: .inf, set: !!set {b}, 7: seven}`
	for _, e := range []example{
		{name: "status before anything happened", args: words("status CONFIG"), stdout: table},
		{name: "an empty checklist", args: words("checklist CONFIG"), stdout: "{}\n"},
		{name: "send", args: words("send CONFIG any success", value), stdout: "ack: message acknowledged\n"},
		{name: "the checklist", args: words("checklist CONFIG"), // as PyYAML writes it: keys that cannot be sorted stay in their order
			stdout: "any:\n  n: 1\n  date: 2031-05-17\n  data: !!binary |\n    aGVsbG8=\n  big: 36893488147419103232\n  inf: .inf\n  set: !!set\n    b: null\n  7: seven\n"},
		{name: "the checklist as JSON", args: words("checklist --json CONFIG"), stdout: `{
  "any": {
    "7": "seven",
    "big": "36893488147419103232",
    "data": "aGVsbG8=",
    "date": "2031-05-17",
    "inf": ".inf",
    "n": 1,
    "set": [
      "b"
    ]
  }
}
`},
		{name: "send of what is on standard input", args: words("send CONFIG asker success -"), stdin: "{\"from\": \"stdin\"}\n", stdout: "ack: message acknowledged\n"},
		{name: "one key of the checklist", args: words("checklist CONFIG asker"), stdout: "from: stdin\n"},
		{name: "a key that the checklist does not have", args: words("checklist CONFIG nothing"), code: exitFailed, stderr: `the checklist has no key "nothing"`},
		{name: "need", args: words("send CONFIG asker need asker"), stdout: "ack: message acknowledged\nfrom: stdin\n"},
		{name: "need as JSON", args: words("send --json CONFIG asker need asker"), stdout: "{\n  \"payload\": {\n    \"from\": \"stdin\"\n  },\n  \"type\": \"ack\",\n  \"words\": \"message acknowledged\"\n}\n"},
		{name: "a type that is not registered", args: words("send CONFIG any sneezed"), code: exitFailed, stderr: "message type not found for any worker in CONFIG message registry: sneezed"},
		{name: "a worker that is not registered", args: words("send CONFIG nobody success"), code: exitFailed, stderr: "worker not found in CONFIG message registry: nobody"},
		{name: "a payload that is not YAML", args: words("send CONFIG any success", "[1"), code: exitFailed, stderr: "the payload is not YAML"},
		{name: "a worker without a rule", args: words("send CONFIG late success 1"), stdout: "no after_worker function: ERROR - after_worker function not found in next_workers module\n"},
		{name: "run of what succeeds, with a payload in its last line", args: words("run --name reporter CONFIG -- sh -c", `echo working; echo '{"ran": true}'`), stdout: "working\n{\"ran\": true}\n"},
		{name: "its payload", args: words("checklist CONFIG reporter"), stdout: "ran: true\n"},
		{name: "run of what fails", args: words("run --name reporter CONFIG -- sh -c", "echo no such tide >&2; exit 3"), code: 3, stderr: "no such tide\n"},
		{name: "run of what is not there", args: words("run --name reporter CONFIG -- no-such-program"), code: 127, stderr: "no-such-program"},
		{name: "run as a worker that is not registered", args: words("run --name nobody CONFIG -- true"), code: 125, stderr: "worker not found in CONFIG message registry: nobody"},
		{name: "run without a manager", args: words("run --debug --name reporter CONFIG -- echo hello"), stdout: "**debug mode** no connection to manager\n2"},
		{name: "a built-in worker", args: words("worker sleep CONFIG --sleep-time 0")},
		{name: "its payload in the checklist", args: words("checklist CONFIG sleepyhead"), stdout: "sleep time: 0\n"},
		{name: "launch of a worker that is not registered", args: words("launch CONFIG nobody"), code: exitFailed, stderr: "nobody is not in message registry: workers of CONFIG"},
		{name: "launch on a host that is not configured", args: words("launch --host mars CONFIG sleep"), code: exitFailed, stderr: "host mars is not in run: enabled hosts of CONFIG: add it there"},
		{name: "kill of a launch that never was", args: words("kill CONFIG 99"), code: exitFailed, stderr: "there is no launch 99"},
		{name: "launch", args: words("launch CONFIG sleep -- --sleep-time 1000"), stdout: "launch 1 of sleep --sleep-time 1000 was requested\n"},
		{name: "a barrier", args: words("send CONFIG barrier success"), stdout: "ack: message acknowledged\n"},
	} {
		if !t.Run(e.name, func(t *testing.T) { s.try(t, e) }) {
			return // the rest builds on it
		}
	}
	s.reachesState(1, launch.Running)
	s.try(t, example{args: words("kill --signal HUP CONFIG 1"), code: exitFailed, stderr: `signal "HUP": use TERM, INT or KILL`})
	s.try(t, example{args: words("kill --signal INT CONFIG 1"), stdout: "launch 1 of sleep --sleep-time 1000 was sent INT\n"})
	s.reaches(1, "over", func(l launch.Launch) bool { return l.State.Final() })
	got := s.try(t, example{args: words("status CONFIG"), stdout: " because of barrier: success, waits for reporter; held: 0"})
	if row := regexp.MustCompile(`(?m)^1 +killed +sleep +--sleep-time 1000 +localhost +\d\d-\d\d \d\d:\d\d:\d\d +[\d.m]+s +launch by \S+@\S+ +killed by \S+, .*$`); !row.MatchString(got.stdout) {
		t.Errorf("got the status\n%s\nwant a row like %v", got.stdout, row)
	}
	s.try(t, example{args: words("send CONFIG asker", "clear checklist"), stdout: "checklist cleared: system checklist cleared\n"})
	s.try(t, example{args: words("checklist CONFIG"), stdout: "{}\n"})
}

func TestLogsAreShownFilteredAndFollowed(t *testing.T) {
	s := newSystem(t, operateWorkers, operateRules)
	s.up()
	s.eventually("the log aggregator", func() bool { _, code := s.run("logs", s.config); return code == 0 })
	id := s.launch("sleep", "--sleep-time", "0").ID
	s.reachesState(id, launch.Succeeded)
	s.execute("", "run", "--name", "reporter", s.config, "--", "sh", "-c", "echo High Tide; echo low TIDE; echo storm >&2; exit 1")
	s.eventually("all records", func() bool {
		return strings.Contains(s.must("logs", s.config), "sh exited with status 1") && strings.Contains(s.must("logs", s.config), "slept for")
	})
	messages := func(args ...string) (all []string) {
		t.Helper()
		for line := range strings.Lines(s.execute("", slices.Concat([]string{"logs", "--json"}, args, []string{s.config})...).stdout) {
			var r feed.LogRecord
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			all = append(all, feed.LevelName(r.Level)+" "+r.Name+" "+r.Message)
		}
		return all
	}
	for _, tc := range []struct {
		args []string
		want []string
	}{
		{words("--name reporter --search tide"), []string{"INFO reporter High Tide", "INFO reporter low TIDE"}},
		{words("--name reporter --level WARNING"), []string{"WARNING reporter storm", "ERROR reporter sh exited with status 1"}},
		{words("--name reporter --level CRITICAL"), nil},
		{words("--name reporter -n 1"), []string{"ERROR reporter sh exited with status 1"}},
		{words(fmt.Sprintf("--launch %d --search slept", id)), []string{"INFO sleep slept for 0 seconds"}},
		{words("--launch 99"), nil},
	} {
		if diff := cmp.Diff(tc.want, messages(tc.args...)); diff != "" {
			t.Errorf("logs %v (-want +got):\n%s", tc.args, diff)
		}
	}
	if got, line := s.must("logs", "--name", "reporter", "-n", "1", s.config), regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ERROR    \[reporter\] sh exited with status 1\n$`); !line.MatchString(got) {
		t.Errorf("got the line %q, want one like %v", got, line)
	}
	for name, stop := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run("follow until "+name, func(t *testing.T) { s.follow(t, stop) })
	}
}

// follow looks whether a record that comes after logs -f was started is shown, and whether the signal ends it.
func (s *system) follow(t *testing.T, stop syscall.Signal) {
	d := &child{Cmd: exec.Command(built(t), "logs", "-f", "-n", "1", "--name", "reporter", s.config), output: &output{}}
	d.Env, d.Stdout, d.Stderr = s.environ(), d.output, d.output
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.ProcessState == nil {
			d.Process.Kill()
			d.Wait()
		}
	})
	s.eventually("the last record of the past", func() bool { return strings.Contains(d.output.String(), "sh exited with status 1") })
	s.execute("", "run", "--name", "sleep", s.config, "--", "echo", "of another worker")
	s.execute("", "run", "--name", "reporter", s.config, "--", "sh", "-c", "echo and now; exit 1")
	s.eventually("the new record", func() bool { return strings.Contains(d.output.String(), "[reporter] and now\n") })
	if got := d.output.String(); strings.Contains(got, "of another worker") {
		t.Errorf("got records of another worker:\n%s", got)
	}
	d.Process.Signal(stop)
	d.Wait()
	if got := d.ProcessState.ExitCode(); got != exitStopped {
		t.Errorf("got exit code %d after %v, want %d", got, stop, exitStopped)
	}
}

// The daemons run with what they read before; whoever comes to look must not have to repair the file first.
func TestDaemonsAreReachedWithAFileThatHasMistakes(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	s.start("manager")
	for _, text := range []string{s.read("nowcast.yaml") + "zmq: 7\n", s.read("nowcast.yaml") + "broken: {\n"} {
		s.write("nowcast.yaml", text)
		got := s.execute("", "status", s.config)
		if got.code != 0 || !strings.Contains(got.stderr, "has mistakes, which nowcastd check shows") {
			t.Errorf("got %+v, want the status and a warning", got)
		}
	}
}
