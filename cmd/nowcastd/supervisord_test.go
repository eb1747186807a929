package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// TestTheSupervisordExampleRunsTheDaemons runs packaging/supervisord.ini with Debian's supervisord. Only paths are changed.
func TestTheSupervisordExampleRunsTheDaemons(t *testing.T) {
	example, err := os.ReadFile("../../packaging/supervisord.ini")
	if err != nil {
		t.Fatal(err)
	}
	s := newAny(t)
	s.write("supervisord.ini", strings.NewReplacer("/usr/local/bin/nowcastd", built(t), "/home/ops/nowcast", s.dir).Replace(string(example)))
	d := &child{Cmd: exec.Command("/usr/bin/supervisord", "--nodaemon", "-c", filepath.Join(s.dir, "supervisord.ini")), output: &output{}}
	d.Dir, d.Env, d.Stdout, d.Stderr = s.dir, s.environ(), d.output, d.output
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	s.eventually("the manager under supervisord", func() bool {
		_, code := s.run("status", s.config)
		return code == 0
	})
	ctl := func(args ...string) string {
		t.Helper()
		c := exec.Command("/usr/bin/supervisorctl", append([]string{"-c", filepath.Join(s.dir, "supervisord.ini")}, args...)...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("supervisorctl %v: %v\n%s\n%s", args, err, out, d.output)
		}
		return string(out)
	}
	s.eventually("all programs", func() bool {
		c := exec.Command("/usr/bin/supervisorctl", "-c", filepath.Join(s.dir, "supervisord.ini"), "status") // fails unless all run
		out, err := c.Output()
		return err == nil && strings.Count(string(out), "RUNNING") == 5
	})

	gate, open := s.gate("gate")
	l := s.launch("any", "cat", gate)
	s.reachesState(l.ID, launch.Running)
	if got := ctl("restart", "manager"); !strings.Contains(got, "manager: stopped\nmanager: started") {
		t.Errorf("got %s, want that the manager was restarted", got)
	}
	s.eventually("the next manager", func() bool {
		_, code := s.run("status", s.config)
		return code == 0
	})
	s.reachesState(l.ID, launch.Running) // the worker goes on, and is known
	open()
	s.reaches(l.ID, "ended", func(l launch.Launch) bool { return l.State.Final() })

	before := len(s.read("nowcast.log"))
	ctl("signal", "HUP", "message_broker", "log_aggregator", "manager", "scheduler", "alerter")
	s.logged(t, before, "INFO", "[manager] hangup signal (SIGHUP) received; reloading configuration")
	if got := ask(t, s.requester(), message.Message{Source: "any", Type: "success"}); got.Type != message.Ack {
		t.Errorf("got the reply %q, want ack", got.Type)
	}
	if err := d.stop(); err != nil {
		t.Errorf("supervisord: %v\n%s", err, d.output)
	}
	for _, name := range []string{"message_broker", "log_aggregator", "manager", "scheduler", "alerter"} {
		s.logged(t, before, "INFO", "["+name+"] termination signal (SIGTERM) received; shutting down")
	}
}
