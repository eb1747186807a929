package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// fakeManager answers launches as the manager does: a repeated id gets the answer that it got before.
type fakeManager struct {
	t       *testing.T
	file    string     // of the scheduler's state
	mu      sync.Mutex // guards what follows
	down    bool       // nobody answers
	deaf    bool       // it launches, and the answer is lost
	stale   bool       // what is asked for may not be pending any more
	refuses string
	answers map[string]int64
	log     []string // time, author, worker and id of each launch
}

func (m *fakeManager) Do(ctx context.Context, target string, r control.Request, args, result any) error {
	if target != "manager" || r.Command != control.CmdLaunch {
		m.t.Errorf("got the command %s for %s", r.Command, target)
	}
	m.mu.Lock()
	down, deaf := m.down, m.deaf
	if !m.stale {
		m.intended(r)
	}
	if _, known := m.answers[r.ID]; !known && !down && m.refuses == "" {
		m.answers[r.ID] = int64(len(m.answers) + 1)
		m.log = append(m.log, fmt.Sprintf("%s %s %s %s", time.Now().UTC().Format("15:04:05.000"), r.Author, args.(control.LaunchArgs).NextWorker, r.ID))
	}
	id, refuses := m.answers[r.ID], m.refuses
	m.mu.Unlock()
	switch {
	case down || deaf:
		<-ctx.Done()
		return fmt.Errorf("launch: %w from manager: it is down", control.ErrNoAnswer)
	case refuses != "":
		return errors.New(refuses)
	}
	result.(*launch.Launch).ID = id
	return nil
}

// intended fails the test if a due time is asked for that is not on disk as pending: a scheduler killed now would take it for missed.
func (m *fakeManager) intended(r control.Request) {
	due := r.ID[strings.LastIndexByte(r.ID, '/')+1:]
	b, err := os.ReadFile(m.file)
	if r.Author == Name && err == nil && strings.Contains(string(b), `"through"`) && !strings.Contains(string(b), `"pending":"`+due+`"`) {
		m.t.Errorf("asked for %s, but the state is %s", r.ID, b)
	}
}

func (m *fakeManager) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *fakeManager) launches() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.log)
}

// world is a scheduler with what is around it, in a bubble of synctest: time passes when all wait.
type world struct {
	*Scheduler
	t       *testing.T
	manager *fakeManager
	file    string
	offset  atomic.Int64 // of the wall clock, as a time.Duration
	stop    func()
	seen
}

// seen is what came from the scheduler.
type seen struct {
	mu      sync.Mutex // guards what follows
	log     strings.Builder
	events  []feed.ScheduleEntry // what was published last
	told    int                  // how often
	alerted []engine.Alert       // in the order in which they were told
}

func (s *seen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *seen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// tellings returns how often the schedule was published, and which alerts; then it forgets the alerts.
func (s *seen) tellings() (int, []engine.Alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.alerted
	s.alerted = nil
	return s.told, all
}

func (s *seen) publish(t *testing.T, topic string, body any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b := body.(type) {
	case []feed.ScheduleEntry:
		s.events = b
		s.told++
	case engine.Alert:
		if topic != feed.StreamAlert {
			t.Errorf("got an alert on %s", topic)
		}
		s.alerted = append(s.alerted, b)
	}
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, file: filepath.Join(t.TempDir(), "schedule.json"), stop: func() {}}
	w.manager = &fakeManager{t: t, file: w.file, answers: map[string]int64{}}
	return w
}

// start runs a scheduler until stop or the end of the test.
func (w *world) start(schedule ...config.Scheduled) {
	w.t.Helper()
	s, err := New(Options{Schedule: named(schedule), File: w.file, Manager: w.manager, Now: func() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) },
		Log: slog.New(slog.NewTextHandler(&w.seen, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
		Publish: func(topic string, body any) { w.publish(w.t, topic, body) },
		Alerts:  daemon.NewAlerts(func(topic string, body any) { w.publish(w.t, topic, body) }, time.Now)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Scheduler = s
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.stop = func() { cancel(); running.Wait() }
	w.t.Cleanup(w.stop)
	synctest.Wait()
}

// named numbers entries as config does, and gives those without a module one.
func named(schedule []config.Scheduled) []config.Scheduled {
	all := slices.Clone(schedule)
	count := map[string]int{}
	for i := range all {
		s := &all[i]
		if s.Module == "" {
			s.Module = "sleep"
		}
		if s.Missed == "" {
			s.Missed = config.MissedReport
		}
		if s.Timezone == "" {
			s.Timezone = "UTC"
		}
		count[s.Module]++
		if s.ID = launch.Name(s.Module); count[s.Module] > 1 {
			s.ID += fmt.Sprint("#", count[s.Module])
		}
	}
	return all
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // of the bubble: none of ours
	synctest.Wait()
}

// until lets time pass until a time of the first day, at which bubbles begin.
func (w *world) until(clock string) {
	w.t.Helper()
	when, err := time.Parse("2006-01-02 15:04:05", "2000-01-01 "+clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pass(time.Until(when))
}

var hash = regexp.MustCompile(`-[0-9a-f]{16}`)

// launched compares what was launched so far: the first words of each line, without the hash of an entry's key.
func (w *world) launched(want ...string) {
	w.t.Helper()
	got := w.manager.launches()
	for i := range got {
		got[i] = hash.ReplaceAllString(got[i], "")
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			w.t.Errorf("got the launches\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			return
		}
	}
}

// entry asks for the schedule as an operator does.
func (w *world) entry(id string) feed.ScheduleEntry {
	w.t.Helper()
	all, err := w.Schedule(w.t.Context(), control.Request{}, struct{}{})
	if err != nil {
		w.t.Fatal(err)
	}
	b, _ := json.Marshal(all)
	w.mu.Lock()
	defer w.mu.Unlock()
	if told, _ := json.Marshal(w.events); !bytes.Equal(b, told) {
		w.t.Errorf("published is\n%s\nbut true is\n%s", told, b)
	}
	for _, e := range all.([]feed.ScheduleEntry) {
		if e.ID == id {
			return e
		}
	}
	w.t.Fatalf("there is no entry %s in %s", id, b)
	return feed.ScheduleEntry{}
}

// notes are the notes of an entry's runs, each after its due time and launch.
func (w *world) notes(id string, want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.entry(id).Runs {
		text := fmt.Sprintf("%s %d", r.Due.Format("15:04"), r.Launch)
		if r.Author != "" {
			text += " by " + r.Author
		}
		if r.Note != "" {
			text += ": " + r.Note
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: got the runs\n%s\nwant\n%s", id, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (w *world) next(id, want string) {
	w.t.Helper()
	if got := w.entry(id).Next.Format("2006-01-02 15:04:05"); got != want {
		w.t.Errorf("%s: next due: got %s, want %s", id, got, want)
	}
}

// logged looks for a record with all of the texts.
func (w *world) logged(texts ...string) {
	w.t.Helper()
	synctest.Wait()
	for line := range strings.Lines(w.text()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			return
		}
	}
	w.t.Errorf("got the log\n%s\nwant a record with %q", w.text(), texts)
}

func bubble(t *testing.T, name string, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
	})
}
