package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/manager"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/wire"
)

// connectManager connects to the broker's port for the manager.
func connectManager(d *process) (*wire.Trunk, error) {
	return wire.OpenTrunk(managerEndpoint(d.cfg), wire.TrunkOptions{
		Conn: wire.Options{Kind: wire.Dealer, Linger: time.Second},
		Tell: func(endpoint string, n wire.TrunkNews) { tellMoved(d.logger, endpoint, n) },
	})
}

func managerEndpoint(cfg *config.Config) string { return wire.TCP(cfg.ZMQ.Host, cfg.ZMQ.ManagerPort) }

// tellMoved tells the operator who has changed the address of the broker how that went.
func tellMoved(log *slog.Logger, endpoint string, n wire.TrunkNews) {
	address := strings.TrimPrefix(endpoint, "tcp://")
	colon := strings.LastIndexByte(address, ':')
	host, port := strings.Trim(address[:colon], "[]"), address[colon+1:]
	switch n {
	case wire.TrunkConnected:
		log.Info(fmt.Sprintf("connected to %s port %s", host, port))
	case wire.TrunkWaiting:
		log.Warn(fmt.Sprintf("no message broker answers at %s port %s so far; requests are taken from the old one meanwhile: send SIGHUP to the broker, too, or restart it", host, port))
	case wire.TrunkClosed:
		log.Info(fmt.Sprintf("disconnected from %s port %s: the message broker has left it, or is connected by its other name", host, port))
	}
}

// checklistLog is where the checklist goes before it is cleared; nil if nobody wants it.
func checklistLog(d *process) *slog.Logger {
	if !d.log.HasHandlers("checklist") {
		return nil
	}
	return d.log.Logger("checklist")
}

// reloadManager gives a running manager a changed configuration, and returns the rules that are in use from then on. What can fail
// comes first: new rules are loaded beside the old ones and are closed again if something else fails, and to have
// connected to another broker harms nobody.
func (p *program) reloadManager(ctx context.Context, d *process, cfg *config.Config, m *manager.Manager, inUse rules.Evaluator, requests *wire.Trunk) (rules.Evaluator, error) {
	change := manager.Change{Config: cfg, ChecklistLog: checklistLog(d)}
	next := inUse
	if otherRules(d.cfg, cfg) {
		var err error
		if next, err = p.openRules(cfg, d.logger, d.log.Logger); err != nil {
			return inUse, err
		}
		change.Rules = next
	}
	err := checkChecklistFile(d.cfg, cfg)
	if err == nil {
		err = requests.Move(managerEndpoint(cfg))
	}
	if err == nil {
		err = m.Reload(ctx, change)
	}
	switch {
	case next == inUse:
	case err != nil:
		next.Close()
	default:
		inUse.Close()
		inUse = next
	}
	return inUse, err
}

// otherRules tells whether the rules must be opened anew. What else they use, such as their time limit, is given to them by
// Configure.
func otherRules(was, is *config.Config) bool {
	return was.Registry.NextWorkers != is.Registry.NextWorkers || was.Python != is.Python
}

func checkChecklistFile(was, is *config.Config) error {
	if was.ChecklistFile == is.ChecklistFile {
		return nil
	}
	return manager.CheckFile(is.ChecklistFile)
}
