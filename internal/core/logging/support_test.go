package logging

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/config"
)

const head = `
checklist file: checklist.yaml
zmq: {host: 127.0.0.1, ports: {manager: 4343, workers: 4344%s}}
message registry:
  next workers module: rules.star
  workers: {sleep: {checklist key: sleepyhead, success: slept}}
`

// load returns a configuration whose section logging is text, in a directory of its own.
func load(t testing.TB, text string) *config.Config { return loadPorts(t, text, "") }

func loadPorts(t testing.TB, text, ports string) *config.Config {
	t.Helper()
	if ports != "" {
		ports = ", logging: {" + ports + "}"
	}
	c, err := loadText(t, strings.Replace(head, "%s", ports, 1)+text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tryLoad is load for a section that may be wrong.
func tryLoad(t testing.TB, text string) (*config.Config, error) {
	t.Helper()
	return loadText(t, strings.Replace(head, "%s", "", 1)+text)
}

func loadText(t testing.TB, text string) (*config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nowcast.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(file, func(string) (string, bool) { return "", false })
}

// open returns a Log whose console is in the buffers of the result.
func open(t testing.TB, c *config.Config, name string, role Role, o Options) *opened {
	t.Helper()
	l := &opened{dir: filepath.Dir(c.File)}
	o.Stdout, o.Stderr = &l.out, &l.err
	log, err := Open(c, name, role, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	l.Log = log
	return l
}

type opened struct {
	*Log
	dir      string
	clock    time.Duration
	out, err safeBuffer
}

// later logs a record as if some time had passed, so that files are looked at again.
func (o *opened) later(t testing.TB, message string) {
	t.Helper()
	o.clock += lookEvery
	r := slog.NewRecord(time.Now().Add(o.clock), slog.LevelInfo, message, 0)
	if err := o.Logger("manager").Handler().Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// file returns what is in a log file.
func (o *opened) file(t testing.TB, name string) string {
	t.Helper()
	o.flush()
	data, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files returns what is in all files whose names match.
func (o *opened) files(t testing.TB, pattern string) map[string]string {
	t.Helper()
	o.flush()
	names, err := filepath.Glob(filepath.Join(o.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		all[filepath.Base(name)] = o.file(t, filepath.Base(name))
	}
	return all
}

// inZone makes a time zone the local one for a test.
func inZone(t testing.TB, zone string) {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	local := time.Local
	time.Local = location
	t.Cleanup(func() { time.Local = local })
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// flush ends a burst: it is what a few milliseconds would do.
func (o *opened) flush() {
	if o.Log == nil {
		return
	}
	for _, t := range o.tree.Load().targets {
		if f, ok := t.sink.(*file); ok {
			f.mu.Lock()
			if !f.closed {
				f.flush()
			}
			f.mu.Unlock()
		}
	}
}
