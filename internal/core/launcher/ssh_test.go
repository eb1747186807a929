package launcher

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
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
	for _, tt := range []struct {
		name       string
		host       string
		args       []string
		wantStatus int
		wantOutput string
	}{
		{"the worker's own exit status comes through", "cluster", []string{"exit-3"}, 3, "asked to exit"},
		{"nobody listens on the port", "refused", nil, 255, "refused"},
		{"the name is not known", "unknown", nil, 255, "resolve"},
		{"the host key is not the known one", "stranger", nil, 255, "verification failed"},
		{"the envvars file does not exist", "no-envvars-file", nil, 0, "No such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := h.launch(t, 10, launch.NextWorker{Module: "w", Args: tt.args, Host: tt.host})
			e := nextExit(t, h.launcher)
			if got := output(t, l); e.Status != tt.wantStatus || !strings.Contains(got, tt.wantOutput) {
				t.Errorf("got %v with output %q, want status %d and %q", e, got, tt.wantStatus, tt.wantOutput)
			}
			if err := os.Remove(l.Output); err != nil {
				t.Error(err)
			}
		})
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
	if e := nextExit(t, h.launcher); e.Status == 0 {
		t.Errorf("got %v, want it to have failed", e)
	}
}

// sshHost is a host that can be reached with ssh: this machine, through an sshd on a free port.
type sshHost struct {
	config   *config.Config
	launcher *Launcher
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
	port := startSSHD(t, dir, key)
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
  BatchMode yes
  HostKeyAlias here
`, me.Username, port, key, known)
	refused := write("refused", 0o600, "Host refused\n  Port %d\nHost unknown\n  HostName no-such-host.invalid\nHost stranger\n  HostKeyAlias stranger\nHost *\nInclude %s\n", closedPort(t), client)
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	write("bin/ssh", 0o755, "#!/bin/sh\nexec /usr/bin/ssh -F %s \"$@\"\n", refused)

	worker := write("python", 0o755, `#!/bin/sh
case "$4" in
exit-3) echo asked to exit; exit 3;;
stay) echo staying; while [ -f "$0" ]; do sleep 0.1; done; exit 0;; # until the test is cleaned up
esac
echo "$@"
echo "COLOUR=$COLOUR"
`)
	envvars := write("envvars", 0o600, "export COLOUR='from envvars'\n")
	host := config.Host{EnvVars: envvars, Python: worker, ConfigFile: "/far/nowcast.yaml"}
	noFile := host
	noFile.EnvVars = filepath.Join(dir, "none")
	h := &sshHost{launcher: newLauncher(t), config: &config.Config{File: "/near/nowcast.yaml", Hosts: map[string]config.Host{
		"cluster": host, "refused": host, "unknown": host, "stranger": host, "no-envvars-file": noFile,
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
	l := start(t, h.launcher, id, argv...)
	l.Host = n.Host
	return l
}

// startSSHD runs an sshd with its own keys until the test ends, and returns its port.
func startSSHD(t *testing.T, dir, key string) int {
	t.Helper()
	authorized := filepath.Join(dir, "authorized")
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(authorized, public, 0o600); err != nil {
		t.Fatal(err)
	}
	port := closedPort(t)
	settings := fmt.Sprintf(`ListenAddress 127.0.0.1:%d
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
`, port, key, authorized)
	file := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // as root sshd wants the directory that its service makes
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "sshd.log")
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
	return port
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
