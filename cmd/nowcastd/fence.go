package main

import (
	"context"
	"fmt"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/launcher"
	"nowcast/internal/core/store"
)

// fenced starts processes only while the state database is surely ours. What was committed cannot be another manager's, but a process
// that is started because of it a few seconds later could be.
type fenced struct {
	*launcher.Launcher
	db *store.Store
}

// holdPatience is how long a launch waits until it is known again whose the database is.
const holdPatience = 30 * time.Second

func (f fenced) Start(l *launch.Launch) (launch.Started, error) {
	for begin := time.Now(); !f.db.Held(); {
		select {
		case <-f.db.Lost():
			return launch.Started{}, fmt.Errorf("not started: %w", store.ErrDeposed)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(begin) > holdPatience {
			return launch.Started{}, fmt.Errorf("not started: PostgreSQL did not confirm for %v that this manager still has the state database", holdPatience)
		}
	}
	return f.Launcher.Start(l)
}

// untilLost returns when another manager has taken over the state database: this one must end then.
func untilLost(db *store.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-db.Lost():
			return fmt.Errorf("this manager ends: %w", store.ErrDeposed)
		}
	}
}
