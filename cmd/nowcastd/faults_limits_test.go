package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nowcast/internal/faults"
)

var limitFaults = []fault{
	{21, "the manager runs out of descriptors", 1, noDescriptors},
	{21, "no more processes for workers", 1, noProcesses},
	{21, "idle connections take the broker's descriptors", 1, noConnections},
	{21, "no port is left for connections", 1, noPorts},
}

// limit sets the soft limit of a process, and returns what sets it back. as is what becomes the process's user, if that is another one.
func limit(t *testing.T, as []string, pid int, resource string, n uint64) (back func()) {
	t.Helper()
	set := func(soft string) {
		t.Helper()
		argv := append(slices.Clone(as), "prlimit", fmt.Sprint("--pid=", pid), "--"+resource+"="+soft+":")
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
	argv := append(slices.Clone(as), "prlimit", fmt.Sprint("--pid=", pid), "--"+resource, "--output=SOFT", "--noheadings", "--raw")
	old, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatalf("%q: %v", argv, err)
	}
	set(fmt.Sprint(n))
	return func() { set(strings.TrimSpace(string(old))) }
}

// descriptors returns how many a process has.
func descriptors(t *testing.T, pid int) uint64 {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprint("/proc/", pid, "/fd"))
	if err != nil {
		t.Fatal(err)
	}
	return uint64(len(all))
}

// noDescriptors leaves the manager a few, then reports come whose workers run for a while. Launches wait, an alert says why, and all are
// launched when there are descriptors again.
func noDescriptors(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Once()
	var wrong []string
	for range n {
		back := limit(t, nil, m.PID(), "nofile", descriptors(t, m.PID())+r.Uint64N(2))
		for range 5 {
			w.Once("sleep", "300ms")
		}
		wrong = append(wrong, launchesWait(w)...)
		back()
		w.Once()
		wrong = append(wrong, launchesGoOn(w)...)
	}
	return servedOn(w, m, wrong)
}

// newNobodysWorld is one whose daemons run as nobody, if this is root, which many limits are not for. as is what becomes their user.
func newNobodysWorld(t *testing.T) (w *faults.World, as []string) {
	if os.Getuid() != 0 {
		return newWorld(t, nil), nil
	}
	as = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"}
	w = newWorld(t, func(o *faults.Options) {
		for _, dir := range []string{o.Dir, filepath.Dir(o.Nowcastd)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		o.Before = func(string) []string { return slices.Clone(as) }
	})
	w.GiveTo(65534)
	return w, as
}

// noProcesses has fork fail for the manager's workers. The limit is one of users.
func noProcesses(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	w, nobody := newNobodysWorld(t)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Once() // now there is a keeper
	var wrong []string
	for range n {
		back := limit(t, nobody, keeperOf(t, m.PID()), "nproc", 1)
		for range 3 {
			w.Once()
		}
		wrong = append(wrong, launchesWait(w)...)
		back()
		w.Once()
		wrong = append(wrong, launchesGoOn(w)...)
	}
	return servedOn(w, m, wrong)
}

// keeperOf returns the process that forks for a manager.
func keeperOf(t *testing.T, manager int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprint("/proc/", manager, "/task/*/children"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range tasks {
		children, _ := os.ReadFile(file)
		for _, pid := range strings.Fields(string(children)) {
			if name, _ := os.ReadFile("/proc/" + pid + "/comm"); strings.HasPrefix(string(name), "nowcast-keeper") {
				n, _ := strconv.Atoi(pid)
				return n
			}
		}
	}
	t.Fatal("the manager has no keeper")
	return 0
}

const waitAlert = "launches wait"

func launchesWait(w *faults.World) []string {
	if !within(func() bool { return isOpen(w, waitAlert) }) {
		return []string{"I8: no alert that launches wait"}
	}
	return nil
}

func launchesGoOn(w *faults.World) []string {
	if !within(func() bool { return !isOpen(w, waitAlert) }) {
		return []string{"I8: the alert that launches wait does not end"}
	}
	return nil
}

func isOpen(w *faults.World, kind string) bool {
	for _, a := range w.Alerts() {
		if a.Kind == kind && a.Open() {
			return true
		}
	}
	return false
}

// noConnections has somebody connect, at the port and at the sockets, until the broker has no descriptor left. It turns away whoever comes
// then, says so, and goes on with the connections that it has; it takes new ones when the others are gone.
func noConnections(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	b := w.Keep("broker", nil)
	w.Keep("manager", nil)
	w.Report(clients)
	serves(w)
	for range n {
		back := limit(t, nil, b.PID(), "nofile", descriptors(t, b.PID())+5+r.Uint64N(10))
		var idle []net.Conn
		for range 20 {
			for _, at := range [][2]string{{"tcp", strings.TrimPrefix(w.Endpoint(), "tcp://")}, {"unix", w.StateFile("feed.sock")}, {"unix", w.StateFile("control.sock")}} {
				if c, err := net.Dial(at[0], at[1]); err == nil {
					idle = append(idle, c)
				}
			}
		}
		serves(w)
		// From the log: who listens to the feed may be turned away, too. That it becomes an alert is tested in package broker.
		w.Eventually("the alert", func() bool { return strings.Contains(w.Read("nowcast.log"), "no descriptor left for new connections") })
		serves(w)
		for _, c := range idle {
			c.Close()
		}
		back()
		w.Once()
	}
	return servedOn(w, b, nil)
}

// servedOn wants the daemon not to have ended, and everything to have succeeded.
func servedOn(w *faults.World, d *faults.Daemon, wrong []string) *faults.Report {
	report := allAnswered(w.Finish())
	if ends := d.Endings(); len(ends)+len(d.Deaths()) > 0 {
		wrong = append(wrong, fmt.Sprintf("the daemon ended: %v, %v", ends, d.Deaths()))
	}
	report.Broken = append(report.Broken, wrong...)
	return report
}
