package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// system is a configuration and the real daemons that run with it.
type system struct {
	t      testing.TB
	dir    string
	config string
	port   int // workers port
}

// nowcastd is the built program.
var nowcastd = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nowcastd")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "nowcastd")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

func built(t testing.TB) string {
	t.Helper()
	file, err := nowcastd()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// freePort returns a port nobody listens on now.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// newSystem writes a configuration with a registry section and rules. The directory is short: it holds unix sockets.
func newSystem(t testing.TB, workers, rules string) *system {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &system{t: t, dir: dir, config: filepath.Join(dir, "nowcast.yaml"), port: freePort(t)}
	s.write("nowcast.yaml", fmt.Sprintf(`
checklist file: checklist.yaml
zmq:
  host: 127.0.0.1
  ports:
    manager: %d
    workers: %d
logging:
  version: 1
  formatters:
    simple:
      format: '%%(asctime)s %%(levelname)s [%%(name)s] %%(message)s'
  handlers:
    text:
      class: logging.handlers.RotatingFileHandler
      level: INFO
      formatter: simple
      filename: nowcast.log
      backupCount: 3
  root:
    level: INFO
    handlers: [text]
message registry:
  manager:
    ack: message acknowledged
    checklist cleared: system checklist cleared
    unregistered worker: ERROR - message received from unregistered worker
    unregistered message type: ERROR - unregistered message type received from worker
    no after_worker function: ERROR - after_worker function not found in next_workers module
  next workers module: next_workers.star
  workers:
%s`, freePort(t), s.port, workers))
	s.write("next_workers.star", rules)
	return s
}

func (s *system) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o666); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(s.dir, name))
	return string(b)
}

// child is a running daemon.
type child struct {
	*exec.Cmd
	output *bytes.Buffer
	ready  time.Duration // from start to its being ready
}

// start runs a daemon and waits until it says that it is ready.
func (s *system) start(args ...string) *child {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	d := &child{Cmd: exec.Command(built(s.t), append(args, s.config)...), output: &bytes.Buffer{}}
	d.Dir, d.Stdout, d.Stderr = s.dir, d.output, d.output
	d.ExtraFiles, d.Env = []*os.File{w}, append(os.Environ(), "NOWCAST_READY_FD=3")
	began := time.Now()
	if err := d.Start(); err != nil {
		s.t.Fatal(err)
	}
	w.Close()
	s.t.Cleanup(func() { d.stop() })
	r.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := r.Read(make([]byte, 1)); n != 1 {
		s.t.Fatalf("%v is not ready: %v\n%s\n%s", args, err, d.output, s.read("nowcast.log"))
	}
	d.ready = time.Since(began)
	return d
}

func (d *child) stop() error {
	if d.ProcessState != nil {
		return nil
	}
	d.Process.Signal(syscall.SIGTERM)
	return d.Wait()
}

// up runs broker, aggregator and manager under the supervisor.
func (s *system) up() *child {
	s.t.Helper()
	d := &child{Cmd: exec.Command(built(s.t), "up", s.config), output: &bytes.Buffer{}}
	d.Dir, d.Stdout, d.Stderr = s.dir, d.output, d.output
	if err := d.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { d.stop() })
	s.eventually("the manager", func() bool {
		_, code := s.run("status", s.config)
		return code == 0
	})
	return d
}

// run runs a command to its end.
func (s *system) run(args ...string) (output string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, built(s.t), args...)
	c.Dir = s.dir
	out, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// must runs a command that must succeed.
func (s *system) must(args ...string) string {
	s.t.Helper()
	out, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("nowcastd %s: exit code %d\n%s\n%s", strings.Join(args, " "), code, out, s.read("nowcast.log"))
	}
	return out
}

func (s *system) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s did not come about\nlog:\n%s", what, s.read("nowcast.log"))
		}
	}
}

func (s *system) status() feed.Snapshot {
	s.t.Helper()
	var snapshot feed.Snapshot
	if err := json.Unmarshal([]byte(s.must("status", "--json", s.config)), &snapshot); err != nil {
		s.t.Fatal(err)
	}
	return snapshot
}

// requester is a connection to the workers port.
func (s *system) requester() *wire.Requester {
	r := wire.NewRequester(wire.TCP("127.0.0.1", s.port))
	s.t.Cleanup(func() { r.Close() })
	return r
}

func ask(t testing.TB, r *wire.Requester, m message.Message) message.Message {
	t.Helper()
	return askRaw(t, r, m.Encode())
}

func askRaw(t testing.TB, r *wire.Requester, body []byte) message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	b, err := r.Request(ctx, body)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := message.Decode(b, message.DefaultLimit)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func mapping(t testing.TB, text string) *pyyaml.Map {
	t.Helper()
	v, err := pyyaml.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := v.(*pyyaml.Map)
	if !ok {
		t.Fatalf("not a mapping: %s", text)
	}
	return m
}

// records returns what the log aggregator has of one process.
func (s *system) records(name string) []feed.LogRecord {
	s.t.Helper()
	var all []feed.LogRecord
	for line := range strings.Lines(s.must("logs", "--json", "-n", "20000", "--name", name, s.config)) {
		var r feed.LogRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
