package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nowcast/internal/core/alerter"
	"nowcast/internal/core/feed"
)

// TestATroubleIsToldAcknowledgedAndOver goes from a daemon's trouble to a webhook outside, and kills the alerter on the way.
func TestATroubleIsToldAcknowledgedAndOver(t *testing.T) {
	var mu sync.Mutex
	var told []alerter.Sending
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s alerter.Sending
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil || s.Key != r.Header.Get("Idempotency-Key") {
			t.Errorf("got %+v, %v", s, err)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, s)
	}))
	defer hook.Close()
	has := func(what, kind string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.ContainsFunc(told, func(s alerter.Sending) bool { return s.What == what && s.Incident != nil && s.Incident.Kind == kind })
		}
	}
	s := newAny(t)
	good := s.read("nowcast.yaml") + "alerts:\n  webhook: {url: \"" + hook.URL + "\"}\n"
	s.write("nowcast.yaml", good)
	s.start("broker")
	manager := s.start("manager")
	watcher := s.start("alerter")

	if out := s.must("alerts", "nowcast.yaml"); out != "no incident is open\n" {
		t.Errorf("got %q", out)
	}
	before := len(s.read("nowcast.log"))
	s.write("nowcast.yaml", good+"zmq: 7\n")
	manager.Process.Signal(syscall.SIGHUP)
	s.logged(t, before, "the configuration in use stays in use")
	s.write("nowcast.yaml", good)
	var open []feed.Incident
	find := func() bool {
		if err := json.Unmarshal([]byte(s.must("alerts", "--json", "nowcast.yaml")), &open); err != nil {
			t.Fatal(err)
		}
		open = slices.DeleteFunc(open, func(i feed.Incident) bool { return i.Kind != notReloaded })
		return len(open) == 1
	}
	s.eventually("the incident", find)
	s.eventually("the message outside", has("begun", notReloaded))

	out := s.must("alerts", "ack", "--note", "I broke it", "nowcast.yaml", "1")
	if !strings.HasPrefix(out, "incident 1 (not reloaded) is acknowledged by ") {
		t.Errorf("got %q", out)
	}
	watcher.Process.Kill()
	watcher.Wait()
	s.start("alerter")
	s.eventually("the incident of the former alerter", find)
	if a := open[0].Acknowledged; a == nil || a.Note != "I broke it" {
		t.Errorf("got %+v, want that it was acknowledged before the alerter was killed", a)
	}
	manager.Process.Signal(syscall.SIGHUP)
	s.eventually("its end outside", has("ended", notReloaded))

	if _, code := s.run("alerts", "ack", "nowcast.yaml", "twelve"); code != exitUsage {
		t.Errorf("got exit code %d, want %d", code, exitUsage)
	}
	if out, code := s.run("alerts", "snooze", "nowcast.yaml", "1"); code != exitFailed || !strings.Contains(out, "incident 1 has ended at") {
		t.Errorf("got %d and %q", code, out)
	}
	before = len(s.read("nowcast.log"))
	s.write("nowcast.yaml", good+"zmq: 7\n")
	manager.Process.Signal(syscall.SIGHUP)
	s.logged(t, before, "the configuration in use stays in use")
	s.write("nowcast.yaml", good)
	s.eventually("the incident again", find)
	id := fmt.Sprint(open[0].ID)
	if out := s.must("alerts", "close", "--note", "it stays so", "nowcast.yaml", id); !strings.HasPrefix(out, "incident "+id+" (not reloaded) is closed by ") || !strings.HasSuffix(out, ": it stays so\n") {
		t.Errorf("got %q", out)
	}
	if find() {
		t.Errorf("it is still open: %+v", open)
	}
}

// The alerter reads the file, too, and its own alert stands for those of the others.
func TestAFileThatIsRepairedIsNoTroubleAnyMore(t *testing.T) {
	s := newAny(t)
	good := s.read("nowcast.yaml")
	daemons := []*child{s.start("broker"), s.start("manager"), s.start("alerter")}
	refused := func() {
		t.Helper()
		s.write("nowcast.yaml", good+"barrier time limit: nonsense\n")
		hangup(daemons...)
		s.eventually("the incident, with its cause", func() bool {
			out := s.must("alerts", s.config)
			return strings.Contains(out, notReloaded) && strings.Contains(out, "barrier time limit")
		})
		s.write("nowcast.yaml", good)
	}
	over := func() bool { return s.must("alerts", s.config) == "no incident is open\n" }

	refused()
	hangup(daemons...)
	s.eventually("its end", over)

	refused()
	daemons[2].Process.Kill()
	daemons[2].Wait()
	hangup(daemons[:2]...)
	s.start("alerter")
	s.eventually("its end after the next start of the alerter", over)
}
