package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nowcast/internal/core/message"
)

// outside is a server that keeps what is posted to it.
type outside struct {
	*httptest.Server
	hang chan struct{} // closed: requests are answered

	mu     sync.Mutex
	bodies []string // guarded by mu
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{hang: make(chan struct{})}
	o.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		o.bodies = append(o.bodies, r.URL.Path+" "+string(body))
		o.mu.Unlock()
		<-o.hang
	}))
	t.Cleanup(func() {
		o.answer()
		o.Close()
	})
	return o
}

func (o *outside) answer() {
	select {
	case <-o.hang:
	default:
		close(o.hang)
	}
}

func (o *outside) got() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.bodies...)
}

const slackSection = `
slack notifications:
  SLACK_DAILY: [any]
  SLACK_UNSET: [any]
  website log url: https://x.example/nowcast.log
`

func TestReportsGoToSlackAndNobodyWaitsForIt(t *testing.T) {
	slack := newOutside(t) // takes requests and does not answer
	s := newAny(t)
	s.env = append(s.env, "SLACK_DAILY="+slack.URL+"/services/s3cret")
	s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "level: INFO", "level: DEBUG", -1)+slackSection)
	s.start("broker")
	manager := s.start("manager")
	r := s.requester()
	for range 50 {
		if got := ask(t, r, message.Message{Source: "any", Type: "success"}); got.Type != message.Ack {
			t.Fatalf("got the reply %q, want ack", got.Type)
		}
	}
	ask(t, r, message.Message{Source: "late", Type: "success"}) // not listed
	s.logged(t, 0, "DEBUG", "[manager] slack notification environment variable not found: SLACK_UNSET")
	s.eventually("a request to Slack", func() bool { return len(slack.got()) > 0 })
	want := `/services/s3cret {"text":"any: success\nLog: https://x.example/nowcast.log"}`
	if got := slack.got(); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want one %s while it is not answered", got, want)
	}

	s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "SLACK_DAILY: [any]", "SLACK_DAILY: [late]", 1))
	before := len(s.read("nowcast.log"))
	manager.Process.Signal(syscall.SIGHUP)
	s.logged(t, before, "configuration reloaded")
	ask(t, r, message.Message{Source: "any", Type: "success"})
	ask(t, r, message.Message{Source: "late", Type: "success"})
	slack.answer()
	s.eventually("the rest of the reports", func() bool { return len(slack.got()) == 51 })
	if got := slack.got(); !strings.Contains(got[50], `"text":"late: success\n`) {
		t.Errorf("got the last one %s, want that of late: the section was reloaded", got[50])
	}
	if err := manager.stop(); err != nil {
		t.Error(err)
	}
	if log := s.read("nowcast.log"); strings.Contains(log, "s3cret") {
		t.Errorf("the log has the secret in it:\n%s", log)
	}
}

// events are those that have arrived at a stand-in of Sentry.
func (o *outside) events() (events []map[string]any) {
	for _, body := range o.got() {
		for line := range bytes.Lines([]byte(body)) {
			var e map[string]any
			if json.Unmarshal(line, &e) == nil && e["message"] != nil {
				events = append(events, e)
			}
		}
	}
	return events
}

func TestErrorsOfDaemonsAndWorkersGoToSentry(t *testing.T) {
	sentry := newOutside(t)
	sentry.answer()
	s := newAny(t)
	s.env = append(s.env, "SENTRY_DSN="+strings.Replace(sentry.URL, "//", "//key@", 1)+"/1")
	s.start("broker")
	s.start("manager")
	ask(t, s.requester(), message.Message{Source: "nobody", Type: "success"})
	s.eventually("an event of the manager", func() bool { return len(sentry.events()) == 1 })
	if got := s.execute("", "worker", "awaken", s.config); got.code == 0 {
		t.Errorf("got %+v, want a failure: awaken is not registered", got)
	}
	events := sentry.events()
	if len(events) < 2 {
		t.Fatalf("got %v, want events of the manager and of the worker", events)
	}
	for i, want := range []struct{ logger, level, message string }{
		{"manager", "error", "message received from unregistered worker: nobody"},
		{"awaken", "error", "worker not found in " + s.config + " message registry: awaken"},
	} {
		e := events[i]
		if e["logger"] != want.logger || e["level"] != want.level || e["message"] != want.message || e["server_name"] == nil {
			t.Errorf("got %v, want %+v", e, want)
		}
	}
}

func TestWithoutAUsableSentryEverythingWorksAndItIsSaid(t *testing.T) {
	hung := newOutside(t)
	s := newAny(t)
	s.env = append(s.env, "SENTRY_DSN=s3cret")
	s.start("broker")
	s.logged(t, 0, "WARNING", "SENTRY_DSN is not a DSN of Sentry")
	s.env = append(s.env, "SENTRY_DSN="+strings.Replace(hung.URL, "//", "//key@", 1)+"/1")
	s.start("manager")
	r := s.requester()
	for range 50 { // each is an error in the log
		if got := ask(t, r, message.Message{Source: "nobody", Type: "success"}); got.Type != message.UnregisteredWork {
			t.Fatalf("got the reply %q, want %s", got.Type, message.UnregisteredWork)
		}
	}
	if strings.Contains(s.read("nowcast.log"), "s3cret") {
		t.Error("the log has the secret in it")
	}
}
