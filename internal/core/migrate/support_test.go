package migrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installation is what an examination looks at: a directory with a configuration, and a /proc of its own.
type installation struct {
	t   *testing.T
	dir string
	o   Options
}

const yaml = `checklist file: $(NOWCAST.ENV.BASE)/checklist.yaml
python: /usr/bin/python3
zmq:
  host: broker.example
  ports: {manager: 5554, workers: 5555}
logging:
  version: 1
  handlers:
    text: {class: logging.handlers.RotatingFileHandler, filename: $(NOWCAST.ENV.BASE)/nowcast.log}
  root: {handlers: [text]}
message registry:
  next workers module: rules
  workers:
    download: {checklist key: weather, success: done}
`

func install(t *testing.T) *installation {
	t.Helper()
	i := &installation{t: t, dir: t.TempDir()}
	i.o = Options{ConfigFile: filepath.Join(i.dir, "nowcast.yaml"), Nowcastd: "/opt/bin/nowcastd", Proc: filepath.Join(i.dir, "proc"),
		Environ: []string{"BASE=" + i.dir, "NOWCAST_ENV=/venv", "PATH=" + os.Getenv("PATH"), "SENTRY_DSN=x"},
		Resolve: func(_ context.Context, host string) ([]string, error) {
			switch host {
			case "broker.example":
				return []string{"192.0.2.1"}, nil
			case "localhost":
				return []string{"127.0.0.1"}, nil
			}
			return nil, errors.New("no such host")
		},
		Addresses: func() ([]net.Addr, error) { return []net.Addr{&net.IPNet{IP: net.ParseIP("192.0.2.1")}}, nil },
	}
	i.write("nowcast.yaml", yaml)
	i.write("checklist.yaml", "weather: {06: ready}\n")
	i.write("rules.py", "def after_download(msg, config, checklist):\n    return []\n")
	i.write("nemo_nowcast/__init__.py", "__version__ = '26.1'\n")
	i.write("proc/net/tcp", "  sl  local_address\n")
	return i
}

func (i *installation) write(name, text string) {
	i.t.Helper()
	name = filepath.Join(i.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o666)); err != nil {
		i.t.Fatal(err)
	}
}

// change replaces a text of the configuration.
func (i *installation) change(old, new string) {
	i.t.Helper()
	text, err := os.ReadFile(i.o.ConfigFile)
	if err != nil || !strings.Contains(string(text), old) {
		i.t.Fatalf("the configuration has no %q: %v", old, err)
	}
	i.write("nowcast.yaml", strings.ReplaceAll(string(text), old, new))
}

// runs puts a process into /proc.
func (i *installation) runs(pid int, environ []string, argv ...string) {
	i.t.Helper()
	dir := fmt.Sprintf("proc/%d/", pid)
	i.write(dir+"cmdline", strings.Join(argv, "\x00")+"\x00")
	i.write(dir+"environ", strings.Join(environ, "\x00")+"\x00")
	i.link(i.dir, dir+"cwd")
}

// listens gives a process of /proc a listening port.
func (i *installation) listens(pid, port int) {
	i.t.Helper()
	i.write("proc/net/tcp6", fmt.Sprintf("  sl  local_address\n   0: 00000000000000000000000000000000:%04X 0:0 0A 0:0 0:0 0 0 0 %d 1 0\n", port, pid*10))
	i.write(fmt.Sprintf("proc/%d/fd/none", pid), "")
	i.link(fmt.Sprintf("socket:[%d]", pid*10), fmt.Sprintf("proc/%d/fd/7", pid))
}

func (i *installation) link(to, name string) {
	i.t.Helper()
	if err := os.Symlink(to, filepath.Join(i.dir, name)); err != nil {
		i.t.Fatal(err)
	}
}

func (i *installation) examine() *Report {
	i.t.Helper()
	i.t.Chdir(i.dir)
	r, err := Examine(i.t.Context(), i.o)
	if err != nil {
		i.t.Fatal(err)
	}
	return r
}

// line is a finding as text: group, place, text, remedy. The directory of the installation is DIR.
func (i *installation) line(f Finding) string {
	where := ""
	if f.File != "" {
		where = fmt.Sprintf("%s:%d: ", filepath.Base(f.File), f.Line)
	}
	return strings.ReplaceAll(fmt.Sprintf("%s: %s%s > %s", f.Group, where, f.Text, f.Remedy), i.dir, "DIR")
}

// wants looks for findings by their beginnings.
func (i *installation) wants(r *Report, wants ...string) {
	i.t.Helper()
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, i.line(f))
	}
	for _, want := range wants {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }) {
			i.t.Errorf("got\n%s\nwant a finding\n%s", strings.Join(lines, "\n"), want)
		}
	}
}

// musts are the findings that must be done.
func (i *installation) musts(r *Report) (lines []string) {
	for _, f := range r.Findings {
		if f.Group == Must {
			lines = append(lines, i.line(f))
		}
	}
	return lines
}
