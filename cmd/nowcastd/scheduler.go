package main

import (
	"context"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/scheduler"
)

func (p *program) scheduler() *cobra.Command {
	return &cobra.Command{
		Use:   "scheduler CONFIG",
		Short: "Run the scheduler: it launches workers when they are due",
		Long: `Run the scheduler in the foreground until SIGINT or SIGTERM.

It has the manager launch the workers of scheduled workers: in CONFIG when they are due, and
waits for the manager if it is down. What was due while the scheduler itself was down is
launched, reported or left out, as missed: says. SIGHUP makes it read CONFIG again.`,
		Example: "  nowcastd scheduler nowcast.yaml",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := p.open(args[0], scheduler.Name, logging.Daemon)
			if err != nil {
				return err
			}
			defer d.close()
			if err := p.keepSchedule(c.Context(), d); err != nil {
				d.logger.Error(err.Error())
				return err
			}
			return nil
		},
	}
}

func (p *program) keepSchedule(ctx context.Context, d *process) error {
	endpoint, err := socket(d.cfg, config.SocketControl)
	if err != nil {
		return err
	}
	client, err := control.Dial(endpoint, scheduler.Name)
	if err != nil {
		return err
	}
	defer client.Close() // after the scheduler has stopped asking
	s, err := scheduler.New(scheduler.Options{
		Schedule: d.cfg.Schedule, File: d.cfg.StatePath("schedule.json"), Manager: client,
		Publish: d.feed.Publish, Alerts: d.alerts, Log: d.logger, Now: wallClock,
	})
	if err != nil {
		return err
	}
	server, err := d.control()
	if err != nil {
		return err
	}
	server.Handle(control.CmdSchedule, control.Typed(s.Schedule))
	server.Handle(control.CmdRunNow, control.Typed(s.RunNow))
	server.Handle(control.CmdHold, control.Typed(s.Hold))
	d.alive = s.Ping
	reload := func(ctx context.Context, cfg *config.Config) error { return s.Reload(ctx, cfg.Schedule) }
	return d.serve(ctx, reload, together(s.Run, server.Run))
}
