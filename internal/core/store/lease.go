package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// The lease decides which of several managers has a PostgreSQL database. It is renewed every leaseRenewal; one that is older than
// leaseAge, by the server's clock, may be taken. Each time it is taken its generation counts up, and each transaction of a
// manager first makes sure, under a lock of the lease's row, that the generation is still its own. So a manager that was
// stopped or cut off for a while can do no harm when it comes back, whatever it believes.
//
// The time of the renewal is in a table of its own: renewing does not wait for a transaction, nor the other way round.
const (
	leaseRenewal = 500 * time.Millisecond
	leaseAge     = 2 * time.Second
	leaseMargin  = 250 * time.Millisecond // by which our clock may be slower than the server's, and what is checked be late
	leasePoll    = 200 * time.Millisecond // of a manager that stands by
	leaseAttempt = time.Second            // what renewing may take
)

const leaseTables = `
CREATE TABLE IF NOT EXISTS lease (id BIGINT PRIMARY KEY, generation BIGINT NOT NULL);
INSERT INTO lease VALUES (1, 0) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS lease_renewal (id BIGINT PRIMARY KEY, generation BIGINT NOT NULL, renewed TIMESTAMPTZ NOT NULL, free BOOLEAN NOT NULL, holder TEXT NOT NULL);
INSERT INTO lease_renewal VALUES (1, 0, clock_timestamp(), true, '') ON CONFLICT DO NOTHING;`

// lease is a lease that we have.
type lease struct {
	db         *sql.DB
	generation int64
	lost       chan struct{} // closed when somebody else has it
	stop       context.CancelFunc
	renewing   sync.WaitGroup

	mu    sync.Mutex
	until time.Time // guarded by mu; until then it is surely ours
	gone  bool      // guarded by mu; lost is closed
}

// takeLease waits until the lease is free, and takes it. waiting is told once who has it.
func takeLease(ctx context.Context, db *sql.DB, waiting func(holder string)) (*lease, error) {
	if err := prepareLease(ctx, db); err != nil {
		return nil, err
	}
	for told := false; ; {
		sent := time.Now()
		generation, holder, err := tryLease(ctx, db)
		switch {
		case err != nil && (!told || ctx.Err() != nil):
			return nil, err
		case err == nil && generation > 0:
			return keepLease(db, generation, sent), nil
		case err == nil && !told && waiting != nil:
			waiting(holder.String())
		}
		told = true // from now on an error is no reason to give up: standing by is for when things break
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(leasePoll):
		}
	}
}

func prepareLease(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(20310517)"); err != nil { // two that create it at once would collide
		return err
	}
	if _, err := tx.ExecContext(ctx, leaseTables); err != nil {
		return err
	}
	return tx.Commit()
}

// tryLease takes the lease if it is free. The generation is 0 if it is not, and holder then says who has it.
func tryLease(ctx context.Context, db *sql.DB) (generation int64, by holder, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	free, by, err := leaseIsFree(ctx, db.QueryRowContext, "")
	if err != nil || !free {
		return 0, by, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, by, err
	}
	defer tx.Rollback()
	if free, by, err = leaseIsFree(ctx, tx.QueryRowContext, " FOR UPDATE"); err != nil || !free {
		return 0, by, err // somebody was quicker
	}
	if err := tx.QueryRowContext(ctx, "UPDATE lease SET generation = generation + 1 WHERE id = 1 RETURNING generation").Scan(&generation); err != nil {
		return 0, by, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE lease_renewal SET generation = $1, renewed = clock_timestamp(), free = false, holder = $2 WHERE id = 1", generation, asJSON(ourselves())); err != nil {
		return 0, by, err
	}
	return generation, by, tx.Commit()
}

// leaseIsFree also calls it free if its holder has died on this machine: there is no need to wait then. A renewal in the future
// means that the server's clock was put back.
func leaseIsFree(ctx context.Context, query func(context.Context, string, ...any) *sql.Row, lock string) (free bool, by holder, err error) {
	var text string
	err = query(ctx, fmt.Sprintf(`SELECT free OR renewed NOT BETWEEN clock_timestamp() - interval '%[1]d ms' AND clock_timestamp() + interval '%[1]d ms', holder
		FROM lease_renewal WHERE id = 1`, leaseAge.Milliseconds())+lock).Scan(&free, &text)
	if err != nil {
		return false, by, err
	}
	by = parseHolder(text)
	return free || by.dead(), by, nil
}

// keepLease renews the lease until it is released or lost.
func keepLease(db *sql.DB, generation int64, sent time.Time) *lease {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lease{db: db, generation: generation, lost: make(chan struct{}), stop: cancel}
	l.ours(sent)
	l.renewing.Go(func() {
		tick := time.NewTicker(leaseRenewal)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.renew(ctx)
			}
		}
	})
	return l
}

// renew does nothing about an error: a connection that broke is made again next time.
func (l *lease) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaseAttempt)
	defer cancel()
	sent := time.Now()
	done, err := l.db.ExecContext(ctx, "UPDATE lease_renewal SET renewed = clock_timestamp() WHERE id = 1 AND generation = $1", l.generation)
	if err != nil {
		return
	}
	if n, err := done.RowsAffected(); err == nil && n == 0 {
		l.lose()
		return
	}
	l.ours(sent)
}

func (l *lease) ours(since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = since.Add(leaseAge - leaseMargin)
}

func (l *lease) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gone {
		l.gone, l.until = true, time.Time{}
		close(l.lost)
	}
}

func (l *lease) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.gone && time.Now().Before(l.until)
}

// fence makes sure, until the end of the transaction, that nobody else takes the lease.
func (l *lease) fence(ctx context.Context, s *session, lock string) error {
	var generation int64
	if _, err := s.first(ctx, "SELECT generation FROM lease WHERE id = 1 "+lock, nil, &generation); err != nil {
		return err
	}
	if generation != l.generation {
		l.lose()
		return ErrDeposed
	}
	return nil
}

// release gives the lease back, so that a manager that stands by need not wait.
func (l *lease) release() {
	l.stop()
	l.renewing.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), leaseAttempt)
	defer cancel()
	l.db.ExecContext(ctx, "UPDATE lease_renewal SET free = true WHERE id = 1 AND generation = $1", l.generation) // if not, it grows old
}
