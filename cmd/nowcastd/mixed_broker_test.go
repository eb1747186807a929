package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOurManagerBehindThePythonBroker: there is nobody to take what the manager publishes, or to answer commands. It works all
// the same, and an operator learns who is missing. (That what is published does not pile up: internal/core/feed.)
func TestOurManagerBehindThePythonBroker(t *testing.T) {
	t.Parallel()
	s := newMixed(t, mixedLocalLogging)
	broker := s.broker(python)
	s.manager(ours)
	out, code := s.run("status", s.config)
	if want := "nowcastd broker is missing: socket "; code != exitNobody || !strings.Contains(out, want) {
		t.Errorf("nowcastd status: got exit code %d and %q, want %d and %q", code, out, exitNobody, want)
	}
	s.playChain(python)
	broker.stop()
	s.broker(ours)
	s.eventually("the manager's answer", func() bool {
		_, code := s.run("status", s.config)
		return code == 0
	})
	want := []string{"download", "grid", "tides", "publish", "verify"}
	var got []string
	for _, l := range s.status().Launches {
		got = append(got, l.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("launches that our broker came too late for (-want +got):\n%s", diff)
	}
}
