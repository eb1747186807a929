package alerter

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
	"nowcast/internal/core/statefile"
)

// world is an alerter with what is around it, in a bubble of synctest: time passes when all wait.
type world struct {
	*Alerter
	t      *testing.T
	o      Options
	events chan []feed.Event
	stop   func()
	every  time.Duration     // between heartbeats
	seq    map[string]uint64 // by source and stream
	epoch  string            // of the manager

	mu        sync.Mutex // guards what follows
	sent      []notify.Alarm
	to        []string // beside sent
	attempts  int
	refuse    func(to string, a notify.Alarm) (notify.Attempt, error) // nil: all is taken
	manager   []engine.Alert                                          // in its snapshot
	away      bool                                                    // the manager does not answer
	full      bool                                                    // the disk
	silent    map[string]bool                                         // daemons that say nothing
	peers     int                                                     // managers that the broker says are connected
	others    map[string][]engine.Alert                               // in their heartbeats
	incidents []feed.Incident                                         // published last
	pings     []string
	log       strings.Builder
}

func bubble(t *testing.T, name string, f func(t *testing.T, w *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, every: daemon.Every, stop: func() {}, silent: map[string]bool{}, others: map[string][]engine.Alert{}, seq: map[string]uint64{}, epoch: "1"}
			w.o = Options{
				Needs:  Needs{Scheduler: true, LogAggregator: true},
				Config: config.Alerts{Limit: 30, PingEvery: time.Minute, Destinations: []config.Destination{{Kind: config.ToWebhook, URL: "HOOK"}}},
				File:   filepath.Join(t.TempDir(), "alerts.json"), Host: "salish", Command: "nowcast.yaml", Zone: time.UTC,
				Log: slog.New(slog.NewTextHandler(w, nil)), Now: time.Now, LookupEnv: func(string) (string, bool) { return "http://there/x", true },
				Snapshot: w.snapshot, Publish: w.publish, write: w.write,
				look: func(diskJob) []finding { return nil },
				Fetch: func(_ context.Context, url string) error {
					w.set(func() { w.pings = append(w.pings, url) })
					return nil
				},
				Outlet: func(d config.Destination) (outlet, error) { return way{w, d.Name()}, nil },
			}
			f(t, w)
		})
	})
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) write(path string, data []byte) error {
	full := false
	w.set(func() { full = w.full })
	if full {
		return errors.New("no space left on device")
	}
	return statefile.Replace(path, data)
}

func (w *world) publish(topic string, body any) {
	if topic == feed.StreamIncident {
		w.set(func() { w.incidents = body.([]feed.Incident) })
	}
}

func (w *world) snapshot(ctx context.Context) (feed.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return feed.Snapshot{}, errors.New("no answer")
	}
	return feed.Snapshot{Source: feed.SourceManager, Epoch: w.epoch, Seq: map[string]uint64{feed.StreamAlert: w.seq["manager alert"]},
		Alerts: slices.Clone(w.manager), Checklist: "{}\n"}, nil
}

// way is an outlet that keeps what it is given.
type way struct {
	w    *world
	name string
}

func (o way) Send(ctx context.Context, a notify.Alarm) (notify.Attempt, error) {
	w := o.w
	w.mu.Lock()
	refuse := w.refuse
	w.attempts++
	w.mu.Unlock()
	if refuse != nil {
		if attempt, err := refuse(o.name, a); err != nil {
			return attempt, err
		}
	}
	if ctx.Err() != nil {
		return notify.Attempt{}, ctx.Err()
	}
	w.set(func() { w.sent, w.to = append(w.sent, a), append(w.to, o.name) })
	return notify.Attempt{}, nil
}

// start runs an alerter, and the heartbeats of the daemons around it, until stop.
func (w *world) start() {
	w.t.Helper()
	w.events = make(chan []feed.Event, 100)
	o := w.o
	o.Events = w.events
	o.Alerts = daemon.NewAlerts(func(string, any) {}, o.Now)
	a, err := New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Alerter = a
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	running.Go(func() {
		for ctx.Err() == nil {
			w.beat(append([]string{Name}, watched...)...)
			select {
			case <-ctx.Done():
			case <-time.After(w.every):
			}
		}
	})
	w.stop = func() { cancel(); running.Wait() }
	w.t.Cleanup(func() { w.stop() })
	w.pass(2 * time.Second)
}

// beat has daemons say that they are alive.
func (w *world) beat(names ...string) {
	var batch []feed.Event
	w.mu.Lock()
	for _, name := range names {
		if !w.silent[name] {
			beat := feed.Heartbeat{Name: name, Host: "salish", PID: 7, Every: w.every, Alerts: w.others[name]}
			if name == sourceBroker {
				beat.Waiting = &feed.Waiting{Managers: w.peers}
			}
			batch = append(batch, w.event(name, feed.StreamDaemon, beat))
		}
	}
	w.mu.Unlock()
	w.events <- batch
}

// event makes the next event of a source. The caller holds mu.
func (w *world) event(source, stream string, body any) feed.Event {
	w.seq[source+" "+stream]++
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return feed.Event{Topic: stream, Source: source, Stream: stream, Epoch: w.epoch, Seq: w.seq[source+" "+stream], Time: time.Now(), Body: text,
		Last: map[string]uint64{feed.StreamAlert: w.seq[source+" "+feed.StreamAlert]}}
}

// managers has the manager raise or change an alert, and say so unless that is lost.
func (w *world) managers(a engine.Alert, lost bool) {
	w.mu.Lock()
	if a.Time.IsZero() {
		a.Time = time.Now().UTC()
	}
	if i := slices.IndexFunc(w.manager, func(b engine.Alert) bool { return a.ID == b.ID }); i >= 0 {
		w.manager[i] = a
	} else {
		w.manager = append(w.manager, a)
	}
	e := w.event(feed.SourceManager, feed.StreamAlert, a)
	w.mu.Unlock()
	if !lost {
		w.events <- []feed.Event{e}
	}
}

// trouble is an alert of the manager.
func trouble(id int64) engine.Alert {
	key := time.Duration(id).String()
	return engine.Alert{ID: id, Key: "launch " + key, Kind: "worker crashed", Worker: "run_NEMO", Launch: 17, Message: "run_NEMO " + key + " crashed", Time: time.Now().UTC()}
}

func over(a engine.Alert, how string) engine.Alert {
	now := time.Now().UTC()
	a.Ended, a.End = &now, how
	return a
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// got returns what was sent since it was asked last, in words.
func (w *world) got() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.sent {
		b := a.Body.(Sending)
		all = append(all, b.What+" "+strings.TrimPrefix(b.Subject, "[nowcast salish] "))
	}
	w.sent, w.to = nil, nil
	return all
}

func (w *world) wants(want ...string) {
	w.t.Helper()
	if got := w.got(); !slices.EqualFunc(got, want, strings.HasPrefix) {
		w.t.Errorf("sent\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// open returns the incidents that are open, in words.
func (w *world) open() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range w.incidents {
		if i.Open() {
			all = append(all, i.Kind+": "+i.Message)
		}
	}
	return all
}

func (w *world) file() string {
	data, err := os.ReadFile(w.o.File)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func raised(all ...engine.Alert) (r []feed.Raised) {
	for _, a := range all {
		r = append(r, feed.Raised{Source: feed.SourceManager, Alert: a})
	}
	return r
}
