package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nowcast/internal/core/engine"
)

// Commit makes a batch durable. After an error it may have happened all the same (a connection that broke, a disk that
// reported too late): the same batch may be tried again, and is never applied twice.
func (s *Store) Commit(ctx context.Context, b *engine.Effects) error {
	return s.persist(func() error { return s.commit(ctx, b) })
}

func (s *Store) commit(ctx context.Context, b *engine.Effects) error {
	if err := s.inPlace(); err != nil {
		return s.fail(err)
	}
	if !s.current {
		if _, err := s.reread(ctx); err != nil {
			return err
		}
	}
	s.loaded = nil
	p := s.plan(b)
	if p.head.batch == s.head.batch {
		return nil // it is there already
	}
	s.current = false // until we know that it has happened
	p.apply(s.live)
	p.head.live = s.live.digest()
	if err := s.transact(ctx, func(ctx context.Context) error { return p.write(ctx, s.session) }); err != nil {
		if s.file != "" && isConflict(err) {
			err = fmt.Errorf("%w: %w", ErrDeposed, err)
		}
		return s.fail(err)
	}
	s.head, s.current = p.head, true
	if p.told {
		s.salvage = nil
	}
	return nil
}

// persist does something a second time if the connection to PostgreSQL has broken: it may have been for long, unnoticed.
func (s *Store) persist(do func() error) error {
	err := do()
	if err != nil && s.lease != nil && !errors.Is(err, ErrDeposed) && (s.session == nil || !s.session.alive()) {
		return do()
	}
	return err
}

// attempt is how long a transaction with PostgreSQL may take before its connection is given up.
const attempt = 5 * time.Second

// transact runs a transaction in which, with PostgreSQL, it is sure that no other manager has taken over.
func (s *Store) transact(ctx context.Context, do func(context.Context) error) error {
	if s.lease == nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Only a server can be worth giving up on. For a context that may end the driver starts a goroutine with each statement.
		ctx := context.WithoutCancel(ctx)
		return s.inTransaction(ctx, func() error { return do(ctx) })
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	if err := s.connected(ctx); err != nil {
		return err
	}
	return s.inTransaction(ctx, func() error {
		if err := s.lease.fence(ctx, s.session, "FOR SHARE"); err != nil {
			return err
		}
		return do(ctx)
	})
}
