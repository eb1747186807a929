package faults

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/core/wire"
)

// Options say what a World is made of.
type Options struct {
	Dir          string // an empty directory with a short path
	Nowcastd     string // the built program
	Recorder     string // the built package recorder
	Workers      int    // port
	Manager      int    // port
	Host         string // of the broker; "": this one
	State        string // postgres:// URL; "": the file in the state directory
	StateIs      string // what the configuration says instead of State, such as a reference to the environment
	MoreWorkers  string // of the registry, as YAML
	Rules        string // instead of Rules
	MoreSettings string // of the configuration, as YAML
	RulesFile    string // "": next_workers.star; one of Python ends in .py
	Policy       string // of the recording workers, as YAML
	Env          []string
	LogPort      int                          // of workers, for distributed logging; 0: each writes the file
	Before       func(daemon string) []string // words before a daemon's command line, as of prlimit; nil: none
	Behind       int                          // the port that the broker binds, if Workers leads to it through something of the test
}

// Rules launch one recording worker for each report, with the report's number, and whatever else the report says.
const Rules = `
def after_reporter(msg, config, checklist):
    return [NextWorker(msg.payload.get("worker", "recorder"), args=[str(msg.payload["n"])] + msg.payload.get("how", []))]

def after_recorder(msg, config, checklist):
    return []

def after_pyrecorder(msg, config, checklist):
    return []
`

// Python is the recording worker as Python's workers are: it has pyzmq and knows nothing of us.
const Python = "pyrecorder"

//go:embed recorder.py
var pythonRecorder string

const local = `logging:
  version: 1
  formatters: {simple: {format: '%(asctime)s %(levelname)s [%(name)s] %(message)s'}}
  handlers:
    text: {class: logging.handlers.RotatingFileHandler, level: INFO, formatter: simple, filename: nowcast.log, backupCount: 3}
  root: {level: INFO, handlers: [text]}
`

// distributed has workers of Go and Python publish what they log on a port, for the log aggregator.
const distributed = `logging:
  publisher:
    version: 1
    handlers: {published: {class: zmq.log.handlers.PUBHandler, level: INFO}}
    root: {level: INFO, handlers: [published]}
  aggregator:
    version: 1
    formatters: {simple: {format: '%(asctime)s %(levelname)s [%(logger_name)s] %(message)s'}}
    handlers:
      text: {class: logging.handlers.RotatingFileHandler, level: INFO, formatter: simple, filename: nowcast.log, backupCount: 3}
    root: {level: INFO, handlers: [text]}
`

const configuration = `
checklist file: checklist.yaml
zmq:
  host: %s
  ports: {manager: %d, workers: %d%s}
%s
message registry:
  manager:
    ack: message acknowledged
    checklist cleared: system checklist cleared
    unregistered worker: ERROR - message received from unregistered worker
    unregistered message type: ERROR - unregistered message type received from worker
    no after_worker function: ERROR - after_worker function not found in next_workers module
  next workers module: %s
  workers:
    reporter: {checklist key: reporter, success: done, failure: failed, crash: crashed, clear checklist: clear it}
    recorder: {checklist key: recorder, success: done, failure: failed, crash: crashed, command: [%s]%s}
    pyrecorder: {checklist key: pyrecorder, success: done, failure: failed, crash: crashed, command: [/usr/bin/python3, %s]%s}
%s%s%s`

// World is a configuration and the daemons that run with it.
type World struct {
	t       testing.TB
	o       Options
	Config  string
	numbers atomic.Int64 // of reports, so far
	clients []*Client
	excused []int    // reports that need not have launched anything, or may be lost
	watcher *watcher // nil: Watch was not called
	hook    *Hook    // nil: the alerter tells nobody

	mu      sync.Mutex
	daemons []*Daemon // guarded by mu
}

// NewWorld writes the configuration. Its daemons end with the test.
func NewWorld(t testing.TB, o Options) *World {
	t.Helper()
	w := &World{t: t, o: o, Config: filepath.Join(o.Dir, "nowcast.yaml")}
	state := ""
	if o.State != "" {
		state = "state: " + cmp.Or(o.StateIs, o.State) + "\n"
	}
	w.o.RulesFile = cmp.Or(o.RulesFile, "next_workers.star")
	module, _ := strings.CutSuffix(w.o.RulesFile, ".py")
	policy := ""
	if o.Policy != "" {
		policy = ", policy: " + o.Policy
	}
	python := filepath.Join(o.Dir, "recorder.py")
	w.Write("recorder.py", pythonRecorder)
	logging, logPort := local, ""
	if o.LogPort != 0 {
		logging, logPort = distributed, fmt.Sprintf(", logging: {workers: %d}", o.LogPort)
	}
	w.Write("nowcast.yaml", fmt.Sprintf(configuration, w.host(), o.Manager, o.Workers, logPort, logging, module, o.Recorder, policy, python, policy, o.MoreWorkers, state, o.MoreSettings))
	if o.Behind != 0 {
		near := strings.Replace(w.Read("nowcast.yaml"), fmt.Sprintf("workers: %d}", o.Workers), fmt.Sprintf("workers: %d}", o.Behind), 1)
		w.Write("broker.yaml", near)
	}
	w.WriteRules(cmp.Or(o.Rules, Rules))
	t.Cleanup(w.Stop)
	return w
}

// Write makes a file in the world's directory.
func (w *World) Write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.o.Dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// WriteRules replaces the rules in one step, as docs/rules.md has it.
func (w *World) WriteRules(text string) {
	w.t.Helper()
	w.Write("rules.new", text)
	if err := os.Rename(filepath.Join(w.o.Dir, "rules.new"), filepath.Join(w.o.Dir, w.o.RulesFile)); err != nil {
		w.t.Fatal(err)
	}
}

// Read returns a file's text, "" if there is none.
func (w *World) Read(name string) string {
	b, _ := os.ReadFile(filepath.Join(w.o.Dir, name))
	return string(b)
}

// Endpoint is where workers report to.
func (w *World) Endpoint() string { return wire.TCP(w.host(), w.o.Workers) }

func (w *World) host() string { return cmp.Or(w.o.Host, "127.0.0.1") }

// StateFile returns a file of the state directory.
func (w *World) StateFile(name string) string { return filepath.Join(w.o.Dir, ".nowcast", name) }

// where is what the store is opened with.
func (w *World) where() string {
	if w.o.State != "" {
		return w.o.State
	}
	return w.StateFile("state.db")
}

// Stop ends all daemons, the one started last first, and waits for them.
func (w *World) Stop() {
	w.mu.Lock()
	all := w.daemons
	w.daemons = nil
	w.mu.Unlock()
	for i := len(all) - 1; i >= 0; i-- {
		all[i].Stop()
	}
}

// starts returns what recording workers wrote.
func (w *World) starts() (all []Start) {
	for line := range bytes.Lines([]byte(w.Read("starts"))) {
		var s Start
		if err := json.Unmarshal(line, &s); err != nil {
			w.t.Fatalf("starts: %v: %q", err, line)
		}
		all = append(all, s)
	}
	return all
}

// patience is how long a test waits for what must come about: longer than it takes on the busiest machine. How quickly things come
// about is measured, and judged where nothing else runs.
const patience = time.Minute

// Eventually waits until something is so, and fails the test with the log otherwise.
func (w *World) Eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			log := w.Read("nowcast.log")
			w.t.Fatalf("%s did not come about in %s\n%s", what, patience, log[max(0, len(log)-6000):])
		}
	}
}

// GiveTo makes all files so far a user's, for daemons that run as that one.
func (w *World) GiveTo(uid int) {
	w.t.Helper()
	err := filepath.WalkDir(w.o.Dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, uid)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
