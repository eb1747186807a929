package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

const forecastWorkers = `
    weather: {checklist key: weather, success: done, failure: failed, crash: crashed}
    forcing: {checklist key: forcing, success: done, failure: failed, crash: crashed}
    runoff: {checklist key: runoff, success: done, failure: failed, crash: crashed}
    model: {checklist key: model, success: done, failure: failed, crash: crashed}
    evil: {checklist key: evil, success: done}
`

// newPython has the rules of testdata/python/forecast as its Python module, under the name that is configured.
func newPython(t testing.TB, more string) *system {
	t.Helper()
	s := newSystem(t, forecastWorkers, "")
	s.env = []string{"PYTHONDONTWRITEBYTECODE=1"}
	config := strings.Replace(s.read("nowcast.yaml"), "next_workers.star", "forecast.next_workers", 1)
	config = strings.NewReplacer("    weather: {", "    weather: {command: ['true'], ", "    forcing: {", "    forcing: {command: ['true'], ", "    runoff: {", "    runoff: {command: ['true'], ", "    model: {", "    model: {command: ['true'], ").Replace(config)
	s.write("nowcast.yaml", config+"python: /usr/bin/python3\nrun hours: {nowcast: 24, forecast: 36}\n"+more)
	if err := os.CopyFS(filepath.Join(s.dir, "forecast"), os.DirFS("../../testdata/python/forecast")); err != nil {
		t.Fatal(err)
	}
	return s
}

// running is newPython with its daemons.
func (s *system) running() (tell func(worker, typ string, payload pyyaml.Value)) {
	s.t.Helper()
	s.start("broker")
	s.start("manager")
	r := s.requester()
	return func(worker, typ string, payload pyyaml.Value) {
		s.t.Helper()
		if got := ask(s.t, r, message.Message{Source: worker, Type: typ, Payload: payload}); got.Type != message.Ack {
			s.t.Errorf("%s %s: got the reply %+v, want ack", worker, typ, got)
		}
	}
}

// launched returns what was launched so far, as an operator would type it.
func (s *system) launched() (all []string) {
	s.t.Helper()
	for _, l := range s.status().Launches {
		all = append(all, l.NextWorker.String())
	}
	return all
}

func (s *system) launchedAfter(before int, want ...string) {
	s.t.Helper()
	all := s.launched()
	if got := all[min(before, len(all)):]; !slices.Equal(got, want) {
		s.t.Errorf("got the launches %q, want %q", got, want)
	}
}

func TestPythonRulesDecideADay(t *testing.T) {
	s := newPython(t, "")
	tell := s.running()
	s.logged(t, 0, "INFO", "[manager]", "next workers module loaded from forecast.next_workers")

	tell("weather", "failure", nil)
	s.launchedAfter(0)
	tell("weather", "success", mapping(t, "{run date: 2031-05-17, forecast: '06'}"))
	s.launchedAfter(0, "forcing --run-date 2031-05-17 --hours 36", "runoff 2031-05-16") // and a barrier for both
	s.logged(t, 0, "INFO", "[manager]", "weather of 2031-05-17 is there")
	s.logged(t, 0, "WARNING", "[forecast.rules]", "no forecast 12")

	tell("forcing", "success", mapping(t, "{files: 3}"))
	s.launchedAfter(2) // held back
	tell("runoff", "success", nil)
	s.launchedAfter(2, "model 2031-05-17T06:00:00 36 3") // dates of the checklist, which has all reports
	if open := s.status().Barriers; len(open) != 0 {
		t.Errorf("got the barriers %+v, want none", open)
	}
}

func TestPythonRulesThatFailCostOneMessage(t *testing.T) {
	s := newPython(t, "rule time limit: 500 ms\n")
	tell := s.running()
	for _, c := range []struct {
		does  string
		lines []string // of one record
	}{
		{"raise", []string{"CRITICAL", "after_evil failed on (success): nothing was launched", "forecast/next_workers.py:", "after_evil: KeyError: 'no such key'",
			"Traceback (most recent call last):\n", `next_workers.py", line `, "in deeper\n    return payload[\"no such key\"]\n"}},
		{"hang", []string{"CRITICAL", "forecast/next_workers.py:", "took longer than the limit of 500ms", `line `, "in forever"}},
		{"exit", []string{"CRITICAL", "after_evil: the process that runs the rules ended (exit status 7)", "so long"}},
		{"crash", []string{"CRITICAL", "the process that runs the rules ended (signal: segmentation fault", "Fatal Python error: Segmentation fault", "in after_evil"}},
		{"nonsense", []string{"CRITICAL", "forecast/next_workers.py:", "returned int 42: expected a list of NextWorker"}},
	} {
		t.Run(c.does, func(t *testing.T) {
			before, had := len(s.read("nowcast.log")), len(s.launched())
			tell("evil", "success", c.does)
			s.launchedAfter(had)
			s.logged(t, before, c.lines...)
			all := alerts(s.status(), "rule error")
			if len(all) != 1 || !strings.Contains(all[0], "after_evil failed on success: ") || strings.Contains(all[0], "Traceback") {
				t.Errorf("got the alerts %q, want one for this rule, of one line", all)
			}
			tell("weather", "success", mapping(t, "{run date: 2031-05-17, forecast: '06'}"))
			if got := s.launched(); len(got) != had+2 {
				t.Errorf("the next message: got the launches %q, want two more", got)
			}
			tell("forcing", "failure", nil) // ends the barrier
			tell("runoff", "failure", nil)
		})
	}
}

// rulesProcess returns the helper of the system's manager.
func (s *system) rulesProcess() int {
	s.t.Helper()
	var pid int
	s.eventually("the process that runs the rules", func() bool {
		for _, p := range processes(s.t, "rules of nowcast:\x00forecast.next_workers") {
			if wd, _ := os.Readlink("/proc/" + strconv.Itoa(p) + "/cwd"); wd == s.dir {
				pid = p
			}
		}
		return pid != 0
	})
	return pid
}

func TestTheProcessThatRunsTheRulesMayBeKilled(t *testing.T) {
	s := newPython(t, "")
	tell := s.running()
	weather := mapping(t, "{run date: 2031-05-17, forecast: '06'}")
	tell("weather", "failure", nil)

	first := s.rulesProcess() // between two messages it costs nothing
	syscall.Kill(first, syscall.SIGKILL)
	s.eventually("its end", func() bool { return !running(first) })
	tell("weather", "success", weather)
	s.launchedAfter(0, "forcing --run-date 2031-05-17 --hours 36", "runoff 2031-05-16")
	if a := alerts(s.status(), "rule error"); len(a) != 0 {
		t.Errorf("got the alerts %q, want none", a)
	}

	second := s.rulesProcess() // within one it costs that message
	go func() {
		within(func() bool { return strings.Contains(s.read("nowcast.log"), "waiting to be killed") })
		syscall.Kill(second, syscall.SIGKILL)
	}()
	tell("evil", "success", "wait")
	s.logged(t, 0, "CRITICAL", "after_evil failed on (success)", "the process that runs the rules ended (signal: killed)")
	tell("forcing", "success", mapping(t, "{files: 3}"))
	tell("runoff", "success", nil)
	s.launchedAfter(2, "model 2031-05-17T06:00:00 36 3") // the third knows the checklist
}

func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

func TestTheRulesEndWithTheManager(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		s := newPython(t, "")
		s.start("broker")
		manager := s.start("manager")
		pid := s.rulesProcess()
		manager.Process.Signal(signal)
		manager.Wait()
		s.eventually("the end of the rules", func() bool { return !running(pid) })
	}
}

func TestPythonRulesAreReloadedWhenTheyChange(t *testing.T) {
	s := newPython(t, "")
	tell := s.running()
	const lib = "forecast/hours.py"
	hours := func(n string) { s.write(lib, strings.Replace(s.read(lib), "config[\"run hours\"][run]", n, 1)) }
	original := s.read(lib)
	first := func(want string) {
		t.Helper()
		had := len(s.launched())
		tell("weather", "success", mapping(t, "{run date: 2031-05-17, forecast: '06'}"))
		if got := s.launched(); len(got) <= had || got[had] != "forcing --run-date 2031-05-17 --hours "+want {
			t.Errorf("got the launches %q, want hours %s", got[had:], want)
		}
		tell("forcing", "failure", nil)
		tell("runoff", "failure", nil)
	}
	first("36")
	hours("1")
	first("1")
	s.write(lib, original)
	hours("2") // of the same size, and at once
	first("2")

	before := len(s.read("nowcast.log"))
	s.write(lib, original+"\nimport nowhere\n")
	first("2")
	first("2")
	s.logged(t, before, "ERROR", "[manager]", "forecast/hours.py:", "ModuleNotFoundError: No module named 'nowhere'; the rules loaded before stay in use", "Traceback")
	if n := strings.Count(s.read("nowcast.log")[before:], "stay in use"); n != 1 {
		t.Errorf("the mistake was logged %d times, want once", n)
	}
	if a := alerts(s.status(), "rules not loaded"); len(a) != 1 || !strings.Contains(a[0], "forecast/hours.py:") {
		t.Errorf("got the alerts %q, want one that names the place", a)
	}
	before = len(s.read("nowcast.log"))
	s.write(lib, original)
	first("36")
	s.logged(t, before, "INFO", "next workers module loaded from forecast.next_workers")
}

func TestAPythonRuleMayBeEvaluatedAgain(t *testing.T) {
	s := newPython(t, "")
	tell := s.running()
	tell("model", "success", mapping(t, "{file: x}")) // the rule wants weather in the checklist, and there is none yet
	all := s.status().Alerts
	if len(all) != 1 || all[0].Offer == "" {
		t.Fatalf("got the alerts %+v, want one that offers to evaluate again", all)
	}
	tell("weather", "failure", mapping(t, "{run date: 2031-05-17}"))
	cfg, err := config.Load(s.config, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := socket(cfg, config.SocketControl)
	if err != nil {
		t.Fatal(err)
	}
	c, err := control.Dial(endpoint, "sue@here")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Call(t.Context(), message.ManagerName, all[0].Offer, all[0].Args, nil); err != nil {
		t.Fatal(err)
	}
	s.launchedAfter(0, "weather 2031-05-17")
}

func TestARulesModuleThatIsNotThere(t *testing.T) {
	s := newPython(t, "")
	s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "forecast.next_workers", "forecast.nowhere", 1))
	out, code := s.run("manager", s.config)
	if code != exitUsage || !strings.Contains(out, "is forecast.nowhere, which /usr/bin/python3 does not find from "+s.dir) {
		t.Errorf("got %d %s, want exit code 2 and what to do", code, out)
	}
	s.logged(t, 0, "CRITICAL", "[manager]", "could not find next workers module: forecast.nowhere")
}

func TestCheckAndGraphUnderstandPythonRules(t *testing.T) {
	s := newPython(t, "")
	out, code := s.run("check", s.config)
	if code != 0 || !strings.Contains(out, "is in order") {
		t.Errorf("check: got %d\n%s\nwant 0", code, out)
	}
	if out := s.must("graph", s.config); !strings.Contains(out, "weather\n  success\n    waits for forcing, runoff\n    -> forcing --run-date") {
		t.Errorf("graph: got\n%s", out)
	}
	s.write("forecast/next_workers.py", "\nimport nowhere\n")
	s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "nowcast.log", "no/such/nowcast.log", 1))
	out, code = s.run("check", s.config)
	for _, want := range []string{"next_workers.py:2: error: the rules cannot be loaded: ModuleNotFoundError: No module named 'nowhere'", "no/such, which does not exist"} {
		if code != exitUsage || !strings.Contains(out, want) {
			t.Errorf("got %d\n%s\nwant 2 and %q", code, out, want)
		}
	}
}

// production returns the production configuration, with an environment in which it can be read: Python is the one of this
// machine, and log files go to the system's directory.
func production(t *testing.T) (s *system, file string) {
	t.Helper()
	file, err := filepath.Abs("../../../shared/fixtures/salishsea/nowcast.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the production configuration is needed beside the repository: %v", err)
	}
	s = newSystem(t, "", "")
	if err := os.MkdirAll(filepath.Join(s.dir, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/bin/python3", filepath.Join(s.dir, "bin", "python")); err != nil {
		t.Fatal(err)
	}
	for _, v := range regexp.MustCompile(`\$\(NOWCAST\.ENV\.(\w+)\)`).FindAllStringSubmatch(string(text), -1) {
		s.env = append(s.env, v[1]+"="+s.dir)
	}
	return s, file
}

func TestCheckAcceptsTheProductionConfiguration(t *testing.T) {
	s, file := production(t)
	if err := os.Mkdir(filepath.Join(s.dir, "nowcast"), 0o777); err != nil {
		t.Fatal(err)
	}
	s.write("nowcast/__init__.py", "")
	s.write("nowcast/next_workers.py", `
import os, yaml

with open(os.environ["PRODUCTION"]) as f:
    registry = yaml.safe_load(f)["message registry"]

def nothing(msg, config, checklist):
    return []

for worker in registry["workers"]:
    globals()["after_" + worker] = nothing
`)
	s.env = append(s.env, "PRODUCTION="+file, "PYTHONPATH="+s.dir)
	out, code := s.run("check", file)
	if want := "is in order: 41 workers, rules from nowcast.next_workers"; code != 0 || !strings.Contains(out, want) || strings.Contains(out, "error:") {
		t.Errorf("got %d\n%s\nwant 0 and %q", code, out, want)
	}
}

func TestCheckSaysWhichInterpreterLacksTheModule(t *testing.T) {
	s, file := production(t)
	out, code := s.run("check", file)
	for _, want := range []string{
		"error: message registry: next workers module: is nowcast.next_workers, which " + s.dir + "/bin/python does not find from " + s.dir,
		"set PYTHONPATH, or install it there (", "No module named 'nowcast'",
	} {
		if code != exitUsage || !strings.Contains(out, want) {
			t.Errorf("got %d\n%s\nwant 2 and %q", code, out, want)
		}
	}
}

func TestTheTimeLimitIsThatOfStarlarkRulesToo(t *testing.T) {
	s := newAny(t)
	s.write("nowcast.yaml", s.read("nowcast.yaml")+"rule time limit: 0.02\n")
	s.write("next_workers.star", "def after_any(msg, config, checklist):\n    while True:\n        pass\n")
	s.running()("any", "success", nil)
	s.logged(t, 0, "CRITICAL", "after_any", "it took longer than the limit of 20ms")
}
