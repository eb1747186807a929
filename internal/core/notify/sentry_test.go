package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/feed"
)

// sentryServer keeps the events that arrive at a DSN of its own.
type sentryServer struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request) // nil: always 200

	mu     sync.Mutex
	events []map[string]any // guarded by mu
}

func newSentryServer(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *sentryServer {
	t.Helper()
	s := &sentryServer{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/api/1/envelope/" {
			t.Errorf("got %s, %v", r.URL.Path, err)
		}
		for line := range bytes.Lines(body) {
			var e map[string]any
			if json.Unmarshal(line, &e) == nil && e["message"] != nil {
				s.mu.Lock()
				s.events = append(s.events, e)
				s.mu.Unlock()
			}
		}
		if s.answer != nil {
			s.answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sentryServer) dsn() string { return strings.Replace(s.URL, "//", "//key@", 1) + "/1" }

func (s *sentryServer) got() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any{}, s.events...)
}

func open(t *testing.T, dsn string, stderr io.Writer) *Sentry {
	t.Helper()
	s, err := NewSentry(dsn, "make_plots", stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func logged(level slog.Level, message string) feed.LogRecord {
	return feed.LogRecord{Time: time.Date(2026, 11, 22, 5, 40, 0, 0, time.UTC), Level: level, Name: "make_plots", Message: message,
		Host: "skookum", PID: 4711, Launch: 17}
}

// at follows keys into decoded JSON.
func at(v any, keys ...any) any {
	for _, k := range keys {
		switch m := v.(type) {
		case map[string]any:
			v = m[k.(string)]
		case []any:
			i, ok := k.(int)
			if !ok || i >= len(m) {
				return nil
			}
			v = m[i]
		default:
			return nil
		}
	}
	return v
}

func TestAnErrorArrivesWithWhereAndWhatLedToIt(t *testing.T) {
	server := newSentryServer(t, nil)
	s := open(t, server.dsn(), io.Discard)
	s.Log(logged(slog.LevelDebug, "not of interest"))
	s.Log(logged(slog.LevelInfo, "plotting nowcast"))
	s.Log(logged(slog.LevelWarn, "no tides"))
	s.Log(logged(slog.LevelError+4, "unhandled exception:\nTraceback (most recent call last):\n  File \"x.py\", line 3, in f\nValueError: no data"))
	s.Close()
	events := server.got()
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1: %v", len(events), events)
	}
	e := events[0]
	for _, tc := range []struct {
		want any
		keys []any
	}{
		{"unhandled exception:", []any{"message"}},
		{"fatal", []any{"level"}},
		{"make_plots", []any{"logger"}},
		{"skookum", []any{"server_name"}},
		{"2026-11-22T05:40:00Z", []any{"timestamp"}},
		{"make_plots", []any{"tags", "worker"}},
		{"17", []any{"tags", "launch"}},
		{float64(4711), []any{"contexts", "log", "process"}},
		{"Traceback (most recent call last):\n  File \"x.py\", line 3, in f\nValueError: no data", []any{"contexts", "log", "traceback"}},
		{"ValueError", []any{"exception", 0, "type"}},
		{"no data", []any{"exception", 0, "value"}},
		{"plotting nowcast", []any{"breadcrumbs", 0, "message"}},
		{"no tides", []any{"breadcrumbs", 1, "message"}},
		{"warning", []any{"breadcrumbs", 1, "level"}},
		{nil, []any{"breadcrumbs", 2}},
	} {
		if diff := cmp.Diff(tc.want, at(e, tc.keys...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tc.keys, diff)
		}
	}
	if release, _ := e["release"].(string); !strings.HasPrefix(release, "nowcast@") {
		t.Errorf("got release %q, want nowcast@ and a version", release)
	}
}

func TestTypeAndValueAreFoundInTracebacks(t *testing.T) {
	for detail, want := range map[string][2]string{
		"Traceback (most recent call last):\n  File \"a\", line 1\nKeyError: 'x'\n": {"KeyError", "'x'"},
		"Traceback (most recent call last):\n  File \"a\", line 1\na.b.Oops":        {"a.b.Oops", ""},
		"*fs.PathError: open /x: no such file":                                      {"*fs.PathError", "open /x: no such file"},
		"panic: boom\n\ngoroutine 1 [running]:":                                     {"panic", "boom"},
		"nowcast.yaml:5: zmq: is missing":                                           {},
		"":                                                                          {},
	} {
		typ, value, _ := exception(detail)
		if got := [2]string{typ, value}; got != want {
			t.Errorf("%q: got %q, want %q", detail, got, want)
		}
	}
}

// safeBuffer is written and read by different goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestASentryThatHangsDelaysNobodyAndTheEndByTwoSeconds(t *testing.T) {
	hang := make(chan struct{})
	answer := sync.OnceFunc(func() { close(hang) })
	defer answer()
	server := newSentryServer(t, func(http.ResponseWriter, *http.Request) { <-hang })
	var stderr safeBuffer
	s := open(t, server.dsn(), &stderr)
	logs := make(chan struct{})
	go func() {
		defer close(logs)
		for range 10 * recordQueue {
			s.Log(logged(slog.LevelError, "oops"))
		}
	}()
	select {
	case <-logs:
	case <-time.After(10 * time.Second):
		t.Fatal("Log waits for a server that hangs")
	}
	began := time.Now()
	s.Close()
	took := time.Since(began)
	answer()
	if took < farewell-100*time.Millisecond || took > 3*farewell {
		t.Errorf("Close took %v, want %v", took, farewell)
	}
	if got := s.lost.Load(); got == 0 && !strings.Contains(stderr.String(), "errors were not sent to Sentry: it did not keep up") {
		t.Errorf("got on stderr %q, want how many were lost", stderr.String())
	}
}

func TestADeadSentryIsSaidOnceAndWhenItIsBack(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	var stderr safeBuffer
	s := open(t, strings.Replace(dead.URL, "//", "//key@", 1)+"/1", &stderr)
	for range 3 {
		s.Log(logged(slog.LevelError, "oops"))
	}
	s.Close()
	got := stderr.String()
	if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "make_plots: errors cannot be sent to Sentry; they are in the log: dial tcp") || strings.Contains(got, "key") {
		t.Errorf("got on stderr %q, want one line without the key", got)
	}

	answers := make(chan int, 3)
	for _, code := range []int{500, 500, 200} {
		answers <- code
	}
	server := newSentryServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) })
	stderr = safeBuffer{}
	s = open(t, server.dsn(), &stderr)
	for range 3 {
		s.Log(logged(slog.LevelError, "oops"))
	}
	s.Close()
	want := "make_plots: errors cannot be sent to Sentry; they are in the log: the answer was 500 Internal Server Error\nmake_plots: Sentry takes errors again\n"
	if got := stderr.String(); got != want {
		t.Errorf("got on stderr %q, want %q", got, want)
	}
}

func TestAValueThatIsNoDSNIsAnErrorThatDoesNotShowIt(t *testing.T) {
	for _, dsn := range []string{"s3cret", "https://s3cret.example/1", "https://s3cret@x.example/", "ftp://s3cret@x.example/1"} {
		_, err := NewSentry(dsn, "manager", io.Discard)
		if err == nil || strings.Contains(err.Error(), "s3cret") || errors.Unwrap(err) != nil {
			t.Errorf("%s: got %v, want an error without it", dsn, err)
		}
	}
}
