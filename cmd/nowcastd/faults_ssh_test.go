package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

var sshFaults = []fault{
	{16, "ssh: refused, changed key, password, noise, hang, 255", 1, sshTroubles},
}

const sshRules = `
def after_reporter(msg, config, checklist):
    return [NextWorker(msg.payload.get("worker", "recorder"), args=[str(msg.payload["n"])] + msg.payload.get("how", [])[1:], host=msg.payload["how"][0])]

def after_recorder(msg, config, checklist):
    return []

def after_hanging(msg, config, checklist):
    return []
`

// sshTroubles launches a worker on hosts that are this machine, through an sshd of the test, or something that is no sshd. Each launch ends as
// it should, with a note that says why, and none is repeated that may have been started, though its policy has retries.
func sshTroubles(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		all.Add(sshWorld(t))
	}
	return all
}

func sshWorld(t *testing.T) *faults.Report {
	worker, err := recorder()
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	s := newSSHD(t, dir)
	w := newWorld(t, func(o *faults.Options) {
		o.Dir, o.Rules, o.Env = dir, sshRules, []string{"PATH=" + dir + "/bin:" + os.Getenv("PATH")}
		o.MoreWorkers = fmt.Sprintf("    hanging: {checklist key: hanging, success: done, failure: failed, crash: crashed, command: [%s, -as, hanging], "+
			"policy: {timeout: 2 s, retries: {most: 2, wait: 10 ms}}}\n", worker)
		o.MoreSettings = "run:\n  enabled hosts:\n"
		for _, name := range []string{"good", "noisy", "refused", "changed", "password", "hangs"} {
			envvars := "envvars"
			if name == "noisy" {
				envvars = "noise"
			}
			o.MoreSettings += fmt.Sprintf("    %s: {envvars: %s, python: /usr/bin/python3, config file: %s}\n", name, filepath.Join(dir, envvars), filepath.Join(dir, "nowcast.yaml"))
		}
	})
	w.Write("envvars", "export "+faults.StartsVariable+"="+filepath.Join(dir, "starts.remote")+"\n")
	w.Write("noise", w.Read("envvars")+"echo Welcome; echo 'ssh: connect to host noisy port 22: Connection refused' >&2\n")
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	hosts := []struct {
		worker, host string
		how          string
		want         launch.State
		note         string // in it
		starts       int    // processes there
		after        func()
	}{
		{"recorder", "good", "", launch.Succeeded, "", 1, nil},
		{"recorder", "good", "exit 3", launch.Crashed, "exited with status 3 and no report", 1, nil},
		{"recorder", "noisy", "", launch.Succeeded, "", 1, nil},
		{"recorder", "noisy", "exit 3", launch.Crashed, "exited with status 3 and no report", 1, nil},
		{"recorder", "refused", "", launch.Crashed, "ssh: connection refused", 0, nil},
		{"recorder", "changed", "", launch.Crashed, "ssh: host key", 0, nil},
		{"recorder", "password", "", launch.Crashed, "ssh: authentication failed", 0, nil},
		{"hanging", "good", "exit 255", launch.Unknown, "may still run on good", 1, nil},
		{"hanging", "hangs", "", launch.Unknown, "may still run on hangs", 0, nil},
		{"recorder", "good", "sleep 30s", launch.Unknown, "may still run on good", 1, s.breakConnections},
	}
	var wrong []string
	started := func(number int) int {
		return strings.Count(w.Read("starts.remote"), fmt.Sprintf("\"number\":\"%d\"", number))
	}
	for _, h := range hosts { // one after the other: which of several on another host has sent a report would be a guess
		how := []any{h.host}
		for _, word := range strings.Fields(h.how) {
			how = append(how, word)
		}
		number := w.OnceBy(h.worker, how...)
		if h.after != nil {
			w.Eventually("the process there", func() bool { return started(number) == 1 })
			h.after()
		}
		l := awaitLaunch(w, number, func(l *launch.Launch) bool { return l.State.Final() || l.State == launch.Unknown })
		if l.State != h.want || !strings.Contains(l.Note, h.note) || started(number) != h.starts || strings.Contains(l.Note, "nothing was started") != (h.starts == 0 && h.want != launch.Unknown) {
			wrong = append(wrong, fmt.Sprintf("%s on %s, %q: got %s (%s) and %d processes, want %s (%s) and %d", h.worker, h.host, h.how, l.State, l.Note, started(number), h.want, h.note, h.starts))
		}
	}
	time.Sleep(100 * time.Millisecond) // what would be launched again would be decided at once
	report := w.Finish()
	if report.Launches != len(hosts) {
		wrong = append(wrong, fmt.Sprintf("I2: %d launches, want one for each of %d reports, none of them repeated", report.Launches, len(hosts)))
	}
	// Processes there are told their launch by nobody, so Check cannot follow them.
	report.Broken = append(withoutStarts(report.Broken), wrong...)
	return report
}

// withoutStarts leaves out that launches have succeeded without a process here.
func withoutStarts(broken []string) (rest []string) {
	for _, b := range broken {
		if !strings.Contains(b, "succeeded and no process of it began") {
			rest = append(rest, b)
		}
	}
	return rest
}

// sshd is an sshd of the test.
type sshd struct {
	t      *testing.T
	server *exec.Cmd
}

// newSSHD runs an sshd, and makes bin/ssh, which is the system's with a configuration of the test.
func newSSHD(t *testing.T, dir string) *sshd {
	t.Helper()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(file(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"key", "other"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(name)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	public := func(name string) string {
		text, err := os.ReadFile(file(name + ".pub"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if os.Geteuid() == 0 { // as root sshd wants the directory that its service makes
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	write("authorized", public("key"), 0o600)
	write("sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication yes\n",
		port, file("key"), file("authorized")), 0o600)
	write("known", "here "+public("key")+"changed "+public("other"), 0o600)
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	write("ssh_config", fmt.Sprintf("Host refused\n  Port %d\nHost changed\n  HostKeyAlias changed\nHost password\n  PubkeyAuthentication no\nHost hangs\n  Port %d\n"+
		"Host *\n  User %s\n  HostName 127.0.0.1\n  Port %d\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n"+
		"  StrictHostKeyChecking yes\n  HostKeyAlias here\n", freePort(t), mute.Addr().(*net.TCPAddr).Port, me.Username, port, file("key"), file("known")), 0o600)
	if err := os.Mkdir(file("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("bin/ssh", "#!/bin/sh\nexec /usr/bin/ssh -F "+file("ssh_config")+" \"$@\"\n", 0o755)
	s := &sshd{t, exec.Command("/usr/sbin/sshd", "-D", "-f", file("sshd_config"), "-E", file("sshd.log"))}
	if err := s.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.server.Process.Kill()
		s.server.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return s
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(file("sshd.log"))
			t.Fatalf("sshd does not listen\n%s", log)
		}
	}
}

// breakConnections kills the processes that serve connections.
func (s *sshd) breakConnections() {
	s.t.Helper()
	pids, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", s.server.Process.Pid))
	if err != nil || len(pids) == 0 {
		s.t.Fatalf("the connections of sshd: %q, %v", pids, err)
	}
	for _, word := range strings.Fields(string(pids)) {
		pid, _ := strconv.Atoi(word)
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
