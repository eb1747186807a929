package workers

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// TestMain lets the test binary be a worker, as a real process.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_WORKER") != "" {
		Main(Worker{
			Name: "test_worker", Description: "Test.",
			Flags: func(f *Flags) { f.Switch("wait", "wait for a signal") },
			Work: func(ctx context.Context, w *Run) (any, error) {
				if w.Switch("wait") {
					w.Log.Info("waiting")
					<-ctx.Done()
				}
				return nil, nil
			},
		})
	}
	os.Exit(m.Run())
}

func asWorker(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TEST_AS_WORKER=1", "NOWCAST_LAUNCH=12")
	cmd.Stderr = os.Stderr
	return cmd
}

func TestWorkerAsAProcess(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	if err := asWorker(s.config).Run(); err != nil {
		t.Errorf("got %v, want exit status 0", err)
	}
	if got := m.next(t); got.Type != "success" || got.Launch != 12 {
		t.Errorf("got %+v, want success of launch 12", got)
	}
	if err := asWorker().Run(); err == nil || err.Error() != "exit status 2" {
		t.Errorf("got %v without arguments, want exit status 2", err)
	}
}

func TestWorkerAsAProcessEndsOnSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			s := newSite(t, noPort)
			cmd := asWorker("--debug", "--wait", s.config)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for lines := bufio.NewScanner(out); lines.Scan(); {
				text.WriteString(lines.Text() + "\n")
				if strings.HasSuffix(lines.Text(), "waiting") {
					cmd.Process.Signal(signal)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("got %v, want exit status 0", err)
			}
			if !strings.Contains(text.String(), "signal (SIG") || !strings.HasSuffix(text.String(), "shutting down\n") {
				t.Errorf("got log\n%s\nwant it to end with the signal", &text)
			}
		})
	}
}

func TestLogOfAWorkerIsOnTheFeed(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	state := filepath.Join(s.dir, ".nowcast")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	endpoint, err := wire.IPC(filepath.Join(state, "feed-in.sock"))
	if err != nil {
		t.Fatal(err)
	}
	hub, err := wire.Open(wire.Options{Kind: wire.Router, Bind: []string{endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	if err := asWorker(s.config).Run(); err != nil {
		t.Fatal(err)
	}
	got := map[string]feed.LogRecord{}
	deadline := time.After(patience)
	for len(got) < 7 {
		select {
		case batch := <-hub.Receive():
			for _, frames := range batch {
				topic, body := string(frames[len(frames)-2]), frames[len(frames)-1]
				var event feed.Event
				var records []feed.LogRecord
				if err := json.Unmarshal(body, &event); err != nil {
					t.Fatalf("%v in %q %q", err, topic, body)
				}
				if err := json.Unmarshal(event.Body, &records); err != nil {
					t.Fatalf("%v in %q %q", err, topic, event.Body)
				}
				for _, r := range records {
					got[r.Message] = r
				}
			}
		case <-deadline:
			t.Fatalf("got only %v", got)
		}
	}
	r, ok := got["sent message: (success) it went well"]
	if !ok || r.Launch != 12 || r.PID == 0 || r.Name != "test_worker" || r.Host == "" {
		t.Errorf("got %+v of %v, want the record of the message, with launch, process and host", r, got)
	}
}

// BenchmarkFirstLogLine measures from the start of a worker's process to its first log line.
func BenchmarkFirstLogLine(b *testing.B) {
	s := newSite(b, noPort)
	for b.Loop() {
		cmd := asWorker("--debug", s.config)
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || !strings.Contains(lines.Text(), "running in process") {
			b.Fatalf("got %q first", lines.Text())
		}
		b.StopTimer()
		for lines.Scan() {
		}
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkWholeWorker measures a worker that does nothing but report, from start to exit.
func BenchmarkWholeWorker(b *testing.B) {
	m := startManager(b, "normal")
	s := newSite(b, m.port)
	for b.Loop() {
		if err := asWorker(s.config).Run(); err != nil {
			b.Fatal(err)
		}
		m.next(b)
	}
}
