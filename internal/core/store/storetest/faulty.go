package storetest

import (
	"context"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/store"
)

// Faulty is a store that fails as a script says.
type Faulty struct {
	*store.Store
	Script  func(commit int) Fault // for each call of Commit, from 1; one goroutine at a time
	commits int
}

// Fault is what goes wrong with one commit.
type Fault struct {
	Slow   time.Duration // it takes so much longer
	Before error         // it does not happen, for this reason
	After  error         // it happens, and this is said all the same
}

// Commit does what the script says.
func (f *Faulty) Commit(ctx context.Context, b *engine.Effects) error {
	f.commits++
	fault := f.Script(f.commits)
	if fault.Slow > 0 {
		select {
		case <-time.After(fault.Slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fault.Before != nil {
		return fault.Before
	}
	if err := f.Store.Commit(ctx, b); err != nil {
		return err
	}
	return fault.After
}
