package workers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should take milliseconds.
const patience = 60 * time.Second

// told is a message as the Python manager saw it; Payload is its repr.
type told struct {
	Source, Type, Payload string
	Launch                int64
	Other                 []string
}

// manager is testdata/manager.py at work.
type manager struct {
	port     int
	messages chan told
	stdin    io.WriteCloser
}

func startManager(t testing.TB, how string) *manager {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/manager.py", how)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{messages: make(chan told, 100)}
	if m.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	if !lines.Scan() {
		t.Fatalf("the manager did not say its port: %v", lines.Err())
	}
	if m.port, err = strconv.Atoi(lines.Text()); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines.Scan() {
			var got told
			if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
				t.Errorf("%v in %q", err, lines.Text())
			}
			m.messages <- got
		}
		close(m.messages)
	})
	t.Cleanup(func() {
		cmd.Process.Kill()
		reading.Wait()
		cmd.Wait()
	})
	return m
}

// next returns the next message the manager got.
func (m *manager) next(t testing.TB) told {
	t.Helper()
	select {
	case got, ok := <-m.messages:
		if !ok {
			t.Fatal("the manager has died")
		}
		return got
	case <-time.After(patience):
		t.Fatal("the manager got no message")
	}
	panic("unreachable")
}

// none fails if there is a message that was not asked for.
func (m *manager) none(t testing.TB) {
	t.Helper()
	select {
	case got := <-m.messages:
		t.Errorf("got message %+v, want none", got)
	default:
	}
}

// site is a directory with a configuration whose log has levels, names and messages only.
type site struct {
	dir, config, log string
}

const configuration = `checklist file: {{dir}}/checklist.yaml
zmq:
  host: localhost
  ports:
    manager: 1
    workers: {{port}}
message registry:
  manager:
    ack: message acknowledged
    checklist cleared: system checklist cleared
    unregistered worker: ERROR - message received from unregistered worker
    unregistered message type: ERROR - unregistered message type received from worker
    no after_worker function: ERROR - after_worker function not found in next_workers module
  next workers module: rules.star
  workers:
    test_worker:
      checklist key: tests
      success: it went well
      success forecast: the forecast went well
      failure: it failed
      need: asking for something
      crash: it crashed
    no_failure:
      success: it went well
      crash: it crashed
    several:
      success nowcast: one
      success forecast: two
      failure: it failed
      crash: it crashed
    single:
      success today: one
      failure today: one
      crash: it crashed
logging:
  version: 1
  formatters:
    simple:
      format: '%(levelname)s [%(name)s] %(message)s'
  handlers:
    console:
      class: logging.StreamHandler
      level: 100
      formatter: simple
      stream: ext://sys.stdout
    file:
      class: logging.FileHandler
      level: DEBUG
      formatter: simple
      filename: {{dir}}/nowcast.log
  root:
    level: DEBUG
    handlers: [console, file]
rivers:
  stations: {Fraser: 08MF005, Skagit: 12200500}
  5: [a, b]
`

// noPort is for sites without a manager.
const noPort = 2

func newSite(t testing.TB, port int) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc") // short: it contains sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &site{dir: dir, config: filepath.Join(dir, "nowcast.yaml"), log: filepath.Join(dir, "nowcast.log")}
	text := strings.NewReplacer("{{dir}}", dir, "{{port}}", strconv.Itoa(port)).Replace(configuration)
	if err := os.WriteFile(s.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

var changing = regexp.MustCompile(`(in process )\d+|(/tmp/nc)\d+|(port )\d+`)

// lines returns the log with what differs from run to run made equal.
func (s *site) lines(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	return plain(strings.ReplaceAll(string(data), s.dir, "/site"))
}

func plain(text string) string { return changing.ReplaceAllString(text, "${1}${2}${3}N") }

// console is a Process of a test.
type console struct {
	Process
	out, err bytes.Buffer
	signals  chan os.Signal
}

func newConsole(env map[string]string, args ...string) *console {
	c := &console{signals: make(chan os.Signal, 4)}
	c.Process = Process{
		Args:      args,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Stdout:    &c.out, Stderr: &c.err, Signals: c.signals,
	}
	return c
}

// begin is what every worker logs first, in sites.
func begin(name string) string {
	return fmt.Sprintf(`INFO [%[1]s] running in process N
INFO [%[1]s] read config from /site/nowcast.yaml
INFO [%[1]s] writing log messages to local file system
INFO [%[1]s] connected to localhost port N
`, name)
}
