package builtin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/launcher"
	"nowcast/workers"
)

// patience is how long a test waits for what should take milliseconds.
const patience = 60 * time.Second

const configuration = `checklist file: {{dir}}/checklist.yaml
zmq:
  host: localhost
  ports: {manager: 1, workers: {{port}}}
message registry:
  manager: {ack: acknowledged, checklist cleared: it is cleared}
  next workers module: rules.star
  workers:
    sleep: {checklist key: sleepyhead, success: it slept, failure: it did not, crash: it crashed}
    awaken: {checklist key: sleepyhead, success: it awoke, failure: it did not, crash: it crashed}
    clear_checklist: {clear checklist: please, success: it is done, failure: it is not, crash: it crashed}
    rotate_logs: {checklist key: log files, success: rolled, failure: not rolled, crash: it crashed}
`

const localLogging = `logging:
  version: 1
  formatters: {simple: {format: '%(levelname)s [%(name)s] %(message)s'}}
  handlers:
    file: {class: logging.handlers.RotatingFileHandler, level: DEBUG, formatter: simple, filename: '{{dir}}/nowcast.log', backupCount: 2}
    checklist: {class: logging.handlers.RotatingFileHandler, level: INFO, formatter: simple, filename: '{{dir}}/checklist.log', backupCount: 1}
    console: {class: logging.StreamHandler, level: 100, formatter: simple, stream: 'ext://sys.stdout'}
  loggers:
    checklist: {level: INFO, propagate: false, handlers: [checklist]}
  root: {level: DEBUG, handlers: [file, console]}
`

// told is a message as the Python manager saw it; Payload is its repr.
type told struct{ Source, Type, Payload string }

// run runs a built-in worker against a Python manager and returns its exit status, what it told and its log.
func run(t *testing.T, dir, name string, args ...string) (int, []told, string) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "../testdata/manager.py", "normal")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the manager did not say its port")
	}
	text := strings.NewReplacer("{{dir}}", dir, "{{port}}", lines.Text()).Replace(configuration + localLogging)
	file := filepath.Join(dir, "nowcast.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	w, ok := Lookup(name)
	if !ok {
		t.Fatalf("there is no worker %s", name)
	}
	var stdout, stderr bytes.Buffer
	status := w.Execute(workers.Process{Args: append([]string{file}, args...), LookupEnv: os.LookupEnv, Stdout: &stdout, Stderr: &stderr})
	if stdout.Len()+stderr.Len() > 0 {
		t.Errorf("got output %q and %q, want none", &stdout, &stderr)
	}
	cmd.Process.Kill() // all that was told was answered, and so is in the pipe
	var messages []told
	for lines.Scan() {
		var m told
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	data, err := os.ReadFile(filepath.Join(dir, "nowcast.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := strings.ReplaceAll(string(data), dir, "/site")
	return status, messages, regexp.MustCompile(`(process|port) \d+`).ReplaceAllString(log, "$1 N")
}

func body(log string) string {
	_, log, _ = strings.Cut(log, "port N\n")
	log, _, _ = strings.Cut(log, "DEBUG [awaken] sent")
	return log
}

func TestBuiltInWorkers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		worker   string
		args     []string
		wantTold []told
		wantInfo string // log lines above DEBUG, after the first four
	}{
		{"sleep for a second", "sleep", []string{"--sleep-time", "1"},
			[]told{{"sleep", "success", "{'sleep time': 1}"}}, "INFO [sleep] slept for 1 seconds\n"},
		{"sleep for no time", "sleep", []string{"--sleep-time=0"},
			[]told{{"sleep", "success", "{'sleep time': 0}"}}, "INFO [sleep] slept for 0 seconds\n"},
		{"sleep for less", "sleep", []string{"--sleep-time", "-2"},
			[]told{{"sleep", "failure", "None"}}, "ERROR [sleep] sleep time is negative: -2 seconds\nCRITICAL [sleep] failed to sleep for -2 seconds\n"},
		{"awaken", "awaken", nil,
			[]told{{"awaken", "success", "{'awoke': True}"}}, "INFO [awaken] awoke\n"},
		{"clear_checklist", "clear_checklist", nil,
			[]told{{"clear_checklist", "clear checklist", "None"}, {"clear_checklist", "success", "None"}},
			"INFO [clear_checklist] requesting that manager clear system state checklist\nINFO [clear_checklist] nowcast system checklist cleared\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, got, log := run(t, t.TempDir(), tt.worker, tt.args...)
			if status != 0 {
				t.Errorf("got status %d, want 0", status)
			}
			if diff := cmp.Diff(tt.wantTold, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			info := ""
			for line := range strings.Lines(body(log)) {
				if !strings.HasPrefix(line, "DEBUG") {
					info += line
				}
			}
			if diff := cmp.Diff(tt.wantInfo, info); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRotateLogs(t *testing.T) {
	old := syscall.Umask(0o077) // the mode of new files does not depend on it
	defer syscall.Umask(old)
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}
	write("nowcast.log", "today\n")
	write("nowcast.log.1", "yesterday\n")
	write("nowcast.log.2", "the day before\n")
	write("checklist.log", "a list\n")
	status, got, log := run(t, dir, "rotate_logs")
	if status != 0 {
		t.Errorf("got status %d, want 0", status)
	}
	want := []told{{"rotate_logs", "success", "{'log files': ['" + dir + "/nowcast.log', '" + dir + "/checklist.log']}"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	wantLog := `INFO [rotate_logs] log file rotated: /site/nowcast.log
DEBUG [rotate_logs] new /site/nowcast.log log file permissions set to rw-rw-r--
INFO [rotate_logs] log file rotated: /site/checklist.log
DEBUG [rotate_logs] new /site/checklist.log log file permissions set to rw-rw-r--
INFO [rotate_logs] log files rotated
`
	if !strings.HasPrefix(log, wantLog) {
		t.Errorf("got new log\n%s\nwant it to begin with\n%s", log, wantLog)
	}
	if got := read("nowcast.log.1"); !strings.HasPrefix(got, "today\n") || !strings.HasSuffix(got, "INFO [rotate_logs] rotating log files\n") {
		t.Errorf("got nowcast.log.1 %q, want today's lines up to the rotation", got)
	}
	for name, want := range map[string]string{"nowcast.log.2": "yesterday\n", "checklist.log.1": "a list\n", "checklist.log": ""} {
		if got := read(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"nowcast.log", "checklist.log"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != 0o664 {
			t.Errorf("got mode %v, %v of %s, want -rw-rw-r--", info.Mode(), err, name)
		}
	}
}

func TestTheLauncherKnowsTheBuiltInWorkers(t *testing.T) {
	var names []string
	for _, w := range Workers() {
		names = append(names, w.Name)
	}
	if !slices.Equal(names, launcher.Builtins()) {
		t.Errorf("got %q, and the launcher has %q; want the same", names, launcher.Builtins())
	}
	if _, ok := Lookup("make_plots"); ok {
		t.Error("got a worker make_plots, want none")
	}
}

func TestHelpOfTheBuiltInWorkers(t *testing.T) {
	for _, w := range Workers() {
		t.Run(w.Name, func(t *testing.T) {
			var out bytes.Buffer
			status := w.Execute(workers.Process{Program: "nowcastd worker " + w.Name, Args: []string{"--help"}, Stdout: &out, Stderr: &out})
			want, err := os.ReadFile("testdata/" + w.Name + ".help")
			if status != 0 || err != nil {
				t.Fatalf("got status %d, %v", status, err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("help (-want +got):\n%s", diff)
			}
		})
	}
}
