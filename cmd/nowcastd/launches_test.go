package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// anyWorkers has one, any, that runs whatever its arguments are.
const anyWorkers = `
    any: {checklist key: any, success: done, failure: failed, crash: crashed, command: [./any.sh]}
    reporter: {checklist key: reporter, success: done, failure: failed, crash: crashed}
    late: {checklist key: late, success: done}
`

const anyRules = `
def after_any(msg, config, checklist):
    return []

after_reporter = after_any
`

func newAny(t *testing.T) *system {
	t.Helper()
	s := newSystem(t, anyWorkers, anyRules)
	here, err := filepath.Abs("../../testdata/python")
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PYTHONPATH=" + here, "PYTHONDONTWRITEBYTECODE=1", "NOWCASTD=" + built(t)}
	s.write("nowcast.yaml", s.read("nowcast.yaml")+"python: /usr/bin/python3\n")
	s.write("any.sh", "#!/bin/sh\nshift # the configuration\nexec \"$@\"\n")
	if err := os.Chmod(filepath.Join(s.dir, "any.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// gate is where a worker waits until it is opened.
func (s *system) gate(name string) (file string, open func()) {
	s.t.Helper()
	file = filepath.Join(s.dir, name)
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file, func() {
		s.t.Helper()
		// Without a reader this fails; then the worker is not there yet.
		s.eventually("a worker that waits at "+name, func() bool {
			w, err := os.OpenFile(file, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				return false
			}
			w.Close()
			return true
		})
	}
}

// call sends an operator's command that has no sub-command of its own.
func (s *system) call(command string, args, result any) error {
	p := &program{LookupEnv: os.LookupEnv}
	cfg, err := p.load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return p.call(context.Background(), cfg, message.ManagerName, command, args, result)
}

// zombies returns the children of a process that have ended and were not waited for.
func zombies(t *testing.T, parent int) (found []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		b, _ := os.ReadFile(file) // it may have gone meanwhile
		_, after, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(after); len(f) > 1 && f[0] == "Z" && f[1] == strconv.Itoa(parent) {
			found = append(found, string(b))
		}
	}
	return found
}

func TestAWorkerThatDiesWithoutAWordIsShownWithinASecond(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	died := filepath.Join(s.dir, "died")
	for _, tc := range []struct {
		name  string
		end   string // how the shell ends
		state launch.State
		note  string
	}{
		{"with status 0", "exit 0", launch.Lost, "exited with status 0 without a report"},
		{"with status 3", "exit 3", launch.Crashed, "exited with status 3 and no report"},
		{"killed", "kill -KILL $$", launch.Killed, "ended by signal killed before it reported; nobody here sent it: out of memory? It used up to 2 MB"},
		{"killed, with a child that holds its output", "sleep 1000 & kill -KILL $$", launch.Killed, "ended by signal killed before it reported; nobody here sent it: out of memory? It used up to 2 MB; left a process behind: 4711 sleep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			alerts := len(s.status().Alerts)
			id := s.launch("any", "sh", "-c", "date +%s.%N > "+died+"; "+tc.end).ID
			l := s.reachesState(id, tc.state)
			text, err := os.ReadFile(died)
			if err != nil {
				t.Fatal(err)
			}
			seconds, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
			if err != nil {
				t.Fatal(err)
			}
			at := time.UnixMicro(int64(seconds * 1e6))
			if d := l.Ended.Sub(at); d > time.Second {
				t.Errorf("its end was noticed after %v, want less than 1 s", d)
			}
			numbers := regexp.MustCompile(`\d+ (MB|sleep)`)
			if got := numbers.ReplaceAllString(l.Note, "N $1"); got != numbers.ReplaceAllString(tc.note, "N $1") {
				t.Errorf("got the note %q, want %q but for the numbers", l.Note, tc.note)
			}
			now := s.status().Alerts
			if len(now) != alerts+1 {
				t.Fatalf("got %d more alerts, want 1: %+v", len(now)-alerts, now)
			}
			a := now[alerts]
			if d := a.Time.Sub(at); a.Kind != "worker "+string(tc.state) || a.Worker != "any" || d > time.Second {
				t.Errorf("got the alert %+v after %v, want one that names the worker within 1 s", a, d)
			}
		})
	}
	if z := zombies(t, manager.Process.Pid); len(z) > 0 {
		t.Errorf("got the zombies %v, want none", z)
	}
}

func TestWorkersInAnyLanguageAreLaunched(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	python := s.launch("reporter", "one", "two words", "--three")
	shell := s.launch("any", "sh", "-c", `"$NOWCASTD" send "$NOWCAST_CONFIG" any success "{launch: $NOWCAST_LAUNCH}"`)
	run := s.launch("any", "sh", "-c", `exec "$NOWCASTD" run --name any "$NOWCAST_CONFIG" -- sh -c 'echo working; echo "{run: true}"'`)
	failing := s.launch("any", "sh", "-c", `exec "$NOWCASTD" run --name any "$NOWCAST_CONFIG" -- sh -c 'echo "no such tide" >&2; exit 7'`)

	l := s.reachesState(python.ID, launch.Succeeded)
	want := []string{"/usr/bin/python3", "-m", "reporter", s.config, "one", "two words", "--three"}
	if !slices.Equal(l.Argv, want) {
		t.Errorf("got the command %q, want %q", l.Argv, want)
	}
	if out, err := os.ReadFile(l.Output); string(out) != "ack\n" {
		t.Errorf("got the output %q, %v, want what the worker printed", out, err)
	}
	l = s.reachesState(shell.ID, launch.Succeeded)
	if want := filepath.Join(s.dir, "any.sh"); l.Argv[0] != want || l.Argv[1] != s.config {
		t.Errorf("got the command %q, want %s beside the configuration, then the configuration", l.Argv, want)
	}
	s.reachesState(run.ID, launch.Succeeded)
	if l := s.reachesState(failing.ID, launch.Failed); l.Exit == nil || *l.Exit != 7 || l.LastReport() != "failure" {
		t.Errorf("got %+v, want exit status 7 and a failure reported", l)
	}
	got := mapping(t, s.must("checklist", s.config))
	reporter, _ := got.Get("reporter")
	words, _ := reporter.(*pyyaml.Map).Get("words")
	if want := []pyyaml.Value{"one", "two words", "--three"}; !pyyaml.Equal(words, want) {
		t.Errorf("got the words %v, want %v", words, want)
	}
	anything, _ := got.Get("any")
	if want := pyyaml.MapOf("launch", shell.ID, "run", true); !pyyaml.Equal(anything, want) {
		t.Errorf("got the checklist %s, want %s", pyyaml.Encode(anything), pyyaml.Encode(want))
	}
	if z := zombies(t, manager.Process.Pid); len(z) > 0 {
		t.Errorf("got the zombies %v, want none", z)
	}
}

func TestAnOperatorKillsAndRelaunches(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	sleep := filepath.Join(s.dir, "sleep")
	if err := os.Symlink("/bin/sleep", sleep); err != nil {
		t.Fatal(err)
	}
	first := s.reachesState(s.launch("any", "sh", "-c", sleep+" 1000 & "+sleep+" 1000").ID, launch.Running)
	s.eventually("the worker's two children", func() bool { return len(withName(t, sleep)) == 2 })
	if out := s.must("kill", s.config, fmt.Sprint(first.ID)); out != fmt.Sprintf("launch %d of %s was sent TERM\n", first.ID, first.NextWorker) {
		t.Errorf("kill printed %q", out)
	}
	l := s.reachesState(first.ID, launch.Killed)
	if l.Signal != "terminated" || l.KilledBy == "" || !strings.Contains(l.Note, "killed by "+l.KilledBy) {
		t.Errorf("got %+v, want a launch that says who killed it and how", l)
	}
	s.eventually("the end of its children", func() bool { return len(withName(t, sleep)) == 0 })
	if len(s.status().Alerts) > 0 {
		t.Errorf("got the alerts %+v, want none: the operator knows", s.status().Alerts)
	}
	if out, code := s.run("kill", s.config, fmt.Sprint(first.ID)); code != exitFailed || !strings.Contains(out, "is over") {
		t.Errorf("kill of what is over: got %d, %q, want 1 and why", code, out)
	}

	var again launch.Launch
	if err := s.call(control.CmdRelaunch, control.RelaunchArgs{Launch: first.ID, Args: []string{"sh", "-c", `exec "$NOWCASTD" send "$NOWCAST_CONFIG" any success`}}, &again); err != nil {
		t.Fatal(err)
	}
	l = s.reachesState(again.ID, launch.Succeeded)
	if l.Parent != first.ID || !strings.HasPrefix(l.Cause, fmt.Sprintf("relaunch of %d by ", first.ID)) || l.Args[2] == first.Args[2] {
		t.Errorf("got %+v, want another launch with other arguments that names the first and the operator", l)
	}
	if err := s.call(control.CmdRelaunch, control.RelaunchArgs{Launch: again.ID}, &again); err != nil {
		t.Fatal(err)
	}
	if same := s.reachesState(again.ID, launch.Succeeded); !slices.Equal(same.Args, l.Args) {
		t.Errorf("got the arguments %q, want those of the launch before, %q", same.Args, l.Args)
	}
	if z := zombies(t, manager.Process.Pid); len(z) > 0 {
		t.Errorf("got the zombies %v, want none", z)
	}
}

// withName returns the processes that were started under a name.
func withName(t *testing.T, name string) (found []int) {
	t.Helper()
	for _, pid := range processes(t, name) {
		if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.HasPrefix(string(b), name+"\x00") {
			found = append(found, pid)
		}
	}
	return found
}
