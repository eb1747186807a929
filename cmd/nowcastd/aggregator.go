package main

import (
	"context"

	"github.com/spf13/cobra"

	"nowcast/internal/core/aggregator"
	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
)

func (p *program) aggregator() *cobra.Command {
	return &cobra.Command{
		Use:   "log-aggregator CONFIG",
		Short: "Run the log aggregator: it keeps what daemons and workers log, and shows it",
		Long: `Run the log aggregator in the foreground until SIGINT or SIGTERM.

It takes the log records of all daemons and workers from the feed and keeps the newest 20,000
in memory for the console and "nowcastd logs".`,
		Example: "  nowcastd log-aggregator nowcast.yaml",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := p.open(args[0], "log_aggregator", logging.Daemon)
			if err != nil {
				return err
			}
			defer d.close()
			if w, ok := logging.NotWritten(d.cfg); ok {
				d.logger.Warn(w.Error())
			}
			return p.aggregate(c.Context(), d)
		},
	}
}

func (p *program) aggregate(ctx context.Context, d *process) error {
	endpoint, err := socket(d.cfg, config.SocketFeed)
	if err != nil {
		return err
	}
	subscribed, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := feed.Subscribe(subscribed, endpoint, []string{feed.StreamLog})
	if err != nil {
		return err
	}
	a := aggregator.New(aggregator.Options{Logger: d.logger, Events: events})
	server, err := d.control()
	if err != nil {
		return err
	}
	server.Handle(control.CmdLogs, control.Typed(func(_ context.Context, _ control.Request, args control.LogsArgs) (any, error) {
		return feed.LogPage{Records: a.Logs(args)}, nil
	}))
	return d.serve(ctx, nil, together(a.Run, server.Run))
}
