package migrate

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// process is one that runs now.
type process struct {
	pid       int
	argv      []string
	daemon    string            // as in nemo_nowcast.NAME; "" if it is no Python daemon
	directory string            // "" if it may not be looked into, as the rest
	environ   map[string]string // nil
}

// processes returns all that can be seen.
func (x *examination) processes() (all []process) {
	entries, err := os.ReadDir(x.Proc)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join(x.Proc, e.Name(), "cmdline"))
		if err != nil || len(line) == 0 {
			continue // it has ended, or is the kernel's
		}
		all = append(all, process{pid: pid, argv: strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")})
	}
	return all
}

// findDaemons finds the Python daemons that run now.
func (x *examination) findDaemons() {
	for _, p := range x.processes() {
		i := slices.Index(p.argv, "-m")
		if i < 1 || i+1 == len(p.argv) {
			continue
		}
		name, ok := strings.CutPrefix(p.argv[i+1], "nemo_nowcast.")
		if _, daemon := subcommands[name]; !ok || !daemon {
			continue
		}
		dir := filepath.Join(x.Proc, strconv.Itoa(p.pid))
		p.daemon = name
		p.directory, _ = os.Readlink(filepath.Join(dir, "cwd"))
		if environ, err := os.ReadFile(filepath.Join(dir, "environ")); err == nil {
			p.environ = variables(strings.Split(strings.TrimRight(string(environ), "\x00"), "\x00"))
		}
		x.daemons = append(x.daemons, p)
	}
}

// running says what must be stopped, and what had better be waited for. here: this is the host of the broker.
func (x *examination) running(here bool) {
	for _, d := range x.daemons {
		how := fmt.Sprintf("stop it with kill %d", d.pid)
		for _, s := range x.services {
			if s.daemon == d.daemon {
				how = "stop it with supervisorctl stop " + strings.TrimPrefix(s.section, "program:")
			}
		}
		x.add(Step, fmt.Sprintf("nemo_nowcast.%s runs as process %d", d.daemon, d.pid), how+"; the order is in docs/migrating.md")
	}
	if x.Config == nil {
		return
	}
	if workers := x.workers(); len(workers) > 0 {
		x.add(Step, "workers are running now: "+strings.Join(workers, ", "),
			"wait until none of them wants an answer: one whose message the Python daemons have taken and not answered waits for ever. They survive the change, and what they report is acted upon")
	}
	if here {
		x.ports()
	}
}

// workers are the processes that have the configuration file in their command line and are no daemon.
func (x *examination) workers() (found []string) {
	for _, p := range x.processes() {
		i := slices.Index(p.argv, "-m")
		if i < 1 || i+2 >= len(p.argv) || !strings.Contains(filepath.Base(p.argv[0]), "python") {
			continue
		}
		file := p.argv[i+2]
		if file != x.Config.File && file != x.ConfigFile {
			continue
		}
		if _, daemon := subcommands[strings.TrimPrefix(p.argv[i+1], "nemo_nowcast.")]; !daemon {
			found = append(found, fmt.Sprintf("%s (process %d)", p.argv[i+1], p.pid))
		}
	}
	return found
}

// ports says who has the ports that the daemons will bind. It asks /proc: to bind one for a trial could catch the
// connection of a worker.
func (x *examination) ports() {
	z := x.Config.ZMQ
	wanted := []struct {
		port int
		keys []string
	}{{z.ManagerPort, []string{"zmq", "ports", "manager"}}, {z.WorkersPort, []string{"zmq", "ports", "workers"}}}
	for _, name := range []string{"message_broker", "manager", "scheduler"} {
		for _, p := range z.LoggingPorts[name] {
			if port, err := strconv.Atoi(p); err == nil {
				wanted = append(wanted, struct {
					port int
					keys []string
				}{port, []string{"zmq", "ports", "logging", name}})
			}
		}
	}
	listening := x.listening()
	free := 0
	for _, w := range wanted {
		inode, busy := listening[w.port]
		if !busy {
			free++
			continue
		}
		owner, found := x.owner(inode)
		switch {
		case found && owner.daemon != "":
			x.about(Same, fmt.Sprintf("port %d, which the Python %s has until it is stopped", w.port, owner.daemon), "", w.keys...)
		case found && filepath.Base(owner.argv[0]) == "nowcastd":
			x.about(Same, fmt.Sprintf("port %d, which nowcastd (process %d) has already", w.port, owner.pid), "", w.keys...)
		case found:
			x.about(Must, fmt.Sprintf("port %d is in use by process %d, %s", w.port, owner.pid, filepath.Base(owner.argv[0])), "stop that, or choose another port here", w.keys...)
		default:
			x.about(Must, fmt.Sprintf("port %d is in use by a process of another user", w.port), "find it with ss -ltnp as root, and stop it", w.keys...)
		}
	}
	if free == len(wanted) {
		x.about(Same, fmt.Sprintf("ports %d and %d, and those for logging; all of them are free now", z.ManagerPort, z.WorkersPort), "", "zmq", "ports")
	}
}

// listening returns the socket (its inode) that listens on each TCP port.
func (x *examination) listening() map[int]string {
	ports := map[int]string{}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(x.Proc, "net", table))
		if err != nil {
			continue
		}
		defer f.Close()
		scanner := bufio.NewScanner(f)
		for scanner.Scan() {
			fields := strings.Fields(scanner.Text())
			if len(fields) < 10 || fields[3] != "0A" { // LISTEN
				continue
			}
			_, port, _ := strings.Cut(fields[1], ":")
			if n, err := strconv.ParseInt(port, 16, 32); err == nil {
				ports[int(n)] = fields[9]
			}
		}
	}
	return ports
}

var socketLink = regexp.MustCompile(`^socket:\[(\d+)\]$`)

// owner finds the process that has a socket open.
func (x *examination) owner(inode string) (process, bool) {
	for _, p := range x.processes() {
		dir := filepath.Join(x.Proc, strconv.Itoa(p.pid), "fd")
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // another user's
		}
		for _, e := range entries {
			link, _ := os.Readlink(filepath.Join(dir, e.Name()))
			if m := socketLink.FindStringSubmatch(link); m == nil || m[1] != inode {
				continue
			}
			for _, d := range x.daemons {
				if d.pid == p.pid {
					return d, true
				}
			}
			return p, true
		}
	}
	return process{}, false
}
