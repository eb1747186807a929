package main

import (
	"context"

	"github.com/spf13/cobra"

	"nowcast/internal/core/broker"
	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/wire"
)

func (p *program) broker() *cobra.Command {
	return &cobra.Command{
		Use:   "broker CONFIG",
		Short: "Run the message broker: the ports that workers, manager, feed and control meet at",
		Long: `Run the message broker in the foreground until SIGINT or SIGTERM.

It binds zmq: ports: workers and zmq: ports: manager of CONFIG, and the feed and control
sockets in the state directory, and passes messages without looking into them. It may be
restarted, or die, at any time: requests that it has accepted are in requests.journal in the
state directory until they are answered, and are given to the manager again.

SIGHUP: binds the ports of the changed CONFIG; the old ones stay as long as somebody uses them.`,
		Example: "  nowcastd broker nowcast.yaml",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := p.open(args[0], "message_broker", logging.Daemon)
			if err != nil {
				return err
			}
			defer d.close()
			b, err := newBroker(d)
			if err != nil {
				d.logger.Error(err.Error())
				return err
			}
			reload := func(ctx context.Context, cfg *config.Config) error {
				return b.Rebind(ctx, workersPort(cfg), managerPort(cfg))
			}
			d.alive = b.Ping
			d.beat = func(h *feed.Heartbeat) {
				w := b.Waiting()
				h.Waiting = &feed.Waiting{Requests: w.Requests, Since: w.Since, Managers: w.Peers}
			}
			return d.serve(c.Context(), reload, b.Run)
		},
	}
}

func newBroker(d *process) (*broker.Broker, error) {
	o := broker.Options{
		Logger: d.logger, Workers: workersPort(d.cfg), Manager: managerPort(d.cfg),
		Journal: d.cfg.StatePath("requests.journal"), Alerts: d.alerts, Start: "nowcastd manager " + d.cfg.File,
	}
	for name, endpoint := range map[string]*string{
		config.SocketFeedIn: &o.FeedIn, config.SocketFeed: &o.FeedOut,
		config.SocketControl: &o.ControlClients, config.SocketControlDaemons: &o.ControlDaemons,
	} {
		var err error
		if *endpoint, err = socket(d.cfg, name); err != nil {
			return nil, err
		}
	}
	return broker.New(o)
}

func workersPort(cfg *config.Config) string {
	return wire.BindTCP(cfg.ZMQ.Host, cfg.ZMQ.Bind, cfg.ZMQ.WorkersPort)
}

func managerPort(cfg *config.Config) string {
	return wire.BindTCP(cfg.ZMQ.Host, cfg.ZMQ.Bind, cfg.ZMQ.ManagerPort)
}
