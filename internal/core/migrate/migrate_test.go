package migrate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnInstallationThatIsInOrderHasNothingThatMustBeDone(t *testing.T) {
	i := install(t)
	r := i.examine()
	if diff := cmp.Diff([]string(nil), i.musts(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i.wants(r,
		"the same: nowcast.yaml:1: checklist file: DIR/checklist.yaml is loaded, 1 keys",
		"the same: nowcast.yaml:5: zmq: ports: ports 5554 and 5555, and those for logging; all of them are free now",
		"the same: nowcast.yaml:2: python: workers and rules run with /usr/bin/python3 (Python 3.",
		"the same: nowcast.yaml:12: message registry: next workers module: rules from DIR/rules.py, unmodified",
		"the same: log files: names, lines and rotation by rotate_logs, of 1 handlers",
		"will be different: checklist, barriers, launches and history are kept in a database in DIR/.nowcast")
	entries, err := filepath.Glob(filepath.Join(i.dir, "*.log"))
	if _, stateErr := os.Stat(filepath.Join(i.dir, ".nowcast")); err != nil || len(entries) > 0 || stateErr == nil {
		t.Errorf("something was made: %v, %v, %v", entries, err, stateErr)
	}
}

func TestWhatMustBeDoneIsSaidWithPlaceAndRemedy(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(i *installation)
		wants  []string
	}{
		{"a variable that is not set", func(i *installation) {
			i.change("/usr/bin/python3", "$(NOWCAST.ENV.VENV)/bin/python")
		}, []string{
			"must be done before: nowcast.yaml:2: python: environment variable VENV is not set > set it before the start",
			"worth a look: checklist, log files and interpreter were not looked at",
		}},
		{"a mistake in the file", func(i *installation) { i.change("workers: 5555", "workers: x") },
			[]string{`must be done before: nowcast.yaml:5: zmq: ports: workers: is "x", not a port number > give a number from 1 to 65535`}},
		{"no interpreter", func(i *installation) { i.change("/usr/bin/python3", "/nowhere/python") },
			[]string{"must be done before: nowcast.yaml:2: python: cannot be run: "}},
		{"no nemo_nowcast", func(i *installation) { os.RemoveAll(filepath.Join(i.dir, "nemo_nowcast")) },
			[]string{"must be done before: nowcast.yaml:2: python: /usr/bin/python3 (Python "}},
		{"a broker on another machine", func(i *installation) { i.o.Addresses = nil },
			[]string{"must be done before: nowcast.yaml:4: zmq: host: broker.example is another machine, 192.0.2.1 > do this check there"}},
		{"a broker that nobody knows", func(i *installation) { i.change("broker.example", "brokr.example") },
			[]string{"must be done before: nowcast.yaml:4: zmq: host: brokr.example cannot be found: no such host > add it to DNS"}},
		{"a relative path", func(i *installation) {
			i.change("$(NOWCAST.ENV.BASE)/checklist.yaml", "checklist.yaml")
			i.o.Environ = append(i.o.Environ, "PYTHONPATH="+i.dir)
			i.runs(77, i.o.Environ, "python3", "-m", "nemo_nowcast.manager", i.o.ConfigFile)
			os.Remove(filepath.Join(i.dir, "proc/77/cwd"))
			i.link("/", "proc/77/cwd")
		}, []string{"must be done before: nowcast.yaml:1: checklist file: is checklist.yaml, which here is relative to DIR, and for Python to the directory it was started in > write an absolute path"}},
		{"a checklist with Python objects", func(i *installation) { i.write("checklist.yaml", "weather: !!python/tuple [1, 2]\n") },
			[]string{"must be done before: nowcast.yaml:1: checklist file: DIR/checklist.yaml cannot be loaded: "}},
		{"a checklist that is a list", func(i *installation) { i.write("checklist.yaml", "- weather\n") },
			[]string{"must be done before: nowcast.yaml:1: checklist file: DIR/checklist.yaml is no mapping"}},
		{"a port that somebody else has", func(i *installation) {
			i.runs(88, nil, "/usr/bin/sshd", "-D")
			i.listens(88, 5555)
		}, []string{"must be done before: nowcast.yaml:5: zmq: ports: workers: port 5555 is in use by process 88, sshd > stop that"}},
		{"a port of another user's process", func(i *installation) {
			i.write("proc/net/tcp", "0: 00000000:15B2 0:0 0A 0:0 0:0 0 0 0 4711 1 0\n")
		}, []string{"must be done before: nowcast.yaml:5: zmq: ports: manager: port 5554 is in use by a process of another user > find it with ss -ltnp"}},
		{"rules that change what they are given", func(i *installation) {
			i.write("rules.py", strings.Join([]string{
				"from nemo_nowcast import NextWorker",
				"def after_download(msg, config, checklist):",
				"    files = checklist['weather']",
				"    checklist['weather']['06'] = 'seen'",
				"    config.update({'a': 1})",
				"    local = {}; local['x'] = checklist.get('y')",
				"    return [NextWorker('a')], {'upload', 'crop'}",
				"def helper(checklist):",
				"    del checklist['runs'][0]",
			}, "\n"))
		}, []string{
			"must be done before: rules.py:4: after_download changes what it is given: checklist['weather']['06'] = 'seen'; ",
			"must be done before: rules.py:5: after_download changes what it is given: config.update({'a': 1}); ",
			"must be done before: rules.py:9: helper changes what it is given: del checklist['runs'][0]; ",
			"will be different: rules.py:7: after_download returns a race condition barrier",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			i := install(t)
			tc.change(i)
			r := i.examine()
			i.wants(r, tc.wants...)
			n := len(slices.DeleteFunc(slices.Clone(tc.wants), func(w string) bool { return !strings.HasPrefix(w, string(Must)) }))
			if musts := i.musts(r); len(musts) != n {
				t.Errorf("got\n%s\nwant %d", strings.Join(musts, "\n"), n)
			}
		})
	}
}

func TestWhatDiffersIsSaidForThisConfiguration(t *testing.T) {
	i := install(t)
	i.change("broker.example", "localhost")
	i.change("    download:", "    watch: {need: wants, success: done}\n    download:")
	i.change("message registry", `scheduled workers:
  - nowcast.workers.download: {every: day, at: "05:15"}
slack notifications:
  SLACK_DAILY: [download]
run:
  enabled hosts:
    cluster: {envvars: /e, python: /p, config file: /c}
    archive: {ssh key: id_rsa}
    viz: {envvars: /e, config file: /c}
message registry`)
	r := i.examine()
	i.wants(r,
		"will be different: nowcast.yaml:4: zmq: host: localhost is this machine only: ports are bound to loopback, not to all interfaces > if workers on other hosts connect",
		"will be different: need for a key that is not in the checklist is answered with null, and an ERROR in the log; the worker used to wait for ever: watch >",
		"will be different: a payload of a worker without checklist key is kept under the worker's name; the manager used to die of it: watch >",
		"will be different: nowcast.yaml:11: scheduled workers: 1 entries start when they are due",
		"worth a look: nowcast.yaml:14: slack notifications: SLACK_DAILY: environment variable SLACK_DAILY is not set, so nothing goes to this channel > set it where nowcastd is started",
		"the same: 2 workers with their message types, checklist keys and command lines; those on other hosts are started with the same ssh commands: cluster >",
		"the same: nowcast.yaml:16: run: enabled hosts: without all of envvars, python and config file, so nothing is launched there, as today; they belong to the workers: archive, viz >")
}

func TestDistributedLoggingWithoutPortsIsSeen(t *testing.T) {
	i := install(t)
	i.change("workers: 5555}", "workers: 5555, logging: {manager: 5561, download: 'gone.example:5570'}}")
	i.change("logging:\n  version: 1", "logging:\n publisher:\n  version: 1")
	r := i.examine()
	i.wants(r,
		"worth a look: nowcast.yaml:5: zmq: ports: logging: has no entry workers",
		"will be different: nowcast.yaml:5: zmq: ports: logging: has no port for message_broker: what it logs reaches the log aggregator by the feed",
		"worth a look: nowcast.yaml:5: zmq: ports: logging: download: gone.example cannot be found from here (no such host)",
		"the same: nowcast.yaml:5: zmq: ports: logging: the log aggregator subscribes to the same ports, of 2 publishers")
}

func TestDaemonsAndWorkersThatRunAreFoundAndTheirEnvironmentIsCompared(t *testing.T) {
	i := install(t)
	i.runs(77, append(i.o.Environ, "SLACK_DAILY=https://hooks.example/s3cret", "ONC_USER_TOKEN=s3cret", "SHLVL=3", "NOWCAST_ENV=/s3cret"),
		"/venv/bin/python3", "-m", "nemo_nowcast.manager", i.o.ConfigFile)
	i.listens(77, 5554)
	i.runs(78, nil, "/venv/bin/python3", "-m", "nowcast.workers.watch_NEMO", i.o.ConfigFile, "nowcast")
	i.runs(79, nil, "/venv/bin/python3", "-m", "nowcast.workers.other", "/other/nowcast.yaml")
	i.change("message registry", "slack notifications:\n  SLACK_DAILY: [download]\nmessage registry")
	r := i.examine()
	i.wants(r,
		"moving over: nemo_nowcast.manager runs as process 77 > stop it with kill 77",
		"moving over: workers are running now: nowcast.workers.watch_NEMO (process 78) > wait until",
		"the same: nowcast.yaml:5: zmq: ports: manager: port 5554, which the Python manager has until it is stopped",
		"must be done before: nowcast.yaml:12: slack notifications: SLACK_DAILY: environment variable SLACK_DAILY is not set, so nothing goes to this channel > set it where nowcastd is started; the manager that runs as process 77 has it",
		"must be done before: workers inherit the manager's environment, and that of the Python manager (process 77) is not the one here: not set here: ONC_USER_TOKEN, SLACK_DAILY; with another value here: NOWCAST_ENV >")
	for _, f := range r.Findings {
		if line := i.line(f); strings.Contains(line, "s3cret") {
			t.Errorf("a secret is shown: %s", line)
		}
	}
}

func TestADaemonOfOursMayHaveItsPort(t *testing.T) {
	i := install(t)
	i.runs(90, nil, "/opt/bin/nowcastd", "broker", i.o.ConfigFile)
	i.listens(90, 5554)
	r := i.examine()
	i.wants(r, "the same: nowcast.yaml:5: zmq: ports: manager: port 5554, which nowcastd (process 90) has already")
	if musts := i.musts(r); len(musts) > 0 {
		t.Errorf("got %q, want nothing", musts)
	}
}

func TestAChecklistFileOfAnotherGroupIsTold(t *testing.T) {
	// Only root can give a file away; whoever else runs the test may belong to one group only.
	i := install(t)
	group := 4711
	if err := os.Chown(filepath.Join(i.dir, "checklist.yaml"), -1, group); err != nil {
		group = os.Getegid()
	}
	r := i.examine()
	told := slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return strings.Contains(f.Text, fmt.Sprintf("belongs to group %d; written anew it will belong to group %d", group, os.Getegid()))
	})
	if told != (group != os.Getegid()) {
		t.Errorf("the group is %d, ours is %d, and it is told: %v", group, os.Getegid(), told)
	}
}
