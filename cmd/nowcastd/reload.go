package main

import (
	"context"
	"fmt"

	"nowcast/internal/core/config"
	"nowcast/internal/core/message"
)

// reload reads the configuration again and takes over what has changed, or nothing. The order: everything is validated; then the
// logging, which changes as a whole or not at all; then what the daemon itself uses, which does, too. If that fails, the
// logging goes back.
func (d *process) reload(ctx context.Context, own func(context.Context, *config.Config) error) {
	d.logger.Info("hangup signal (SIGHUP) received; reloading configuration")
	cfg, err := config.Load(d.cfg.File, d.lookup)
	if err != nil {
		d.logger.Error("the configuration in use stays in use: the changed one has mistakes\n" + err.Error())
		return
	}
	if cfg.Distributed() != d.cfg.Distributed() { // taken over by some and not by others, records would be written by nobody, or twice
		d.logger.Error("the configuration in use stays in use: a change between local and distributed logging (logging: publisher) takes a restart of all daemons")
		return
	}
	if cfg.StateDir != d.cfg.StateDir {
		d.logger.Warn(fmt.Sprintf("the state directory is now %s: the daemons keep %s until all of them are restarted, and commands that read the changed file do not find them; "+
			"to keep it, add state dir: %s", cfg.StateDir, d.cfg.StateDir, d.cfg.StateDir))
		cfg.StateDir = d.cfg.StateDir
	}
	if err := d.log.Reload(cfg); err != nil {
		d.logger.Error("the configuration in use stays in use: the changed logging cannot be used\n" + err.Error())
		return
	}
	if own != nil {
		if err := own(ctx, cfg); err != nil {
			if back := d.log.Reload(d.cfg); back != nil { // its files were open a moment ago
				d.logger.Error("the logging in use is that of the changed configuration: the one before cannot be opened again\n" + back.Error())
			}
			d.logger.Error("the configuration in use stays in use\n" + err.Error())
			return
		}
	}
	d.cfg = cfg
	if d.name == message.ManagerName { // once is enough
		for _, w := range cfg.Warnings {
			d.logger.Warn(w.Error())
		}
	}
	d.logger.Info("configuration reloaded")
}
