package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/feed"
)

const realConfig = `checklist file: checklist.yaml
zmq:
  host: localhost
  ports: {manager: %d, workers: %d}
message registry:
  manager:
    ack: message acknowledged
    checklist cleared: system checklist cleared
    unregistered worker: ERROR - message received from unregistered worker
    unregistered message type: ERROR - unregistered message type received from worker
    no after_worker function: ERROR - after_worker function not found in next_workers module
  next workers module: next_workers.star
  workers:
    sleep: {checklist key: sleepyhead, success: slept well, failure: slept badly, crash: crashed}
scheduled workers:
  - sleep: {every: week, cmd line opts: --sleep-time 120}
`

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// up runs the real daemons in dir until the test ends.
func up(t *testing.T, dir string) (config string) {
	t.Helper()
	build(t, dir, "nowcast/cmd/nowcastd", "nowcast/cmd/nowcast-tui")
	config = filepath.Join(dir, "nowcast.yaml")
	for name, text := range map[string]string{
		"nowcast.yaml":      fmt.Sprintf(realConfig, freePort(t), freePort(t)),
		"next_workers.star": "def after_sleep(msg, config, checklist):\n    return []\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	daemons := exec.Command(filepath.Join(dir, "nowcastd"), "up", config)
	var output bytes.Buffer
	daemons.Stdout, daemons.Stderr = &output, &output
	if err := daemons.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemons.Process.Signal(syscall.SIGTERM)
		_ = daemons.Wait()
		if t.Failed() {
			t.Logf("nowcastd up:\n%s", output.String())
		}
	})
	return config
}

// schedule runs the only entry now, and holds it.
func schedule(term *terminal) {
	term.t.Helper()
	term.press("4")
	term.sees("sleep --sleep-time 120")
	term.sees("6d23h")
	term.press("r")
	term.sees("Launch sleep --sleep-time 120 on localhost now?")
	term.press("y")
	term.sees("launched as 3: sleep --sleep-time 120 on localhost")
	term.sees("● 3")
	term.press("h")
	term.sees("Hold sleep?")
	term.press("y")
	term.sees("○ held")
	term.press("Enter")
	term.sees("Last runs, newest first")
	term.sees("asked for by")
	term.press("Escape") // alone: with what follows it would be another key
	term.sees("1 entry")
	term.press("1", "Home", "X")
	term.sees("Send KILL to launch 3 sleep")
	term.press("y")
	term.sees("0 running")
}

// history scrolls to the first line there ever was, and searches everything for a line and the lines around it.
func history(term *terminal) {
	term.t.Helper()
	term.press("3")
	term.sees("/launching (esc")
	term.press("Escape")
	term.sees("log of all, INFO and above ─")
	term.press("Home")
	term.sees("the beginning: no older lines")
	term.press("Escape")
	term.sees("log of all, INFO and above ─", "past")
	term.press("F", "/") // from the newest line upwards
	term.press("running in process", "Enter")
	term.sees("/running in process")
	term.press("Enter")
	term.sees("lines with \"running in process\"")
	term.press("Enter")
	term.sees("older lines")
	term.press("F")
	term.sees("following")
}

// The whole way with the real daemons: a launch is seen to run and to be killed, its log is searched, it is launched again, and the
// console is left.
func TestTheConsoleWithTheRealDaemons(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			dir, err := os.MkdirTemp("", "nc") // short: unix sockets
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			config := up(t, dir)
			term := open(t, dir, config, size[0], size[1])
			term.sees(map[int]string{80: "6 daemons ok", 200: "broker, manager, scheduler, aggregator, alerter, supervisor ok"}[size[0]])
			term.sees("No launches yet.")

			launch := exec.Command(filepath.Join(dir, "nowcastd"), "launch", config, "sleep", "--", "--sleep-time", "120")
			if out, err := launch.CombinedOutput(); err != nil {
				t.Fatalf("launch: %v\n%s", err, out)
			}
			term.sees("● running   sleep")
			term.sees("● 1 running")
			term.press("X")
			term.sees("Send KILL to launch 1 sleep --sleep-time 120 on localhost")
			term.press("y")
			term.sees("✗ killed    sleep")
			term.sees("0 running")

			term.press("l")
			term.sees("log of launch 1 sleep")
			term.press("Escape") // back to the launch
			term.sees("✗ killed    sleep")
			term.press("3")
			term.sees("log of all, INFO and above ─")
			term.press("/")
			term.press("launching", "Enter")
			term.sees("/launching (esc shows all)")
			term.press("1", "r")
			term.sees("Launch sleep --sleep-time 120 on localhost again?")
			term.press("y")
			term.sees("launched as 2: sleep --sleep-time 120 on localhost")
			term.sees("✗ killed ↻  sleep")
			term.sees("● running   sleep")

			term.press("Home", "X")
			term.sees("Send KILL to launch 2 sleep")
			term.press("y")
			term.sees("0 running")
			schedule(term)
			history(term)
			term.press("q")
			term.sees("exit code 0")
		})
	}
}

// Lines that the console never had: the log aggregator finds them, and what was around them.
func TestThePastFromTheRealLogAggregator(t *testing.T) {
	dir, err := os.MkdirTemp("", "nc") // short: unix sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := up(t, dir)
	nowcastd := func(args ...string) (string, error) {
		out, err := exec.Command(filepath.Join(dir, "nowcastd"), args...).Output()
		return string(out), err
	}
	waitFor(t, func() bool {
		_, err := nowcastd("logs", config) // asks the log aggregator
		return err == nil
	})
	pub, err := feed.NewPublisher("ipc://"+filepath.Join(dir, ".nowcast", "feed-in.sock"), "collect_weather", feed.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-10 * time.Minute)
	for i := range 5000 {
		pub.Log(feed.LogRecord{Time: begin.Add(time.Duration(i) * 100 * time.Millisecond), Level: slog.LevelInfo, Name: "collect_weather", Message: fmt.Sprintf("old line %d of many", i)})
	}
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		out, err := nowcastd("logs", config, "--last", "1", "--search", "old line 4999 of")
		return err == nil && strings.Contains(out, "old line 4999 of")
	})

	term := open(t, dir, config, 100, 30)
	term.sees("6 daemons ok")
	term.press("3")
	term.sees("old line 4999 of many")
	term.press("/")
	term.press("line 7 of", "Enter")
	term.sees("enter: all history")
	term.press("Enter")
	term.sees("old line 7 of many", "looking for")
	term.press("Enter")
	term.sees("old line 8 of many")
	term.sees("old line 0 of many")
	term.press("Escape")
	term.sees("lines with \"line 7 of\"")
	term.press("Escape")
	term.sees("old line 4999 of many", "past")
	term.press("Escape")
	term.sees("log of all, INFO and above ─")
	term.press("Home")
	term.sees("now back to " + begin.Local().Format("2006-01-02"))
	term.press("q")
	term.sees("exit code 0")
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for poll := time.NewTicker(50 * time.Millisecond); !holds(); <-poll.C {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}
