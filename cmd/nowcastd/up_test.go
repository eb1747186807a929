package main

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

func TestUpRefusesToStartWithoutRules(t *testing.T) {
	for _, tc := range []struct{ name, rules, want string }{
		{"a missing file", "gone.star", "next workers module: is DIR/gone.star, which does not exist: create it"},
		{"a mistake", "bad.star", "bad.star:2:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newAny(t)
			s.write("bad.star", "def after_any(msg\n")
			s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "next_workers.star", tc.rules, 1))
			s.try(t, example{args: words("up CONFIG"), code: exitUsage, stderr: tc.want})
		})
	}
}

var managerStarted = regexp.MustCompile(`started manager as process (\d+)`)

func TestUpIgnoresTheChecklistAtTheFirstStartOnly(t *testing.T) {
	s := newAny(t)
	s.write("checklist.yaml", "yesterday: it rained\n")
	d := &child{Cmd: exec.Command(built(t), "up", "--ignore-checklist", s.config), output: &output{}}
	d.Dir, d.Env, d.Stdout, d.Stderr = s.dir, s.environ(), d.output, d.output
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	checklist := func(want string) {
		t.Helper()
		s.eventually("the checklist "+want, func() bool { out, code := s.run("checklist", s.config); return code == 0 && out == want })
	}
	checklist("{}\n")
	s.must("send", s.config, "any", "success", "{today: sunny}")
	pid, err := strconv.Atoi(managerStarted.FindStringSubmatch(d.output.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("another manager", func() bool { return len(managerStarted.FindAllString(d.output.String(), -1)) == 2 })
	checklist("any:\n  today: sunny\n")
	s.eventually("the supervisor's word of it in the history", func() bool {
		return slices.ContainsFunc(s.records("supervisor"), func(r feed.LogRecord) bool {
			return r.Level == slog.LevelError && strings.Contains(r.Message, "manager ended (signal: killed)")
		})
	})
}

func TestADaemonThatDiesIsAnAlert(t *testing.T) {
	for name, tc := range map[string]struct {
		signal syscall.Signal
		how    string
	}{
		"killed":      {syscall.SIGKILL, "signal: killed"},
		"it says why": {syscall.SIGQUIT, "exit status 2: SIGQUIT: quit; PC="}, // as at a crash
	} {
		t.Run(name, func(t *testing.T) { daemonDies(t, tc.signal, tc.how) })
	}
}

func daemonDies(t *testing.T, signal syscall.Signal, how string) {
	s := newAny(t)
	d := s.up()
	endpoint, err := wire.IPC(filepath.Join(s.dir, ".nowcast", config.SocketFeed))
	if err != nil {
		t.Fatal(err)
	}
	events, err := feed.Subscribe(t.Context(), endpoint, []string{feed.StreamDaemon, feed.StreamAlert})
	if err != nil {
		t.Fatal(err)
	}
	<-events // it hears
	pid, err := strconv.Atoi(managerStarted.FindStringSubmatch(d.output.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(60 * time.Second); ; {
		select {
		case <-deadline:
			t.Fatal("no alert")
		case batch := <-events:
			for _, e := range batch {
				var a engine.Alert
				if e.Stream == feed.StreamAlert && e.Source == "supervisor" && e.Decode(&a) == nil {
					begin, end := "manager ended ("+how, ") and is started again; more: nowcastd logs --name manager --level ERROR "+s.config+", or what nowcastd up printed"
					if a.Kind != "daemon died" || !strings.HasPrefix(a.Message, begin) || !strings.HasSuffix(a.Message, end) {
						t.Errorf("got %+v, want daemon died: %s...%s", a, begin, end)
					}
					return
				}
			}
		}
	}
}

func TestADaemonThatCannotGoOnSaysWhyToItsSupervisor(t *testing.T) {
	s := newAny(t)
	s.start("manager")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	second := exec.Command(built(t), "manager", s.config)
	second.Dir, second.ExtraFiles, second.Env = s.dir, []*os.File{w}, append(s.environ(), "NOWCAST_READY_FD=3")
	err = second.Run()
	w.Close()
	said, _ := io.ReadAll(r)
	if err == nil || !strings.Contains(string(said), "is in use") || strings.HasPrefix(string(said), "\n") {
		t.Errorf("got %q and %v of a second manager, want that the state is in use, and not that it is ready", said, err)
	}
}

func TestAReloadNamesWhatNeedsARestart(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	before := len(s.read("nowcast.log"))
	s.write("nowcast.yaml", s.read("nowcast.yaml")+"state dir: elsewhere\n")
	manager.Process.Signal(syscall.SIGHUP)
	s.logged(t, before, "WARNING [manager] the state directory is now "+s.dir+"/elsewhere: the daemons keep "+s.dir+"/.nowcast until all of them are restarted")
	s.logged(t, before, "INFO [manager] configuration reloaded")
}

func TestThereIsOneUpAndTheNextWaitsForOneThatStops(t *testing.T) {
	s := newAny(t)
	first := s.up()
	out, code := s.run("up", s.config)
	if want := "another nowcastd up runs with the state directory " + s.dir + "/.nowcast (process " + strconv.Itoa(first.Process.Pid) + ", running): stop it first"; code != exitFailed || !strings.Contains(out, want) {
		t.Errorf("a second one: got status %d and %q, want %q", code, out, want)
	}
	if strings.Contains(out, "started") {
		t.Errorf("the second one has started daemons\n%s", out)
	}
	first.Process.Signal(syscall.SIGTERM)
	second := s.up()
	s.eventually("the second one, after the first has ended", func() bool { return strings.Contains(second.output.String(), "all daemons are up") })
	if got := first.output.String(); strings.Contains(got, "is started again") {
		t.Errorf("the first had to start something again\n%s", got)
	}
}
