package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"nowcast/internal/core/alerter"
	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

func (p *program) alerter() *cobra.Command {
	return &cobra.Command{
		Use:   "alerter CONFIG",
		Short: "Run the alerter: it makes incidents of alerts and tells people",
		Long: `Run the alerter in the foreground until SIGINT or SIGTERM.

It collects what troubles the daemons, looks for daemons that are not there, disks that are nearly
full and clocks that were set, and sends what it finds to the destinations of alerts: in CONFIG.
Incidents, acknowledgements and messages that are not delivered yet are in the state directory.

SIGHUP: takes over changes of alerts and logging.`,
		Example: "  nowcastd alerter nowcast.yaml",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := p.open(args[0], alerter.Name, logging.Daemon)
			if err != nil {
				return err
			}
			defer d.close()
			if err := p.alert(c.Context(), d); err != nil {
				d.logger.Error(err.Error())
				return err
			}
			return nil
		},
	}
}

func (p *program) alert(ctx context.Context, d *process) error {
	commands, err := socket(d.cfg, config.SocketControl)
	if err != nil {
		return err
	}
	client, err := control.Dial(commands, alerter.Name)
	if err != nil {
		return err
	}
	defer client.Close()
	endpoint, err := socket(d.cfg, config.SocketFeed)
	if err != nil {
		return err
	}
	subscribed, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := feed.Subscribe(subscribed, endpoint, alerter.Streams)
	if err != nil {
		return err
	}
	o := alerter.Options{
		Config: d.cfg.Alerts, Dirs: diskDirs(d.cfg), Needs: needs(d.cfg), File: d.cfg.StatePath("alerts.json"), Command: d.cfg.File,
		Events: events, Publish: d.feed.Publish, Alerts: d.alerts, Log: d.logger, LookupEnv: p.LookupEnv, Now: wallClock,
		Snapshot: func(ctx context.Context) (s feed.Snapshot, err error) {
			return s, client.Call(ctx, message.ManagerName, control.CmdSnapshot, struct{}{}, &s)
		},
	}
	if o.Host, err = os.Hostname(); err != nil {
		o.Host = "localhost"
	}
	a, err := alerter.New(o)
	if err != nil {
		return err
	}
	server, err := d.control()
	if err != nil {
		return err
	}
	server.Handle(control.CmdIncidents, control.Typed(a.Incidents))
	server.Handle(control.CmdAcknowledge, control.Typed(a.Acknowledge))
	server.Handle(control.CmdSnooze, control.Typed(a.Snooze))
	server.Handle(control.CmdClose, control.Typed(a.Close))
	d.alive = a.Ping
	reload := func(ctx context.Context, cfg *config.Config) error {
		return a.Reload(ctx, cfg.Alerts, diskDirs(cfg), needs(cfg))
	}
	return d.serve(ctx, reload, together(a.Run, server.Run))
}

// needs says which daemons have something to do.
func needs(cfg *config.Config) alerter.Needs {
	return alerter.Needs{Scheduler: len(cfg.Schedule) > 0, LogAggregator: cfg.Distributed()}
}

// diskDirs returns the directories whose disks must not get full: of state, checklist and log files.
func diskDirs(cfg *config.Config) []string {
	dirs := []string{cfg.StateDir, filepath.Dir(cfg.ChecklistFile)}
	var walk func(v pyyaml.Value)
	walk = func(v pyyaml.Value) {
		m, ok := v.(*pyyaml.Map)
		if !ok {
			return
		}
		for key, value := range m.All() {
			if name, ok := value.(string); ok && key == "filename" {
				if dir := filepath.Dir(name); filepath.IsAbs(dir) && !slices.Contains(dirs, dir) {
					dirs = append(dirs, dir)
				}
			}
			walk(value)
		}
	}
	walk(cfg.Logging)
	return dirs
}
