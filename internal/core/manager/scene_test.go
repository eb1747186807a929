package manager

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// scene is a world in a bubble, where hours pass at once: the worker awaken is launched by each success of sleep.
type scene struct{ *world }

func play(t *testing.T, p config.Policy, act func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{newWorld(t)}
		s.config.Barrier, s.config.Clear = 24*time.Hour, config.ClearHold
		s.setPolicy("awaken", p)
		s.start(false)
		act(t, s)
	})
}

func (s *scene) setPolicy(worker string, p config.Policy) {
	w := s.config.Registry.Workers[worker]
	w.Policy = p
	s.config.Registry.Workers[worker] = w
}

// pass lets so much time pass, and all that happens in it.
func (s *scene) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// launch has a worker launched by an operator and returns the launch's id.
func (s *scene) launch(module string, args ...string) int64 {
	s.t.Helper()
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	reply := s.do(control.CmdLaunch, fmt.Sprintf(`{"module": %q, "args": [%s]}`, module, strings.Join(quoted, ", ")))
	if reply.Error != "" {
		s.t.Fatal(reply.Error)
	}
	s.pass(time.Millisecond)
	return s.lastID()
}

func (s *scene) lastID() (last int64) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for id := range s.store.launches {
		last = max(last, id)
	}
	return last
}

func (s *scene) exits(id int64, status int) {
	s.processes.exits <- launch.Exit{ID: id, Time: time.Now(), Status: status}
	s.pass(time.Millisecond)
}

// succeeds has a launch report a success and end.
func (s *scene) succeeds(id int64) {
	s.t.Helper()
	l := s.store.launch(id)
	s.ask(message.Message{Source: l.Name(), Type: "success", Launch: id})
	s.exits(id, 0)
	s.wants(id, launch.Succeeded)
}

func (s *scene) wants(id int64, state launch.State) {
	s.t.Helper()
	if got := s.store.launch(id); got.State != state {
		s.t.Errorf("launch %d: got %s (%s, waits %q), want %s", id, got.State, got.Note, got.Waits, state)
	}
}

// alert returns the stored alert whose key begins with a text, the newest of them.
func (s *scene) alert(key string) (found engine.Alert) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for id, a := range s.store.alerts {
		if strings.HasPrefix(a.Key, key) && id > found.ID {
			found = a
		}
	}
	return found
}

func (s *scene) wantsAlert(key, kind, text string) {
	s.t.Helper()
	if a := s.alert(key); a.ID == 0 || !a.Open() || a.Kind != kind || !strings.Contains(a.Message, text) {
		s.t.Errorf("got alert %+v, want an open one, %q, with %q in it", a, kind, text)
	}
}

func (s *scene) wantsNoAlert(key string) {
	s.t.Helper()
	if a := s.alert(key); a.ID != 0 && a.Open() {
		s.t.Errorf("got the open alert %+v, want none", a)
	}
}

// restart has another manager take over.
func (s *scene) restart() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Fatal(err)
	}
	s.world.start(false)
	s.pass(time.Millisecond)
}

func (s *scene) reload() {
	s.t.Helper()
	c := *s.config
	if err := s.Reload(context.Background(), Change{Config: &c}); err != nil {
		s.t.Fatal(err)
	}
	s.pass(time.Millisecond)
}

func (s *scene) count(entry string) (n int) {
	for _, e := range s.all() {
		if e == entry {
			n++
		}
	}
	return n
}
