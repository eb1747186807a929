package alerter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
	"nowcast/internal/core/statefile"
)

// Options are what an alerter works with.
type Options struct {
	Config    config.Alerts
	Dirs      []string // whose disks are watched
	Needs     Needs
	File      string // where the state is kept
	Host      string // this one
	Command   string // the configuration file, for command lines in texts
	Events    <-chan []feed.Event
	Snapshot  func(ctx context.Context) (feed.Snapshot, error) // of the manager
	Publish   func(topic string, body any)
	Alerts    *daemon.Alerts // its own
	Log       *slog.Logger
	LookupEnv func(string) (string, bool)
	Now       func() time.Time

	// For tests; what is not given is as it is in the world.
	Elapsed func() time.Duration // by a clock that nobody can set
	Outlet  func(config.Destination) (outlet, error)
	Fetch   func(ctx context.Context, url string) error
	Grace   time.Duration
	Zone    *time.Location
	Tick    time.Duration
	write   func(path string, data []byte) error
	look    func(diskJob) []finding
}

// Streams are what Events must have.
var Streams = []string{feed.StreamAlert, feed.StreamDaemon}

const (
	grace       = 5 * time.Second
	quiet       = 5 * time.Minute
	tick        = time.Second
	askWithin   = 5 * time.Second
	publishSlow = 2 * time.Second // between events with very many incidents
	veryMany    = 100
)

// Alerter is the loop. Its methods are safe for concurrent use.
type Alerter struct {
	Options
	locked  *os.File
	calls   chan func() // executed by Run's goroutine
	results chan result // of attempts; has room for every destination's one
	pinged  chan error
	asked   chan answer
	found   chan []finding
	disks   diskWatch
	sending sync.WaitGroup

	// Only Run's goroutine touches these.
	state        *state
	saver        saver
	changed      bool  // since the state was written
	unsaved      error // why the state in the file is not this one
	config       config.Alerts
	needs        Needs
	destinations []destination
	writer       writer
	mirror       *feed.Mirror
	seen         feed.Revisions  // of the mirror, that was observed last
	well         map[string]bool // by key: what we watch, and is well
	clock        clock
	pings        pings
	ticked       time.Time // when the loop came by last
	since        time.Time // since when it has come by regularly
	asking       bool
	askAfter     time.Duration // the manager is not asked before
	daily        string        // date of the daily message that is in preparation
	published    time.Time
	unpublished  bool
	look         bool          // there may be something new about our own alerts
	retry        time.Duration // the file is not written before
}

// answer is what the manager said.
type answer struct {
	snapshot feed.Snapshot
	err      error
	daily    bool // it was asked for the daily message
}

// New reads the state that an earlier alerter left. Run follows.
func New(o Options) (*Alerter, error) {
	begun := time.Now()
	if o.Elapsed == nil {
		o.Elapsed = func() time.Duration { return time.Since(begun) }
	}
	if o.Outlet == nil {
		o.Outlet = func(d config.Destination) (outlet, error) { return notify.NewOutlet(d, o.LookupEnv) }
	}
	if o.Fetch == nil {
		o.Fetch = notify.Fetch
	}
	if o.Grace == 0 {
		o.Grace = fault.Patience(fault.GraceVariable, grace)
	}
	if o.Tick == 0 {
		o.Tick = tick
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.write == nil {
		o.write = statefile.Replace
	}
	if o.look == nil {
		o.look = lookAtDisks
	}
	locked, err := lock(o.File)
	if err != nil {
		return nil, err
	}
	now := o.Now()
	a := &Alerter{Options: o, locked: locked, calls: make(chan func()), results: make(chan result, 64), pinged: make(chan error, 1), asked: make(chan answer, 2),
		found: make(chan []finding), saver: saver{path: o.File, write: o.write}, well: map[string]bool{}, since: now, ticked: now}
	a.mirror = feed.NewMirror(feed.MirrorOptions{Streams: []string{feed.StreamAlert}, Alerts: 5 * maxOpen, Finished: 1, Now: o.Now})
	a.writer = writer{host: o.Host, config: o.Command, zone: o.Zone}
	if a.state, err = load(o.File, now.UTC()); err != nil {
		o.Log.Error(err.Error())
		o.Alerts.Raise(engine.Alert{Key: keyDamaged, Kind: "alerter state", Message: err.Error()})
	}
	if back := a.state.Saved.Sub(now); back > 0 { // it was set while there was no alerter
		a.state.clockWasSet(now.UTC(), back)
	}
	a.disks = diskWatch{jobs: make(chan diskJob, 1), look: o.look}
	a.configure(o.Config, o.Dirs, o.Needs)
	a.look, a.unpublished = true, true // what is known already is in the first file that is written
	return a, nil
}

// lock keeps a second alerter out until the file that it returns is closed, by Run or by the end of the process.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the incidents: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another alerter works with %s: stop it first (%w)", path, err)
	}
	return f, nil
}

// Run makes incidents and tells about them until ctx ends. What waits to be sent then is sent by the next alerter.
func (a *Alerter) Run(ctx context.Context) error {
	defer a.locked.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer a.sending.Wait()
	defer cancel()
	a.sending.Go(func() { a.disks.run(ctx, a.found) })
	ticker := time.NewTicker(a.Tick)
	defer ticker.Stop()
	events := a.Events
	for {
		a.turn(ctx)
		select {
		case <-ctx.Done():
			return nil
		case batch, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			a.mirror.Apply(batch)
		case s := <-a.asked:
			a.answered(s)
		case r := <-a.results:
			a.finished(r)
		case err := <-a.pinged:
			a.pingEnded(err)
		case all := <-a.found:
			a.take(all)
		case call := <-a.calls:
			call()
		case <-ticker.C:
			a.look = true
			a.watch()
			a.ping(ctx)
			a.ask(ctx)
		}
	}
}

// turn has this order: what is known becomes incidents and messages; that is written; then it is told, and messages are sent. One that
// is killed in between finds all of it in the file, and the other side finds the same keys.
func (a *Alerter) turn(ctx context.Context) {
	a.observe()
	jobs := a.due()
	a.keep()
	a.publish()
	for _, j := range jobs {
		a.start(ctx, j)
	}
}

// observe makes incidents of what has come, and messages of what is due. Of very many it does so once a second: the file has all of them.
func (a *Alerter) observe() {
	if !a.look && len(a.state.Incidents) > veryMany {
		return
	}
	now := a.Now().UTC()
	if rev := a.mirror.Revisions(); rev.Alerts != a.seen.Alerts || rev.Daemons != a.seen.Daemons || a.look {
		a.seen = rev
		a.changed = a.state.observe(now, a.known(), a.heard) || a.changed
	}
	a.look = false
	a.changed = a.state.tell(now, timing{a.Grace, quiet, a.config.Remind}, a.destinations) || a.changed
}

// keep writes the state. If that fails it is tried again each second, and what is to be sent is sent all the same.
func (a *Alerter) keep() {
	if !a.changed || a.unsaved != nil && a.Elapsed() < a.retry {
		return
	}
	a.unpublished = true
	fault.Point("alert observed")
	a.state.Saved = a.Now().UTC()
	data, err := json.Marshal(a.state)
	if err == nil {
		err = a.saver.save(data)
	}
	if err != nil {
		if a.unsaved == nil {
			a.Log.Error("incidents cannot be kept; the alerter goes on from memory, but forgets them if it is restarted: make room or correct the permissions", "file", a.File, "err", err)
		}
		a.unsaved = fmt.Errorf("%s cannot be written: %w", a.File, err)
		a.retry = a.Elapsed() + a.Tick
		a.raiseAlert(engine.Alert{Key: keyState, Kind: "alerter state", Because: engine.BecauseOf(err), Message: a.unsaved.Error()})
		return
	}
	if a.unsaved != nil {
		a.unsaved = nil
		a.Log.Info("incidents can be kept again")
	}
	a.changed = false
	a.end(keyState, "it can be written again")
	a.end(keyDamaged, "a new one is written; the damaged one is kept for whoever wants to look into it")
	fault.Point("alert saved")
}

// publish tells consoles of the incidents; of very many not each time, because each event has all of them.
func (a *Alerter) publish() {
	now := a.Now()
	if since := now.Sub(a.published); !a.unpublished || since < publishSlow && since >= 0 && len(a.state.Incidents) > veryMany {
		return
	}
	a.unpublished, a.published = false, now
	a.Publish(feed.StreamIncident, a.state.shown())
}
