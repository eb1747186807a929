package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/message"
)

const (
	notReloaded = "not reloaded"
	hasMistakes = "the changed one has mistakes\n" // what is wrong follows
)

// reload reads the configuration again and takes over what has changed, or nothing; then it stays an alert until a reload succeeds.
// Each daemon decides for itself.
func (d *process) reload(ctx context.Context, own func(context.Context, *config.Config) error) {
	d.logger.Info("hangup signal (SIGHUP) received; reloading configuration")
	if err := d.takeOver(ctx, own); err != nil {
		d.logger.Error("the configuration in use stays in use: " + err.Error())
		text := d.name + ": " + strings.TrimPrefix(err.Error(), hasMistakes) + "\nthe configuration in use stays in use" // a table has room for its beginning only
		d.alerts.Raise(engine.Alert{Key: notReloaded, Kind: notReloaded, Message: text})
		return
	}
	d.alerts.End(notReloaded, "the configuration was reloaded")
	d.logger.Info("configuration reloaded")
}

// takeOver has this order: everything is validated; then the logging, which changes as a whole or not at all; then what the daemon
// itself uses, which does, too. If that fails, the logging goes back.
func (d *process) takeOver(ctx context.Context, own func(context.Context, *config.Config) error) error {
	cfg, err := config.Load(d.cfg.File, d.lookup)
	if err != nil {
		return fmt.Errorf("%s%w", hasMistakes, err)
	}
	if cfg.Distributed() != d.cfg.Distributed() { // taken over by some and not by others, records would be written by nobody, or twice
		return errors.New("a change between local and distributed logging (logging: publisher) takes a restart of all daemons")
	}
	if was, is := d.cfg.ZMQ, cfg.ZMQ; is.ManagerPort == was.WorkersPort || is.WorkersPort == was.ManagerPort {
		// The broker cannot: somebody is connected. Here for all daemons, or the manager would connect to the port of the workers.
		return fmt.Errorf("a port of zmq: ports cannot change from workers (%d) to manager (%d) or back while they run: give other numbers, or restart all daemons", was.WorkersPort, was.ManagerPort)
	}
	if cfg.StateDir != d.cfg.StateDir {
		d.logger.Warn(fmt.Sprintf("the state directory is now %s: the daemons keep %s until all of them are restarted, and commands that read the changed file do not find them; "+
			"to keep it, add state dir: %s", cfg.StateDir, d.cfg.StateDir, d.cfg.StateDir))
		cfg.StateDir = d.cfg.StateDir
	}
	if err := d.log.Reload(cfg); err != nil {
		return fmt.Errorf("the changed logging cannot be used\n%w", err)
	}
	if err := own(ctx, cfg); err != nil {
		if back := d.log.Reload(d.cfg); back != nil { // its files were open a moment ago
			d.logger.Error("the logging in use is that of the changed configuration: the one before cannot be opened again\n" + back.Error())
		}
		return err
	}
	d.cfg = cfg
	if d.name == message.ManagerName { // once is enough
		for _, w := range cfg.Warnings {
			d.logger.Warn(w.Error())
		}
	}
	return nil
}
