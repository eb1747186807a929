package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/getsentry/sentry-go"

	"nowcast/internal/core/feed"
)

// recordQueue is how many records wait to be looked at. With one more the new one is lost, and counted if it was an error.
const recordQueue = 500

// Sentry makes events of the errors that one process logs. What was logged before an error goes with it, 100 records at most.
type Sentry struct {
	hub     *sentry.Hub
	name    string
	stderr  io.Writer
	records chan feed.LogRecord
	lost    atomic.Int64 // errors that found the queue full

	attempts context.Context // over when Close has waited long enough
	abandon  context.CancelFunc
	running  sync.WaitGroup

	mu     sync.RWMutex // held for writing by Close
	closed bool         // guarded by mu
}

// NewSentry returns a Sentry for the process of the given name. What it cannot send it says on stderr. The error of a DSN that
// is none does not contain it. Without a DSN the Sentry is nil, which can be closed.
func NewSentry(dsn, name string, stderr io.Writer) (*Sentry, error) {
	if dsn == "" {
		return nil, nil
	}
	if _, err := sentry.NewDsn(dsn); err != nil {
		return nil, errors.New("SENTRY_DSN is not a DSN of Sentry, https://KEY@HOST/PROJECT; errors are not sent to Sentry: correct it and restart")
	}
	s := &Sentry{name: name, stderr: stderr, records: make(chan feed.LogRecord, recordQueue)}
	s.attempts, s.abandon = context.WithCancel(context.Background())
	transport := sentry.NewHTTPSyncTransport() // the queue is ours: one that also holds what led to an error
	transport.Timeout = attemptTime
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn:           dsn,
		Release:       release(),
		Transport:     transport,
		HTTPTransport: &watched{s: s, next: http.DefaultTransport},
		// The default ones add what belongs to programs with stack traces, and start Git to find out a release.
		Integrations:         func([]sentry.Integration) []sentry.Integration { return nil },
		DisableClientReports: true,
	})
	if err != nil {
		return nil, errors.New("the client of Sentry cannot be made; errors are not sent to Sentry") // its text may have the DSN
	}
	s.hub = sentry.NewHub(client, sentry.NewScope())
	s.running.Go(s.run)
	return s, nil
}

// Log is shown a record. It never waits.
func (s *Sentry) Log(r feed.LogRecord) {
	if r.Level < slog.LevelInfo {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return
	}
	select {
	case s.records <- r:
	default:
		if r.Level >= slog.LevelError {
			s.lost.Add(1)
		}
	}
}

func (s *Sentry) run() {
	for r := range s.records {
		if lost := s.lost.Swap(0); lost > 0 {
			fmt.Fprintf(s.stderr, "%s: %d errors were not sent to Sentry: it did not keep up; they are in the log\n", s.name, lost)
		}
		if r.Level >= slog.LevelError {
			s.hub.CaptureEvent(event(r, s.name))
		} else {
			s.hub.AddBreadcrumb(breadcrumb(r), nil)
		}
	}
}

// Close sends what waits, for two seconds.
func (s *Sentry) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.records)
	s.mu.Unlock()
	late := time.AfterFunc(farewell, s.abandon)
	defer late.Stop()
	s.running.Wait()
	s.hub.Client().Close()
}

// watched sees whether Sentry can be reached, which the library says nowhere, and ends requests that Close does not wait for.
type watched struct {
	s    *Sentry
	next http.RoundTripper
	down bool // of run's goroutine
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(w.s.attempts, attemptTime) // in place of that of the library, which knows no Close
	response, err := w.next.RoundTrip(r.WithContext(ctx))
	context.AfterFunc(r.Context(), cancel)
	problem := err
	if err == nil && response.StatusCode >= 300 {
		problem = errors.New("the answer was " + response.Status)
	}
	switch {
	case problem != nil && !w.down:
		fmt.Fprintf(w.s.stderr, "%s: errors cannot be sent to Sentry; they are in the log: %v\n", w.s.name, problem)
	case problem == nil && w.down:
		fmt.Fprintf(w.s.stderr, "%s: Sentry takes errors again\n", w.s.name)
	}
	w.down = problem != nil
	return response, err
}
