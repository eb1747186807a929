package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

// noPorts has somebody take all ports for connections from the manager's machine, which is a network namespace, to the broker. The manager
// goes on with the connection that it has; workers cannot connect, nor can the next manager. All go on when there are ports again.
func noPorts(t *testing.T, r *rand.Rand, n int) *faults.Report {
	c, err := newCable(t, r)
	if err != nil {
		t.Logf("no network namespaces here (%v): connections are refused by a proxy instead", err)
		return networkBroken(t, r, n)
	}
	var host, manager, workers string
	w := newWorld(t, func(o *faults.Options) {
		o.Host = c.far.Prev().String()
		host, manager, workers = o.Host, fmt.Sprint(o.Manager), fmt.Sprint(o.Workers)
		o.Before = func(daemon string) []string {
			if daemon == "manager" {
				return []string{"ip", "netns", "exec", c.namespace}
			}
			return nil
		}
	})
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(clients)
	for i := range n {
		serves(w)
		c.ports(t, 40000+2*i, 40001+2*i) // others than last time, which the kernel keeps for a minute
		release := c.takePorts(t, host, manager, workers)
		serves(w)
		time.Sleep(upTo(r, 100*time.Millisecond))
		if i%2 == 0 {
			deaths := len(m.Deaths())
			m.Kill()
			w.Eventually("the next manager", func() bool { return len(m.Deaths()) > deaths && m.Ready() })
		}
		w.Eventually("a worker that cannot report", func() bool {
			return slices.ContainsFunc(w.Launches(), func(l *launch.Launch) bool { return l.State == launch.Running })
		})
		if taken := c.takePorts(t, host, manager, workers); taken != nil {
			taken()
			t.Error("there were ports, so this has tried nothing")
		}
		c.ports(t, 32768, 60999)
		serves(w)
		release()
	}
	return allAnswered(w.Finish())
}

// ports sets which ports connections from the other machine have.
func (c *cable) ports(t *testing.T, first, last int) {
	t.Helper()
	out, err := exec.Command("ip", "netns", "exec", c.namespace, "sh", "-c", fmt.Sprintf("echo %d %d > /proc/sys/net/ipv4/ip_local_port_range", first, last)).CombinedOutput()
	if err != nil {
		t.Fatalf("ip_local_port_range: %v\n%s", err, out)
	}
}

// portTaker connects as often as it can: a port is used once for each destination.
const portTaker = `
import errno, socket, sys
held = []
for port in sys.argv[2:]:
    while True:
        s = socket.socket()
        try:
            s.connect((sys.argv[1], int(port)))
        except OSError as e:
            if e.errno != errno.EADDRNOTAVAIL:
                raise
            break
        held.append(s)
print(len(held), flush=True)
sys.stdin.read()
`

// takePorts connects from the other machine to some ports of a host until no port is left there. release is nil if none was.
func (c *cable) takePorts(t *testing.T, host string, ports ...string) (release func()) {
	t.Helper()
	argv := append([]string{"netns", "exec", c.namespace, "/usr/bin/python3", "-c", portTaker, host}, ports...)
	cmd := exec.Command("ip", argv...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		in.Close()
		cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		end()
		t.Fatalf("ports were not taken: %v\n%s", err, complaint.String())
	}
	if line == "0\n" {
		end()
		return nil
	}
	t.Cleanup(func() { in.Close() })
	return end
}
