package main

import (
	"context"
	"net"
	"os"

	"github.com/spf13/cobra"

	"nowcast/internal/core/aggregator"
	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
)

// logAggregator is its name, in the log and for commands.
const logAggregator = "log_aggregator"

func (p *program) aggregator() *cobra.Command {
	return &cobra.Command{
		Use:   "log-aggregator CONFIG",
		Short: "Run the log aggregator: it writes what daemons and workers publish, and keeps the history",
		Long: `Run the log aggregator in the foreground until SIGINT or SIGTERM.

With logging: publisher and aggregator it connects to every port of zmq: ports: logging and writes
the records to the files of logging: aggregator. In any case it keeps the records of all daemons and workers, up
to "log history" bytes in the state directory, for the console and "nowcastd logs".

SIGHUP: connects to new ports, leaves those that are gone, and takes over changes of logging.`,
		Example: "  nowcastd log-aggregator nowcast.yaml",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := p.open(args[0], logAggregator, logging.Aggregator)
			if err != nil {
				return err
			}
			defer d.close()
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
	lock, err := history.Lock(d.cfg.StatePath("logs"))
	if err != nil {
		return err
	}
	defer lock.Close()
	past := history.Open(history.Options{Dir: d.cfg.StatePath("logs"), Limit: d.cfg.LogHistory, Logger: d.logger})
	defer past.Close()
	o := aggregator.Options{
		Name: d.name, Logger: d.logger, History: past, Events: events, Local: isLocal,
		Publish: d.feed.Log, Alert: d.alerts.Raise, Settle: d.alerts.End,
	}
	o.Host, _ = os.Hostname()
	if d.cfg.Distributed() {
		o.Files, o.Publishers = d.log, aggregator.Publishers(d.cfg.ZMQ.Host, d.cfg.ZMQ.LoggingPorts)
	} else {
		d.logger.Info("nothing to write: without logging: publisher each process writes its own log files")
	}
	a, err := aggregator.New(o)
	if err != nil {
		return err
	}
	server, err := d.control()
	if err != nil {
		a.Close()
		return err
	}
	server.Handle(control.CmdLogs, control.Typed(func(ctx context.Context, _ control.Request, args control.LogsArgs) (any, error) {
		return past.Logs(ctx, args)
	}))
	reload := func(_ context.Context, cfg *config.Config) error { return reloadAggregator(d, cfg, a, past) }
	return d.serve(ctx, reload, together(a.Run, server.Run))
}

// reloadAggregator takes over a changed configuration.
func reloadAggregator(d *process, cfg *config.Config, a *aggregator.Aggregator, past *history.History) error {
	if cfg.Distributed() {
		if err := a.Subscribe(aggregator.Publishers(cfg.ZMQ.Host, cfg.ZMQ.LoggingPorts)); err != nil {
			return err
		}
	}
	past.SetLimit(cfg.LogHistory)
	return nil
}

// isLocal tells whether an address is this machine's.
func isLocal(address string) bool {
	ip := net.ParseIP(address)
	if ip == nil || ip.IsLoopback() {
		return true // or a unix socket
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
