package main

import (
	"context"
	"errors"
	"sync"

	"nowcast/internal/core/daemon"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/store"
)

// errStoodBy is what openState returns when a signal ended the waiting.
var errStoodBy = errors.New("stopped while it was standing by")

// openState opens the state database. While another manager has it, this one stands by: it has loaded the rules and is connected to
// nobody, and its heartbeats say for whom it waits. stoodBy says the same afterwards; it is "" if nobody had the database.
func openState(parent context.Context, d *process) (db *store.Store, stoodBy string, err error) {
	ctx, cancel := untilSignal(parent)
	defer cancel()
	var waiting sync.WaitGroup
	stop := func() {}
	db, err = store.Open(ctx, statePlace(d.cfg), store.Options{Waiting: func(holder string) {
		stoodBy = holder
		d.logger.Info("standing by for " + holder)
		stop = daemon.Heartbeats(d.name, d.alerts, func(h *feed.Heartbeat) { h.Standby = holder }).Stop
		d.ready()
		waiting.Go(func() { watchdog(ctx, d.logger, aliveEvery(), func(context.Context) error { return nil }) })
	}})
	var s stopSignal
	if errors.As(context.Cause(ctx), &s) && err != nil {
		d.logger.Info(s.line())
		err = errStoodBy
	}
	cancel()
	waiting.Wait()
	stop()
	return db, stoodBy, err
}
