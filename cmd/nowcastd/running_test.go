package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// system is a configuration and the real daemons that run with it.
type system struct {
	t      testing.TB
	dir    string
	config string
	port   int      // workers port
	env    []string // of daemons and commands, beside the test's own
}

// bin is the directory of the built programs, "" before there are any.
var bin string

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(bin)
	os.Exit(code)
}

// nowcastd is the built program.
var nowcastd = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nowcastd")
	if err != nil {
		return "", err
	}
	bin = dir
	linked, file := filepath.Join(dir, "linked"), filepath.Join(dir, "nowcastd")
	if out, err := exec.Command("go", "build", "-o", linked, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, install(linked, file)
})

// install copies a program. What the linker has just written is in memory whole, and all of it counts as resident in each process: nobody
// runs it from there.
func install(linked, file string) error {
	from, err := os.Open(linked)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

func built(t testing.TB) string {
	t.Helper()
	file, err := nowcastd()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// givenPorts are those that freePort has returned.
var givenPorts sync.Map

// freePort returns a port nobody listens on now, another one each time. It is below those that the system gives to outgoing
// connections: a log aggregator connects to a port long before somebody binds it, and meanwhile no connection may get it.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		if _, given := givenPorts.LoadOrStore(port, true); given {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port below 30000 is free")
	return 0
}

// shortDir returns an empty directory whose path is short: it will hold unix sockets.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range processes(t, dir+"/") { // workers outlive the daemons
			syscall.Kill(pid, syscall.SIGKILL)
		}
		os.RemoveAll(dir)
	})
	return dir
}

// newSystem writes a configuration with a registry section and rules.
func newSystem(t testing.TB, workers, rules string) *system {
	t.Helper()
	dir := shortDir(t)
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
	output *output
	ready  time.Duration // from start to its being ready
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (s *system) environ() []string { return append(os.Environ(), s.env...) }

// start runs a daemon and waits until it says that it is ready.
func (s *system) start(args ...string) *child {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	d := &child{Cmd: exec.Command(built(s.t), append(args, s.config)...), output: &output{}}
	d.Dir, d.Stdout, d.Stderr = s.dir, d.output, d.output
	d.ExtraFiles, d.Env = []*os.File{w}, append(s.environ(), "NOWCAST_READY_FD=3")
	began := time.Now()
	if err := d.Start(); err != nil {
		s.t.Fatal(err)
	}
	w.Close()
	s.t.Cleanup(func() { d.stop() })
	r.SetReadDeadline(time.Now().Add(20 * time.Second))
	first := make([]byte, 1)
	if _, err := r.Read(first); first[0] != '\n' { // else it says why it ends
		s.t.Fatalf("%v is not ready: %v\n%s\n%s", args, err, d.output, s.read("nowcast.log"))
	}
	d.ready = time.Since(began)
	return d
}

// processes returns the processes that have text in their command line or, if they may be looked into, in their environment;
// those that have ended and were not waited for are not among them.
func processes(t testing.TB, text string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		for _, file := range []string{"cmdline", "environ"} {
			b, _ := os.ReadFile(filepath.Join("/proc", e.Name(), file)) // it may have ended meanwhile
			if bytes.Contains(b, []byte(text)) {
				found = append(found, pid)
				break
			}
		}
	}
	return found
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
	d := &child{Cmd: exec.Command(built(s.t), "up", s.config), output: &output{}}
	d.Dir, d.Env, d.Stdout, d.Stderr = s.dir, s.environ(), d.output, d.output
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
	c.Dir, c.Env = s.dir, s.environ()
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
	if !within(ok) {
		s.t.Fatalf("%s did not come about\nlog:\n%s", what, s.read("nowcast.log"))
	}
}

// within asks again and again until the answer is yes, or it has taken longer than it does on the busiest machine.
func within(ok func() bool) bool {
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// logged waits for a line with all of the texts in the log, after the first so many bytes. A line may go on: what follows it
// without a date belongs to it.
func (s *system) logged(t testing.TB, after int, texts ...string) {
	t.Helper()
	missing := func(record string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(record, text) })
	}
	var log string
	if !within(func() bool {
		log = s.read("nowcast.log")
		log = log[min(after, len(log)):]
		records := strings.Split(log, "\n20")
		return slices.ContainsFunc(records, func(r string) bool { return !missing(r) })
	}) {
		t.Errorf("got the log\n%.3000s\nwant a record with %q", log, texts)
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

// launch has a worker launched as an operator would.
func (s *system) launch(module string, args ...string) launch.Launch {
	s.t.Helper()
	var l launch.Launch
	out := s.must(append([]string{"launch", "--json", s.config, module, "--"}, args...)...)
	if err := json.Unmarshal([]byte(out), &l); err != nil {
		s.t.Fatal(err)
	}
	return l
}

// reaches waits until a launch is as wanted, and returns it.
func (s *system) reaches(id int64, what string, ok func(launch.Launch) bool) launch.Launch {
	s.t.Helper()
	var found launch.Launch
	if !within(func() bool {
		for _, l := range s.status().Launches {
			if l.ID == id {
				found = l
			}
		}
		return found.ID == id && ok(found)
	}) {
		s.t.Fatalf("launch %d: got %+v, want %s\nlog:\n%s", id, found, what, s.read("nowcast.log"))
	}
	return found
}

func (s *system) reachesState(id int64, want launch.State) launch.Launch {
	s.t.Helper()
	return s.reaches(id, string(want), func(l launch.Launch) bool { return l.State == want })
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
