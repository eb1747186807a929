package daemon

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

const (
	// mostOpen is how many alerts of one daemon are open at once. With one more the oldest is ended, and says why.
	mostOpen = 200

	// keepOver is how many there are of those that have ended.
	keepOver = 50

	// keepEnded is how long heartbeats go on to tell of an alert that has ended: a reader who came late learns of one that was short.
	keepEnded = time.Minute
)

// Alerts are the troubles of one daemon that last. Heartbeats tell of all of them, so who missed the beginning or the end of one learns of
// it within Every. Its methods are safe for concurrent use and wait for nothing.
type Alerts struct {
	publish func(topic string, body any)
	now     func() time.Time

	mu  sync.Mutex     // guards all; held while something is published, so that a heartbeat is never older than what came before it
	all []engine.Alert // oldest first: open, or ended within keepEnded
}

// NewAlerts returns the alerts of a daemon that has none. publish is feed.Publisher.Publish; it must not wait.
func NewAlerts(publish func(topic string, body any), now func() time.Time) *Alerts {
	return &Alerts{publish: publish, now: now}
}

// Raise opens an alert; Key says what it is about. If one with this key is open, the same trouble is counted in it once more; unless it
// began at the same time: then it is the same alert, corrected. Time is now unless it is given.
func (s *Alerts) Raise(a engine.Alert) {
	a.Message = engine.CutAlert(a.Message)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UTC()
	if old := s.open(a.Key); old != nil {
		if !old.Time.Equal(a.Time) {
			old.Count, old.Last = max(old.Count, 1)+1, &now
		}
		said := old.Kind == a.Kind && old.Message == a.Message && bytes.Equal(old.Args, a.Args)
		old.Kind = a.Kind
		old.Message, old.Worker, old.Launch, old.Offer, old.Args, old.Because = a.Message, a.Worker, a.Launch, a.Offer, a.Args, a.Because
		if !said { // else the next heartbeat is soon enough: it may be the tenth time in this second
			s.publish(feed.StreamAlert, *old)
		}
		return
	}
	if a.Time.IsZero() {
		a.Time = now
	}
	s.all = append(s.all, a)
	s.publish(feed.StreamAlert, a)
	s.makeRoom(now)
}

// makeRoom ends the oldest alert if too many are open, and forgets the oldest of those that have ended. The caller holds mu.
func (s *Alerts) makeRoom(now time.Time) {
	open := 0
	for i := range s.all {
		if s.all[i].Open() {
			open++
		}
	}
	if open > mostOpen {
		oldest := &s.all[slices.IndexFunc(s.all, func(a engine.Alert) bool { return a.Open() })]
		oldest.Ended, oldest.End = &now, engine.EndTooMany
		s.publish(feed.StreamAlert, *oldest)
		open--
	}
	over := len(s.all) - open - keepOver
	s.all = slices.DeleteFunc(s.all, func(a engine.Alert) bool {
		drop := over > 0 && !a.Open()
		if drop {
			over--
		}
		return drop
	})
}

// End ends the alert with this key, if there is one: its cause is gone. how is for people, e.g. "it can be written again".
func (s *Alerts) End(key, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.open(key); a != nil {
		now := s.now().UTC()
		a.Ended, a.End = &now, engine.CutAlert(how)
		s.publish(feed.StreamAlert, *a)
	}
}

// Open returns the alert with this key, and whether it is open.
func (s *Alerts) Open(key string) (engine.Alert, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.open(key); a != nil {
		return *a, true
	}
	return engine.Alert{}, false
}

// All returns those that are open, and those that ended a moment ago; oldest first.
func (s *Alerts) All() []engine.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told()
}

// beat publishes a heartbeat with all that is to be told.
func (s *Alerts) beat(h feed.Heartbeat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Alerts = s.told()
	s.publish(feed.StreamDaemon, h)
}

// told forgets what ended long ago and returns the rest. The caller holds mu.
func (s *Alerts) told() []engine.Alert {
	now := s.now()
	s.all = slices.DeleteFunc(s.all, func(a engine.Alert) bool { return a.Ended != nil && now.Sub(*a.Ended) > keepEnded })
	return slices.Clone(s.all)
}

// open returns the open alert with a key, nil if there is none. The caller holds mu.
func (s *Alerts) open(key string) *engine.Alert {
	for i := range s.all {
		if s.all[i].Key == key && s.all[i].Open() {
			return &s.all[i]
		}
	}
	return nil
}
