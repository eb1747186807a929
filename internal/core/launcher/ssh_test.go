package launcher

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// TestRemoteLaunchThroughRealSSH starts an sshd of its own, and an ssh whose only difference from the system's is that it
// reads a configuration of the test. So the command line is exactly the one that operators get.
func TestRemoteLaunchThroughRealSSH(t *testing.T) {
	h := newSSHHost(t)
	l := h.launch(t, 1, launch.NextWorker{Module: "nowcast.workers.run_NEMO", Args: []string{"cluster", "forecast", "--run-date", "2031-05-17"}, Host: "cluster"})
	e := nextExit(t, h.launcher)
	text := output(t, l)
	if e.Status != 0 || e.Err != nil {
		t.Fatalf("got %v with output %q, want status 0", e, text)
	}
	want := fmt.Sprintf("-m nowcast.workers.run_NEMO %s cluster forecast --run-date 2031-05-17\nCOLOUR=from envvars\n", h.config.Hosts["cluster"].ConfigFile)
	if text != want {
		t.Errorf("got output %q, want %q", text, want)
	}
}

func TestRemoteLaunchThatFails(t *testing.T) {
	h := newSSHHost(t)
	for i, tt := range []struct {
		name        string
		host        string
		args        []string
		wantStatus  int
		wantOutput  string
		wantNote    string
		wantUnknown bool
	}{
		{"the worker's own exit status comes through", "cluster", []string{"exit-3"}, 3, "asked to exit", "exited with status 3", false},
		{"the worker's own 255 cannot be told from ssh's", "cluster", []string{"exit-255"}, 255, "asked to exit", "either the worker's own or that of a broken connection", true},
		{"the worker's own ssh is refused", "cluster", []string{"refused"}, 255, "refused", "may still run on cluster", true},
		{"nobody listens on the port", "refused", nil, 255, "refused", "ssh: connection refused (ssh: connect to host 127.0.0.1 port", false},
		{"the name is not known", "unknown", nil, 255, "resolve", "ssh: unknown host", false},
		{"the host key is not the known one", "stranger", nil, 255, "verification failed", "ssh: host key", false},
		{"the host is not known", "new", nil, 255, "verification failed", "ssh: host key", false},
		{"only a password would do", "password", nil, 255, "Permission denied", "ssh: authentication failed", false},
		{"a password is asked for", "asks", nil, 255, "Permission denied", "ssh: authentication failed", false},
		{"the envvars file does not exist", "no-envvars-file", nil, 0, "No such file", "exited with status 0", false},
		{"rc files talk", "noisy", []string{"exit-3"}, 3, "welcome", "exited with status 3", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := h.launch(t, int64(10+i), launch.NextWorker{Module: "w", Args: tt.args, Host: tt.host})
			e := nextExit(t, h.launcher)
			if got := output(t, l); e.Status != tt.wantStatus || !strings.Contains(got, tt.wantOutput) || e.Unknown != tt.wantUnknown || !strings.Contains(e.String(), tt.wantNote) {
				t.Errorf("got %+v (%v) with output %q, want status %d, unknown %v, %q and output %q", e, e, got, tt.wantStatus, tt.wantUnknown, tt.wantNote, tt.wantOutput)
			}
			if strings.Contains(e.String(), "nothing was started on "+tt.host) != (strings.HasPrefix(tt.wantNote, "ssh: ")) {
				t.Errorf("got %q, want it said whether something was started", e)
			}
		})
	}
}

func TestConnectionThatBreaksAfterTheStart(t *testing.T) {
	h := newSSHHost(t)
	l := h.launch(t, 1, launch.NextWorker{Module: "w", Args: []string{"stay"}, Host: "cluster"})
	waitFor(t, "the remote worker", func() bool { return strings.Contains(output(t, l), "staying") })
	h.killConnections(t, syscall.SIGKILL)
	e := nextExit(t, h.launcher)
	if !e.Unknown || !strings.Contains(e.String(), "may still run on cluster") {
		t.Errorf("got %+v (%v) with output %q, want that its state is unknown", e, e, output(t, l))
	}
	if state, note := l.Outcome(e); state != launch.Unknown || note == "" {
		t.Errorf("got state %s and note %q, want unknown and why", state, note)
	}
}

func TestConnectionThatHangsIsEndedByKill(t *testing.T) {
	h := newSSHHost(t)
	l := h.launch(t, 1, launch.NextWorker{Module: "w", Args: []string{"stay"}, Host: "cluster"})
	waitFor(t, "the remote worker", func() bool { return strings.Contains(output(t, l), "staying") })
	h.killConnections(t, syscall.SIGSTOP)
	defer h.killConnections(t, syscall.SIGKILL)
	if _, err := h.launcher.Kill(l, "KILL"); err != nil {
		t.Fatal(err)
	}
	if e := nextExit(t, h.launcher); !e.Unknown || e.Signal != "killed" || !strings.Contains(e.String(), "may still run on cluster") {
		t.Errorf("got %+v (%v), want that its state is unknown", e, e)
	}
}

func TestKillOfARemoteLaunchEndsTheSSHHere(t *testing.T) {
	h := newSSHHost(t)
	l := h.launch(t, 1, launch.NextWorker{Module: "w", Args: []string{"stay"}, Host: "cluster"})
	waitFor(t, "the remote worker", func() bool { return strings.Contains(output(t, l), "staying") })
	note, err := h.launcher.Kill(l, "TERM")
	if err != nil || !strings.Contains(note, "may live on at cluster") {
		t.Errorf("got %q, %v, want a note", note, err)
	}
	// ssh turns the signal into its own status.
	if e := nextExit(t, h.launcher); e.Status == 0 || !strings.Contains(e.String(), "may still run on cluster") || !e.Unknown {
		t.Errorf("got %+v (%v), want it to have been ended here and its state to be unknown", e, e)
	}
}

func TestLastWordsOfSSH(t *testing.T) {
	la := newLauncher(t)
	worker := "12:00 INFO running in process 17\n"
	for name, tt := range map[string]struct {
		output  string
		started bool // or may be
		want    string
	}{
		"timed out":                  {"ssh: connect to host h port 22: Connection timed out\r\n", false, "ssh: timed out"},
		"no route":                   {"ssh: connect to host h port 22: No route to host\r\n", false, "ssh: no route"},
		"too many connections":       {"kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 192.0.2.1 port 22\r\n", false, "MaxStartups"},
		"a banner, then a denial":    {"Welcome to h\nu@h: Permission denied (publickey).\r\n", false, "ssh: authentication failed"},
		"a denial of another host":   {"Welcome to h\nu@store: Permission denied (publickey).\r\n", true, "either the worker's own"},
		"a silent worker's ssh":      {"ssh: connect to host store port 22: Connection refused\r\n", true, "either the worker's own"},
		"through a proxy":            {"ssh: connect to host gate port 22: Connection refused\r\nkex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n", false, "MaxStartups"},
		"what the worker's ssh said": {worker + "ssh: connect to host store port 22: No route to host\r\n", true, "either the worker's own"},
		"closed by the other side":   {worker + "Connection to h closed by remote host.\r\n", true, "the connection broke after the start (Connection to h closed"},
		"no keep-alive":              {worker + "Timeout, server h not responding.\r\n", true, "the connection broke after the start"},
		"broken pipe":                {worker + "client_loop: send disconnect: Broken pipe\r\n", true, "the connection broke after the start"},
		"reset":                      {worker + "Read from remote host h: Connection reset by peer\r\nclient_loop: send disconnect: Broken pipe\r\n", true, "the connection broke after the start"},
		"reset, and before what":     {"Connection reset by 192.0.2.1 port 22\r\n", true, "either the worker's own"},
		"no words":                   {"", true, "either the worker's own"},
		"so much that it is cut":     {strings.Repeat(worker, 1000) + "Host key verification failed.\r\n", true, "either the worker's own"},
	} {
		l := &launch.Launch{NextWorker: launch.NextWorker{Module: "a.w", Host: "h"}, Argv: []string{"ssh", "h"}, Output: filepath.Join(t.TempDir(), "output")}
		if err := os.WriteFile(l.Output, []byte(tt.output), 0o600); err != nil {
			t.Fatal(err)
		}
		e := launch.Exit{Status: 255}
		la.judgeSSH(l, &e)
		state, note := l.Outcome(e)
		if want := map[bool]launch.State{true: launch.Unknown, false: launch.Crashed}[tt.started]; state != want || !strings.Contains(note, tt.want) {
			t.Errorf("%s: got %s %q, want %s %q", name, state, note, want, tt.want)
		}
		if strings.Contains(note, "nothing was started on h") == tt.started || strings.Contains(note, "may still run on h") != tt.started {
			t.Errorf("%s: got %q, want it said whether something may run", name, note)
		}
	}
}

// sshHost is a host that can be reached with ssh: this machine, through an sshd on a free port.
type sshHost struct {
	config   *config.Config
	launcher *Launcher
	server   int // PID of sshd
}

// killConnections sends a signal to the processes of sshd that serve connections, not to those of the users.
func (h *sshHost) killConnections(t *testing.T, signal syscall.Signal) {
	t.Helper()
	sent := 0
	process.All(func(pid int, s process.Stat) bool {
		if s.Parent == h.server && !s.Dead() && syscall.Kill(pid, signal) == nil {
			sent++
		}
		return true
	})
	if sent == 0 {
		t.Error("there is no connection")
	}
}

func newSSHHost(t *testing.T) *sshHost {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, mode os.FileMode, format string, args ...any) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	run := func(name string, args ...string) {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	key := filepath.Join(dir, "key")
	other := filepath.Join(dir, "other")
	run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	port, server := startSSHD(t, dir, key, "PasswordAuthentication no")
	passwordPort, _ := startSSHD(t, dir, key, "PubkeyAuthentication no\nPasswordAuthentication yes\nBanner "+write("banner", 0o600, "Welcome. All you do is recorded.\n"))
	publicKey := func(file string) string {
		data, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	known := write("known", 0o600, "here %sstranger %s", publicKey(key), publicKey(other))
	client := write("config", 0o600, `Host *
  User %s
  HostName 127.0.0.1
  Port %d
  IdentityFile %s
  IdentitiesOnly yes
  UserKnownHostsFile %s
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  HostKeyAlias here
`, me.Username, port, key, known)
	refused := write("refused", 0o600, "Host refused\n  Port %d\nHost unknown\n  HostName no-such-host.invalid\nHost stranger\n  HostKeyAlias stranger\n"+
		"Host new\n  HostKeyAlias new\n  StrictHostKeyChecking ask\nHost password\n  Port %d\n  BatchMode yes\nHost asks\n  Port %d\nHost *\nInclude %s\n",
		closedPort(t), passwordPort, passwordPort, client)
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	write("bin/ssh", 0o755, "#!/bin/sh\nexec /usr/bin/ssh -F %s \"$@\"\n", refused)

	worker := write("python", 0o755, `#!/bin/sh
case "$4" in
exit-3) echo asked to exit; exit 3;;
exit-255) echo asked to exit; exit 255;;
refused) echo copying the results; echo 'ssh: connect to host storage port 22: Connection refused' >&2; exit 255;;
stay) echo staying; while [ -f "$0" ]; do sleep 0.1; done; exit 0;; # until the test is cleaned up
esac
echo "$@"
echo "COLOUR=$COLOUR"
`)
	envvars := write("envvars", 0o600, "export COLOUR='from envvars'\n")
	host := config.Host{EnvVars: envvars, Python: worker, ConfigFile: "/far/nowcast.yaml"}
	noFile := host
	noFile.EnvVars = filepath.Join(dir, "none")
	noisy := host
	noisy.EnvVars = write("noisy", 0o600, "echo welcome; echo 'ssh: connect to host cluster port 22: Connection refused' >&2\n")
	h := &sshHost{launcher: newLauncher(t), server: server, config: &config.Config{File: "/near/nowcast.yaml", Hosts: map[string]config.Host{
		"cluster": host, "refused": host, "unknown": host, "stranger": host, "no-envvars-file": noFile,
		"new": host, "password": host, "asks": host, "noisy": noisy,
	}}}
	h.launcher.options.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH")}, os.Environ()...)
	return h
}

func (h *sshHost) launch(t *testing.T, id int64, n launch.NextWorker) *launch.Launch {
	t.Helper()
	argv, err := h.launcher.Argv(h.config, n)
	if err != nil {
		t.Fatal(err)
	}
	l := newLaunch(h.launcher, id, argv...)
	l.NextWorker = n
	s, err := h.launcher.Start(l)
	if err != nil {
		t.Fatal(err)
	}
	l.PID, l.PIDStart, l.Output = s.PID, s.PIDStart, s.Output
	return l
}

// startSSHD runs an sshd with its own keys until the test ends, and returns its port and PID.
func startSSHD(t *testing.T, dir, key, settings string) (port, pid int) {
	t.Helper()
	authorized := filepath.Join(dir, "authorized")
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(authorized, public, 0o600); err != nil {
		t.Fatal(err)
	}
	port = closedPort(t)
	settings = fmt.Sprintf(`ListenAddress 127.0.0.1:%d
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
%s
`, port, key, authorized, settings)
	file := filepath.Join(dir, fmt.Sprint("sshd_config-", port))
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // as root sshd wants the directory that its service makes
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log := file + ".log"
	sshd := exec.Command("/usr/sbin/sshd", "-D", "-f", file, "-E", log)
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sshd.Process.Kill()
		sshd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log)
			t.Logf("sshd: %s", text)
		}
	})
	waitFor(t, "sshd", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return port, sshd.Process.Pid
}

// closedPort returns a port on which nobody listens.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
