package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"sync"
	"syscall"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/message"
	"nowcast/internal/core/notify"
	"nowcast/internal/core/supervisor"
	"nowcast/internal/core/wire"
)

// process is what every daemon has: its configuration, its log, and its way onto the feed.
type process struct {
	name   string
	cfg    *config.Config
	log    *logging.Log
	logger *slog.Logger
	feed   *feed.Publisher
	sentry *notify.Sentry // nil: errors do not go there
	alerts *daemon.Alerts
	beat   func(*feed.Heartbeat)       // what else a heartbeat has to say; nil: nothing. Set before serve
	alive  func(context.Context) error // its loop answers; nil: it has none that could be asked. Set before serve
	lookup func(string) (string, bool)
	line   *supervisor.Line
	once   sync.Once // of ready

	hangups chan os.Signal // SIGHUP, from the beginning: one that comes before there is anything to reload must not end us
}

// load reads the configuration file.
func (p *program) load(file string) (*config.Config, error) {
	return config.Load(file, p.LookupEnv)
}

// find reads a configuration to reach the daemons that run with it. Mistakes in it are no obstacle, but said.
func (p *program) find(file string) (*config.Config, error) {
	cfg, mistakes, err := config.Find(file, p.LookupEnv)
	if err == nil && mistakes != nil {
		fmt.Fprintf(p.Stderr, "nowcastd: warning: %s has mistakes, which nowcastd check shows; the daemons are asked that run with what they read before\n", file)
	}
	return cfg, err
}

// open makes the process called name ready to log and to publish, and says so in the log.
func (p *program) open(file, name string, role logging.Role) (*process, error) {
	// Any number of signals while one is handled is one more: what counts is that the file is read after the last.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	cfg, err := p.load(file)
	if err != nil {
		return nil, err
	}
	if err := cfg.EnsureStateDir(); err != nil {
		return nil, err
	}
	endpoint, err := socket(cfg, config.SocketFeedIn)
	if err != nil {
		return nil, err
	}
	publisher, err := feed.NewPublisher(endpoint, name, feed.PublisherOptions{})
	if err != nil {
		return nil, err
	}
	o := logging.Options{Feed: publisher.Log, Stdout: p.Stdout, Stderr: p.Stderr}
	alerts := daemon.NewAlerts(publisher.Publish, wallClock)
	o.Alert = func(file, text string) {
		alerts.Raise(engine.Alert{Key: "log file " + file, Kind: "log file", Message: name + ": " + text})
	}
	o.Settle = func(file, how string) { alerts.End("log file "+file, how) }
	sentry, noSentry := p.sentry(name, &o)
	log, err := logging.Open(cfg, name, role, o)
	if err != nil {
		sentry.Close()
		publisher.Close()
		return nil, err
	}
	log.Announce()
	if noSentry != nil {
		log.Logger(name).Warn(noSentry.Error())
	}
	if name == message.ManagerName { // once is enough
		for _, w := range cfg.Warnings {
			log.Logger(name).Warn(w.Error())
		}
	}
	return &process{name: name, cfg: cfg, log: log, logger: log.Logger(name), feed: publisher, sentry: sentry, alerts: alerts, lookup: p.LookupEnv, line: p.line, hangups: hangups}, nil
}

func (d *process) close() {
	signal.Stop(d.hangups)
	d.log.Close()
	d.sentry.Close()
	d.feed.Close()
}

// socket returns the endpoint of one of the unix sockets.
func socket(cfg *config.Config, name string) (string, error) {
	path, err := cfg.Socket(name)
	if err != nil {
		return "", err
	}
	return wire.IPC(path)
}

// serve runs a daemon until a signal ends it: heartbeats, readiness, the log lines about signals, and work. For each SIGHUP, reload
// is given the changed configuration, which is valid; with an error it must have changed nothing.
func (d *process) serve(parent context.Context, reload func(context.Context, *config.Config) error, work func(context.Context) error) error {
	ctx, cancel := untilSignal(parent)
	defer cancel()
	beating := daemon.Heartbeats(d.name, d.alerts, d.beat)
	defer beating.Stop()
	reloading := make(chan struct{})
	go func() {
		defer close(reloading)
		for {
			select {
			case <-ctx.Done():
				return
			case <-d.hangups:
				serviceReloading()
				d.reload(ctx, reload)
				serviceReady()
			}
		}
	}()
	announced := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(announced)
		var s stopSignal
		if errors.As(context.Cause(ctx), &s) {
			d.logger.Info(s.line())
		}
		serviceStopping()
	})
	d.ready()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		watchdog(ctx, d.logger, aliveEvery(), d.answers)
	}()
	err := work(ctx)
	cancel()
	<-announced // before the log is closed, however quickly work has ended
	<-reloading
	<-watching
	return err
}

// ready tells whoever supervises this process that it has begun its work, once.
func (d *process) ready() {
	d.once.Do(func() {
		d.line.Ready()
		serviceReady()
	})
}

// answers tells whether the daemon's own loop does.
func (d *process) answers(ctx context.Context) error {
	if d.alive == nil {
		return nil
	}
	return d.alive(ctx)
}

// control returns the daemon's side of the control port.
func (d *process) control() (*control.Server, error) {
	endpoint, err := socket(d.cfg, config.SocketControlDaemons)
	if err != nil {
		return nil, err
	}
	return control.NewServer(control.ServerOptions{Endpoint: endpoint, Name: d.name, Logger: d.logger, Now: wallClock})
}

// together runs two parts of a daemon until ctx ends or one of them returns, and waits for both.
func together(a, b func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		other := make(chan error, 1)
		go func() {
			defer cancel()
			other <- b(ctx)
		}()
		err := a(ctx)
		cancel()
		return errors.Join(err, <-other)
	}
}

// client connects to the control port of the daemons that run with a configuration.
func (p *program) client(cfg *config.Config) (*control.Client, error) {
	endpoint, err := socket(cfg, config.SocketControl)
	if err != nil {
		return nil, err
	}
	return control.Dial(endpoint, p.author())
}

// author names the operator in the audit trail.
func (p *program) author() string {
	name := fmt.Sprint("uid ", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return name + "@" + host
}

// answerWithin is how long a command waits for a daemon: longer than a rule that hangs may hold up the manager.
const answerWithin = 15 * time.Second

// call asks a daemon and decodes its answer into result.
func (p *program) call(ctx context.Context, cfg *config.Config, target, command string, args, result any) error {
	c, err := p.client(cfg)
	if err != nil {
		return failure{err, exitNobody}
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	err = c.Call(ctx, target, command, args, result)
	if errors.Is(err, control.ErrNoAnswer) {
		return failure{err, exitNobody}
	}
	return err
}
