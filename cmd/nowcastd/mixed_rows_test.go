package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Rows of the specification that show only from outside the programs.

// TestDaemonsSayWhichSignalEndedThem is sections 8 and 9: log, finish, exit 0.
func TestDaemonsSayWhichSignalEndedThem(t *testing.T) {
	t.Parallel()
	s := newMixed(t, mixedLocalLogging)
	for signal, line := range map[syscall.Signal]string{
		syscall.SIGINT:  "interrupt signal (SIGINT or Ctrl-C) received; shutting down",
		syscall.SIGTERM: "termination signal (SIGTERM) received; shutting down",
	} {
		for _, name := range []string{"message_broker", "manager", "scheduler", "log_aggregator"} {
			command := strings.ReplaceAll(strings.TrimPrefix(name, "message_"), "_", "-")
			before := len(s.read("nowcast.log"))
			d := s.start(command)
			d.Process.Signal(signal)
			if err := d.Wait(); err != nil {
				t.Errorf("%s after %v: got %v, want exit code 0\n%s", name, signal, err, d.output)
			}
			for _, want := range []string{fmt.Sprint("running in process ", d.Process.Pid), "read config from " + s.config, "writing logging messages to local file system", line} {
				s.logged(t, before, "INFO ["+name+"] "+want)
			}
		}
	}
}

// TestTheConnectionOfAWorkerIsKeptAlive is section 1: TCP keepalive after 900 s without a word. The kernel tells when it will send
// the first one.
func TestTheConnectionOfAWorkerIsKeptAlive(t *testing.T) {
	t.Parallel()
	s := newMixed(t, mixedLocalLogging)
	s.start("broker") // and nobody to answer the worker
	worker := exec.Command(built(t), "worker", "awaken", s.config)
	worker.Dir, worker.Env = s.dir, s.environ()
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer worker.Wait()
	defer worker.Process.Kill()
	var seconds int64
	if !within(func() bool {
		var ok bool
		seconds, ok = keepalive(t, s.port)
		return ok
	}) {
		t.Fatal("the connection to the workers port has no keepalive")
	}
	if seconds < 800 || seconds > 900 {
		t.Errorf("got the first keepalive in %d s, want it 900 s after the last word", seconds)
	}
}

// keepalive returns when the kernel will send a keepalive on the connection to a port of this machine.
func keepalive(t *testing.T, port int) (seconds int64, ok bool) {
	t.Helper()
	const established, keepaliveTimer, perSecond = "01", "02", 100
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		field := strings.Fields(lines.Text()) // sl local remote state tx:rx timer:when ...
		timer, when, _ := strings.Cut(field[5], ":")
		if !strings.HasSuffix(field[2], fmt.Sprintf(":%04X", port)) || field[3] != established || timer != keepaliveTimer {
			continue
		}
		ticks, err := strconv.ParseInt(when, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return ticks / perSecond, true
	}
	return 0, false
}
