// Package store keeps what the manager must not forget: messages, checklist changes, launches, barriers, alerts and
// operator actions, in an SQLite database in the state directory or in PostgreSQL.
//
// Commit is one transaction and returns after it is on the disk. What Load returns is what the last successful Commit
// left, whatever was killed and whenever: every row has a checksum, and one row, the head, a digest of all that a start
// reads (rows.go, live.go). One manager at a time has the store: with SQLite by flock, and a second one is refused; with
// PostgreSQL by a lease, and a second one stands by (lease.go). A damaged SQLite database never prevents a start: it is
// put aside, and what can be read of it goes on (salvage.go). It is the only importer of database drivers.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"nowcast/internal/core/engine"
)

// Options are for PostgreSQL, and may be left out.
type Options struct {
	// Waiting is called once if another manager has the lease, before Open waits for it: "HOST pid N".
	Waiting func(holder string)
}

var (
	// ErrDamaged is in errors that mean that the database is damaged. The next Open repairs it.
	ErrDamaged = errors.New("the state database is damaged")
	// ErrDeposed is in errors that mean that another manager has taken over. This one may do nothing more.
	ErrDeposed = errors.New("another manager has taken over")
)

// Store is an open database. One goroutine at a time may use it, but for Held and Lost.
type Store struct {
	where string // for messages; without password
	file  string // the SQLite file; "" with PostgreSQL
	db    *sql.DB
	*session

	locks  *locks  // SQLite: held as long as the store is open
	places []place // SQLite: where its files are
	lease  *lease  // PostgreSQL

	current bool          // head and live are as in the database
	head    head          // of the last commit
	live    *live         // what it left
	loaded  *engine.State // read by Open, for the first Load
	salvage *Salvage      // nil: nothing was, or it has been told
}

// head is the row of that name.
type head struct {
	commits, version                                int64
	lastMessage, lastLaunch, lastBarrier, lastAlert int64
	batch, live                                     int64
}

func (h *head) row() row {
	return row{int64(1), h.commits, h.version, h.lastMessage, h.lastLaunch, h.lastBarrier, h.lastAlert, h.batch, h.live}
}

func (r row) head() head {
	n := func(i int) int64 { return r[i].(int64) }
	return head{n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8)}
}

// Open opens or creates the database: where is a file, or the URL of a PostgreSQL database. It brings it to this version of the
// schema. With PostgreSQL it waits until no other manager has it.
func Open(ctx context.Context, where string, o Options) (*Store, error) {
	if IsPostgres(where) {
		return openPostgres(ctx, where, o)
	}
	return openFile(ctx, where)
}

// IsPostgres tells whether where is the URL of a PostgreSQL database and not a file.
func IsPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// Held tells whether the store is surely still ours: no other manager can have it at this moment.
func (s *Store) Held() bool { return s.lease == nil || s.lease.held() }

// Lost is closed when another manager has taken over.
func (s *Store) Lost() <-chan struct{} {
	if s.lease == nil {
		return nil
	}
	return s.lease.lost
}

// Salvaged says what was repaired when the store was opened, nil if nothing was. It is said again by each Open until a batch with
// an alert was committed.
func (s *Store) Salvaged() *Salvage { return s.salvage }

// Close closes the database. A manager that stands by takes over at once.
func (s *Store) Close() error {
	if s.session != nil {
		s.session.close()
	}
	if s.lease != nil {
		s.lease.release()
	}
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	s.locks.release()
	return err
}

// fail says what an error was about and what to do. If it means damage, the next Open finds a mark.
func (s *Store) fail(err error) error {
	var d *damaged
	switch {
	case errors.As(err, &d), errors.As(err, new(failure)):
		return err
	case !isDamage(err):
		return failure{s.where, err}
	case s.file != "":
		os.WriteFile(s.file+damageMark, []byte(err.Error()+"\n"), 0o600) // if that fails, the next Open finds the damage by itself
	}
	return &damaged{s.where, s.file, err}
}

// damaged is the error that wraps ErrDamaged.
type damaged struct {
	where, file string
	cause       error
}

func (d *damaged) Unwrap() []error { return []error{ErrDamaged, d.cause} }

func (d *damaged) Error() string {
	remedy := "restore it from a backup, or create an empty database for a new state"
	if d.file != "" {
		remedy = "it is repaired at the next start"
	}
	return fmt.Sprintf("state database %s is damaged: %v: %s", d.where, d.cause, remedy)
}

// failure is any other error. Its own type, so that it is said once where it comes from.
type failure struct {
	where string
	cause error
}

func (f failure) Unwrap() error { return f.cause }
func (f failure) Error() string {
	return fmt.Sprintf("state database %s: %v%s", f.where, f.cause, remedy(f.cause))
}
