package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/alerter"
	"nowcast/internal/core/config"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/supervisor"
)

func (p *program) up() *cobra.Command {
	var ignore bool
	c := &cobra.Command{
		Use:   "up CONFIG",
		Short: "Run all daemons, and start one again when it ends",
		Long: `Run message broker, log aggregator, manager, scheduler and alerter in the foreground until SIGINT or SIGTERM.

They are started in order, each when the one before is ready, and the alerter last. One that ends is started
again at once, and after a wait that grows from 0.2 s to 30 s if it ends again soon. SIGHUP is passed on to all. Running
workers are not touched when it stops; the next manager knows them.`,
		Example: "  nowcastd up nowcast.yaml\n  nowcastd up --ignore-checklist nowcast.yaml   # start the day with an empty checklist",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := p.load(args[0])
			if err != nil {
				return err
			}
			evaluator, err := p.inspectRules(cfg) // a manager without rules would be started again and again
			if err != nil {
				return failure{err, exitUsage}
			}
			evaluator.Close()
			alone, err := lockUp(c.Context(), cfg, p.Stderr)
			if err != nil {
				return err
			}
			defer alone.Close()
			publisher, err := supervisorFeed(cfg)
			if err != nil {
				return err
			}
			defer publisher.Close()
			log, err := logging.Open(cfg, "supervisor", logging.Daemon, logging.Options{Debug: true, Feed: publisher.Log, Stdout: p.Stderr, Stderr: p.Stderr})
			if err != nil {
				return err
			}
			defer log.Close()
			self, err := os.Executable()
			if err != nil {
				return err
			}
			ctx, cancel := untilSignal(c.Context())
			defer cancel()
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			alerts := daemon.NewAlerts(publisher.Publish, time.Now)
			beating := daemon.Heartbeats("supervisor", alerts, nil)
			defer beating.Stop()
			o := supervisor.Options{Log: log.Logger("supervisor"), Reload: hangups, Died: died(alerts, cfg.File), Up: serviceReady, Beat: serviceAlive}
			if every := aliveEvery(); every > 0 {
				tick := time.NewTicker(every)
				defer tick.Stop()
				o.Alive = tick.C
			}
			stopping := context.AfterFunc(ctx, func() { alone.stopping(); serviceStopping() })
			defer stopping()
			for _, name := range []string{"broker", "log-aggregator", "manager", "scheduler", alerter.Name} {
				child := supervisor.Child{Name: name, Argv: []string{self, name, cfg.File}, Essential: name == "broker"} // else the manager would talk to another broker
				if name == "manager" && ignore {
					child.FirstArgs = []string{"--ignore-checklist"} // one that is started again must keep what has happened since
				}
				o.Children = append(o.Children, child)
			}
			err = supervisor.Run(ctx, o)
			var s stopSignal
			if errors.As(context.Cause(ctx), &s) {
				o.Log.Info(s.line())
			}
			return err
		},
	}
	c.Flags().BoolVar(&ignore, "ignore-checklist", false, "start with an empty checklist")
	return c
}

// steady is how long a daemon that has died must not die again until that is no alert any more.
const steady = time.Minute

// died makes an alert of each daemon that ends by itself. Its key is what the alerter calls a daemon that is silent: that follows from it.
func died(alerts *daemon.Alerts, file string) func(name, how string) {
	var mu sync.Mutex
	calm := map[string]*time.Timer{} // guarded by mu
	return func(name, how string) {
		key := alerter.DaemonKey(name)
		text := fmt.Sprintf("%s ended (%s) and is started again; more: nowcastd logs --name %s --level ERROR %s, or what nowcastd up printed",
			name, how, strings.TrimPrefix(key, alerter.DaemonKey("")), file) // before it has a log, it can only print
		alerts.Raise(engine.Alert{Key: key, Kind: "daemon died", Message: text})
		mu.Lock()
		defer mu.Unlock()
		if t := calm[name]; t != nil {
			t.Reset(steady)
			return
		}
		calm[name] = time.AfterFunc(steady, func() { alerts.End(key, "it has not died for a minute") })
	}
}

// supervisorFeed takes what the supervisor has to say, a daemon that died above all, to the consoles and into the history. The broker
// that passes it on is started later, and may be the one that died: until then it waits.
func supervisorFeed(cfg *config.Config) (*feed.Publisher, error) {
	if err := cfg.EnsureStateDir(); err != nil {
		return nil, err
	}
	endpoint, err := socket(cfg, config.SocketFeedIn)
	if err != nil {
		return nil, err
	}
	return feed.NewPublisher(endpoint, "supervisor", feed.PublisherOptions{})
}
