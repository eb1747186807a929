package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Tests of mixed operation: each daemon and worker is either ours or a real Python one from testdata/python, which was written
// from the specification to behave as the reference does.

type side string

const (
	ours   side = "ours"
	python side = "python"
)

// newMixed writes a configuration that both sides run with, and with it the workers and the next_workers module of
// testdata/python/day.
func newMixed(t testing.TB, logging string) *system {
	t.Helper()
	s := newSystem(t, "", "")
	library, err := filepath.Abs("../../testdata/python")
	if err != nil {
		t.Fatal(err)
	}
	ssh, err := filepath.Abs(filepath.Join(salishsea, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	forPython := []string{"PYTHONPATH=" + library, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1", "NOWCAST_DIR=" + s.dir}
	s.env = append(forPython, "PATH="+ssh+":"+os.Getenv("PATH"))
	s.write("envvars.sh", "export '"+strings.Join(forPython, "' '")+"'\n")
	yaml, _, _ := strings.Cut(s.read("nowcast.yaml"), "logging:")
	s.write("nowcast.yaml", strings.NewReplacer("checklist file: checklist.yaml", "checklist file: $(NOWCAST.ENV.NOWCAST_DIR)/checklist.yaml").Replace(yaml)+
		logging+strings.ReplaceAll(mixedConfig, "{{dir}}", s.dir))
	return s
}

const mixedConfig = `
python: /usr/bin/python3
resolution: 2.5km
run:
  enabled hosts:
    cluster:
      envvars: {{dir}}/envvars.sh
      python: /usr/bin/python3
      config file: {{dir}}/nowcast.yaml
message registry:
  manager:
    ack: message acknowledged
    checklist cleared: system checklist cleared
    unregistered worker: ERROR - message received from unregistered worker
    unregistered message type: ERROR - unregistered message type received from worker
    no after_worker function: ERROR - after_worker function not found in next_workers module
  next workers module: day.next_workers
  workers:
    sleep: {checklist key: sleep, success: it slept, failure: it did not, crash: it crashed}
    awaken: {checklist key: awaken, success: it awoke, failure: it did not, crash: it crashed}
    clear_checklist: {clear checklist: please, success: it is done, failure: it is not, crash: it crashed}
    rotate_logs: {checklist key: rotation, success: rolled, failure: not rolled, crash: it crashed}
    download: {checklist key: weather, success 06: 06 weather is here, failure 06: 06 weather is not, crash: it crashed}
    grid: {checklist key: grid, success: grid made, failure: no grid, crash: it crashed}
    tides: {checklist key: tides, success: tides made, failure: no tides, crash: it crashed}
    publish: {checklist key: plots, need: wants the weather, success: published, failure: not published, crash: it crashed}
    verify: {checklist key: verified, success: verified, failure: not verified, crash: it crashed}
    talks: {checklist key: talks, success: it talked, failure: it did not, crash: it crashed}
    waits: {checklist key: waits, success: it waited, failure: it did not, crash: it crashed}
    unruled: {checklist key: unruled, success: nobody knows what follows}
`

const mixedLocalLogging = `logging:
  version: 1
  disable_existing_loggers: False
  formatters:
    simple: {format: '%(asctime)s %(levelname)s [%(name)s] %(message)s'}
  handlers:
    text:
      class: logging.handlers.RotatingFileHandler
      level: DEBUG
      formatter: simple
      filename: $(NOWCAST.ENV.NOWCAST_DIR)/nowcast.log
      backupCount: 2
    checklist:
      class: logging.handlers.RotatingFileHandler
      level: INFO
      formatter: simple
      filename: $(NOWCAST.ENV.NOWCAST_DIR)/checklist.log
      backupCount: 2
  loggers:
    checklist: {propagate: False, handlers: [checklist]}
  root: {level: DEBUG, handlers: [text]}
`

// python starts a program of testdata/python, which is called as NAME [ARGS...] CONFIG.
func (s *system) python(args ...string) *child {
	s.t.Helper()
	script, err := filepath.Abs(filepath.Join("../../testdata/python", args[0]))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.interpret(append(append([]string{script}, args[1:]...), s.config)...)
}

// interpret starts the Python interpreter; it is ended with the test, or when it has hung for a minute.
func (s *system) interpret(args ...string) *child {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s.t.Cleanup(cancel)
	d := &child{Cmd: exec.CommandContext(ctx, "/usr/bin/python3", args...), output: &output{}}
	d.Dir, d.Env, d.Stdout, d.Stderr = s.dir, s.environ(), d.output, d.output
	if err := d.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		d.stop()
		if s.t.Failed() && d.output.String() != "" {
			s.t.Logf("%v wrote\n%s", d.Args, d.output)
		}
	})
	return d
}

func (s *system) broker(of side) *child {
	s.t.Helper()
	if of == ours {
		return s.start("broker")
	}
	before := len(s.read("nowcast.log"))
	d := s.python("broker.py")
	s.logged(s.t, before, "[message_broker] manager socket bound to port")
	return d
}

func (s *system) manager(of side, args ...string) *child {
	s.t.Helper()
	if of == ours {
		return s.start(append([]string{"manager"}, args...)...)
	}
	before := len(s.read("nowcast.log"))
	d := s.python(append([]string{"manager.py"}, args...)...)
	s.logged(s.t, before, "[manager] listening...")
	return d
}

// work runs a worker to its end: a built-in one of ours, or its Python counterpart.
func (s *system) work(of side, name string, args ...string) {
	s.t.Helper()
	if of == ours {
		s.must(append([]string{"worker", name, s.config}, args...)...)
		return
	}
	w := s.pythonWorker(name, args...)
	if err := w.Wait(); err != nil {
		s.t.Fatalf("%s: %v\n%s\n%s", name, err, w.output, s.read("nowcast.log"))
	}
}

// pythonWorker starts a worker of testdata/python/day.
func (s *system) pythonWorker(name string, args ...string) *child {
	s.t.Helper()
	return s.interpret(append([]string{"-m", "day." + name, s.config}, args...)...)
}

// playChain plays the part of the day that launches workers, and waits until the last of them has ended.
func (s *system) playChain(workers side) {
	s.t.Helper()
	s.work(workers, "sleep", "--sleep-time", "0")
	s.eventually("the end of the chain", func() bool {
		return strings.Contains(s.read("nowcast.log")+s.read("local.log"), "[verify] shutting down")
	})
}

// checklistFile returns what Python makes of the checklist file as soon as the text is in that: on a slow disk ours may be a
// moment behind.
func (s *system) checklistFile(text string) (found string) {
	s.t.Helper()
	s.eventually("a checklist file with "+text, func() bool {
		found = s.safeLoad("checklist.yaml")
		return strings.Contains(found, text)
	})
	return found
}

// safeLoad returns what Python makes of a YAML file.
func (s *system) safeLoad(name string) string {
	s.t.Helper()
	out, err := exec.Command("/usr/bin/python3", "-X", "utf8", "-c",
		"import pprint, sys, yaml; pprint.pprint(yaml.safe_load(open(sys.argv[1])))", filepath.Join(s.dir, name)).CombinedOutput()
	if err != nil {
		s.t.Fatalf("yaml.safe_load of %s: %v\n%s", name, err, out)
	}
	return string(out)
}
