package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launcher"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/manager"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/store"
	"nowcast/internal/core/supervisor"
)

func (p *program) manager() *cobra.Command {
	var ignore bool
	c := &cobra.Command{
		Use:   "manager CONFIG",
		Short: "Run the manager: it keeps the checklist and launches workers",
		Long: `Run the manager in the foreground until SIGINT or SIGTERM.

It goes on where the last manager stopped: the checklist, open barriers and running
workers are in the state directory. A checklist file that was edited while no manager was
running is taken over. One that has stood by for another manager (PostgreSQL) goes on with the
checklist of that one: neither the file nor --ignore-checklist counts then.

SIGHUP: takes over the whole of the changed CONFIG, or nothing of it and says why.`,
		Example: "  nowcastd manager nowcast.yaml\n  nowcastd manager --ignore-checklist nowcast.yaml   # start the day with an empty checklist",
		Args:    configArg(0),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := p.open(args[0], "manager", logging.Daemon)
			if err != nil {
				return err
			}
			defer d.close()
			if err := p.manage(c.Context(), d, ignore); err != nil {
				d.logger.Error(err.Error())
				return err
			}
			return nil
		},
	}
	c.Flags().BoolVar(&ignore, "ignore-checklist", false, "start with an empty checklist")
	return c
}

func (p *program) manage(ctx context.Context, d *process, ignoreChecklist bool) error {
	debug.SetGCPercent(300) // messages are short-lived: fewer collections are worth some megabytes
	evaluator, err := p.openRules(d.cfg, d.logger, d.log.Logger)
	if errors.Is(err, fs.ErrNotExist) {
		d.logger.Log(ctx, logging.LevelCritical, "could not find next workers module: "+d.cfg.Registry.NextWorkers)
	}
	if err != nil {
		return failure{err, exitUsage}
	}
	defer func() { evaluator.Close() }() // the one that is in use by then
	slack := p.slack(d)
	defer slack.Close() // after the database is free for the next manager
	db, stoodBy, err := openState(ctx, d)
	if errors.Is(err, errStoodBy) {
		return nil
	}
	if err != nil {
		return err
	}
	defer db.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	processes, err := launcher.New(launcher.Options{
		OutputDir: d.cfg.StatePath("output"), Self: self, Env: supervisor.WithoutNotices(p.Environ), ConfigFile: d.cfg.File, Logger: d.logger,
	})
	if err != nil {
		return err
	}
	defer processes.Close()
	requests, err := connectManager(d)
	if err != nil {
		return err
	}
	defer requests.Close()
	o := manager.Options{
		Config: d.cfg, IgnoreChecklist: ignoreChecklist, StoodBy: stoodBy, Requests: requests, Store: db, Rules: evaluator, NoFunction: rules.ErrNoFunction,
		Launcher: processes, Feed: d.feed, Log: d.logger, Now: wallClock,
	}
	o.Fatal = func(err error) bool { return errors.Is(err, store.ErrDeposed) || errors.Is(err, store.ErrDamaged) }
	o.LastLaunch, o.Deadly = processes.Last(), d.cfg.StatePath("deadly")
	if o.Machine, err = os.Hostname(); err != nil {
		return err
	}
	if salvage := db.Salvaged(); salvage != nil {
		o.Salvaged, o.Incomplete = salvage.String(), !salvage.Whole
	}
	o.Durations = durations(db)
	o.ChecklistLog = checklistLog(d)
	o.Notify = slack.Report
	m, err := manager.New(ctx, o)
	if err != nil {
		return err
	}
	d.logger.Info(fmt.Sprintf("connected to %s port %d", d.cfg.ZMQ.Host, d.cfg.ZMQ.ManagerPort))
	server, err := d.control()
	if err != nil {
		return err
	}
	for _, name := range manager.Names {
		server.Handle(name, m.Do) // the manager keeps the audit trail and the answers itself, in its transactions
	}
	tidying, stopTidying := context.WithCancel(ctx)
	defer stopTidying()
	go tidy(tidying, d.logger, processes)
	reload := func(ctx context.Context, cfg *config.Config) error {
		if evaluator, err = p.reloadManager(ctx, d, cfg, m, evaluator, requests); err == nil {
			slack.Configure(cfg.Slack)
		}
		return err
	}
	if d.cfg.State != "" {
		defer onlyWhileHeld(ctx, d, db, requests)() // before requests are closed
	}
	d.alive = m.Ping
	return d.serve(ctx, reload, together(m.Run, server.Run))
}

// statePlace is where the state database is, for package store.
func statePlace(cfg *config.Config) string {
	if cfg.State != "" {
		return cfg.State
	}
	return cfg.StatePath("state.db")
}

// tidy removes the output of launches that nobody will look for any more, now and every day.
func tidy(ctx context.Context, logger *slog.Logger, l *launcher.Launcher) {
	for {
		if n, err := l.Prune(launcher.KeepOutput); err != nil {
			logger.Warn("old output of launches could not be removed", "err", err)
		} else if n > 0 {
			logger.Info(fmt.Sprintf("removed the output of %d launches that was older than %d days", n, int(launcher.KeepOutput.Hours()/24)))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(24 * time.Hour):
		}
	}
}
