package main

import (
	"strings"
	"sync"
	"testing"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
	"nowcast/internal/faults"
)

// alertsOf are what the feed tells about one trouble.
type alertsOf struct {
	mu  sync.Mutex
	all []engine.Alert // guarded by mu
}

func watchAlerts(t *testing.T, w *faults.World, kind string) *alertsOf {
	t.Helper()
	endpoint, err := wire.IPC(w.StateFile("feed.sock"))
	if err != nil {
		t.Fatal(err)
	}
	events, err := feed.Subscribe(t.Context(), endpoint, []string{feed.StreamAlert})
	if err != nil {
		t.Fatal(err)
	}
	s := &alertsOf{}
	go func() {
		for batch := range events {
			for _, e := range batch {
				var a engine.Alert
				if e.Decode(&a) == nil && a.Kind == kind {
					s.mu.Lock()
					s.all = append(s.all, a)
					s.mu.Unlock()
				}
			}
		}
	}()
	return s
}

// begun and over tell what the n-th alert that was told says: that it has begun because of something, that it is over. (Of the manager's
// store, which are told at the beginning and at the end.)
func (s *alertsOf) begun(n int, why string) func() bool {
	return func() bool {
		a, ok := s.told(2 * n)
		return ok && a.Open() && strings.Contains(a.Message, why)
	}
}

func (s *alertsOf) over(n int) func() bool {
	return func() bool {
		a, ok := s.told(2*n + 1)
		return ok && !a.Open()
	}
}

// last tells whether the one that was told last is open.
func (s *alertsOf) last(open bool) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		n := len(s.all)
		return n > 0 && s.all[n-1].Open() == open
	}
}

func (s *alertsOf) told(n int) (engine.Alert, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= len(s.all) {
		return engine.Alert{}, false
	}
	return s.all[n], true
}
