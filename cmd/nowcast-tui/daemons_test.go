package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
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
			term.sees("broker, manager, aggregator ok")
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
			term.press("Escape")
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
			term.press("q")
			term.sees("exit code 0")
		})
	}
}
