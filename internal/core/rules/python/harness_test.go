package python

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

const interpreter = "/usr/bin/python3"

// bench has rules in a directory of its own, and what they said.
type bench struct {
	*Rules
	t         testing.TB
	dir       string
	cfg       *config.Config
	checklist *checklist.Checklist
	said      *said
}

// said is a log.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// newBench writes files, given as name and text in turn, and has a configuration for the module.
func newBench(t testing.TB, module string, files ...string) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), checklist: checklist.New(nil), said: &said{}}
	b.cfg = &config.Config{File: filepath.Join(b.dir, "nowcast.yaml"), Python: interpreter, Values: pyyaml.MapOf("results", "/results")}
	b.cfg.Registry.NextWorkers = module
	b.cfg.Registry.Workers = map[string]config.Worker{"w": {}, "a": {}, "b": {}, "c": {}}
	b.write(files...)
	return b
}

func (b *bench) write(files ...string) {
	b.t.Helper()
	for i := 0; i < len(files); i += 2 {
		file := filepath.Join(b.dir, files[i])
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[i+1]), 0o666); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) open() error {
	logger := slog.New(slog.NewTextHandler(b.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := Open(Options{Config: b.cfg, Env: append(os.Environ(), "PYTHONPATH="+b.dir), Logger: logger,
		Record: func(name string, level slog.Level, message, exc string) {
			fmt.Fprintf(b.said, "%s %v %s %s\n", name, level, message, exc)
		}})
	if err == nil {
		b.Rules = r
		b.t.Cleanup(func() { r.Close() })
	}
	return err
}

// opened has rules of one file.
func opened(t testing.TB, text string) *bench {
	t.Helper()
	b := newBench(t, "next_workers", "next_workers.py", text)
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	return b
}

// report is what the manager does with a message.
func (b *bench) report(worker string, payload pyyaml.Value) (launch.Next, error) {
	if payload != nil {
		ch := b.checklist.Report(worker, payload)
		b.checklist.Apply(ch)
		b.Changed(ch)
	}
	return b.After(context.Background(), message.Message{Source: worker, Type: "success", Payload: payload}, b.checklist.Map())
}

// launches is report for a rule that returns one worker: its arguments.
func (b *bench) launches(worker string, payload pyyaml.Value) string {
	b.t.Helper()
	n, err := b.report(worker, payload)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.said)
	}
	if len(n.Workers) != 1 {
		b.t.Fatalf("got %+v, want one worker", n)
	}
	return strings.Join(n.Workers[0].Args, " ")
}

// logged waits for a text in the log.
func (b *bench) logged(want string) {
	b.t.Helper()
	if !within(10*time.Second, func() bool { return strings.Contains(b.said.String(), want) }) {
		b.t.Errorf("got the log\n%.3000s\nwant %q in it", b.said, want)
	}
}

func within(d time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(d); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
