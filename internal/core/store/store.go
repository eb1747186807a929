// Package store keeps what the manager must not forget: messages, checklist changes, launches, barriers, alerts and
// operator actions, in an SQLite database in the state directory.
//
// Commit is one transaction and returns after it is on the disk (WAL, synchronous FULL: one fsync a batch). What
// Load returns is what the last successful Commit left, whatever was killed and whenever. It is the only importer of
// database drivers.
package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"nowcast/internal/core/engine"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. One goroutine at a time may use it.
type Store struct {
	db   *sql.DB
	file string
	lock *os.File // held with flock as long as the store is open
}

// Open opens or creates the database file and brings it to this version of the schema.
func Open(ctx context.Context, file string) (*Store, error) {
	lock, err := lockFile(file + ".lock")
	if err != nil {
		return nil, err
	}
	dsn := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(file) +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(2000)&_pragma=wal_autocheckpoint(2000)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open state database %s: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db, file: file, lock: lock}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("state database %s: %w%s", file, err, remedy(err))
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	var version int64
	row := s.db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version")
	if err := row.Scan(&version); err == nil && version == schemaVersion {
		return nil // goose itself takes longer than the rest of a start
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, sub, goose.WithVerbose(false))
	if err != nil {
		return err
	}
	if _, err = p.Up(ctx); err != nil {
		return err
	}
	return nil
}

// schemaVersion is the number of the newest file in migrations.
const schemaVersion = 1

// remedy says what an operator can do about an error.
func remedy(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ": another process is using it; is a second manager running with this state directory?"
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return ": the file is damaged; put it aside and start again: the checklist is then read from the checklist file"
	case sqlite3.SQLITE_FULL:
		return ": the disk is full"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return ": check that the directory exists and may be written to"
	}
	return ""
}

// Close closes the database.
func (s *Store) Close() error {
	err := s.db.Close()
	s.lock.Close() // the kernel also does this when the process dies
	return err
}

// lockFile refuses a second manager on the same state: two of them would launch everything twice.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state database: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("state database %s is in use: a manager with this state directory is running already", strings.TrimSuffix(name, ".lock"))
	}
	return f, nil
}

// Commit makes a batch durable. After an error nothing of it is, and it may be tried again.
func (s *Store) Commit(ctx context.Context, b *engine.Effects) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("state database %s: %w%s", s.file, err, remedy(err))
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			err = fmt.Errorf("state database %s: %w%s", s.file, err, remedy(err))
		}
	}()
	w := writer{ctx: ctx, tx: tx}
	w.messages(b.Messages)
	w.changes(b.Changes)
	if b.Base != nil {
		w.exec("INSERT OR REPLACE INTO checklist_base VALUES (?, ?)", b.Base.Seq, b.Base.YAML)
	}
	for _, l := range b.Launches {
		w.exec("INSERT OR REPLACE INTO launch VALUES (?, ?, ?)", l.ID, l.State.Final(), w.json(l))
	}
	for _, bar := range b.Barriers {
		w.exec("INSERT OR REPLACE INTO barrier VALUES (?, 1, ?)", bar.ID, w.json(bar))
	}
	for _, id := range b.Released {
		w.exec("UPDATE barrier SET open = 0 WHERE id = ?", id)
	}
	for _, a := range b.Alerts {
		w.exec("INSERT OR REPLACE INTO alert VALUES (?, ?, ?)", a.ID, stamp(a.Time), w.json(a))
	}
	for _, o := range b.Operations {
		w.exec("INSERT OR REPLACE INTO operation VALUES (?, ?, ?, ?, ?, ?)", o.ID, stamp(o.Time), o.Author, o.Command, o.Args, o.Reply)
	}
	if w.err != nil {
		return w.err
	}
	return tx.Commit()
}

// writer runs statements until one fails.
type writer struct {
	ctx context.Context
	tx  *sql.Tx
	err error
}

func (w *writer) exec(query string, args ...any) {
	if w.err != nil {
		return
	}
	_, w.err = w.tx.ExecContext(w.ctx, query, args...)
}

func (w *writer) json(v any) string {
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	return string(b)
}

// rowsPerInsert is how many rows one statement inserts: a statement costs more than a row.
const rowsPerInsert = 32

func (w *writer) messages(ms []engine.Message) {
	for len(ms) > 0 {
		n := min(len(ms), rowsPerInsert)
		args := make([]any, 0, n*7)
		for _, m := range ms[:n] {
			args = append(args, m.ID, stamp(m.Time), m.Source, m.Type, m.Launch, m.Reply, m.Body)
		}
		w.exec("INSERT INTO message VALUES "+rows(n, "(?,?,?,?,?,?,?)"), args...)
		ms = ms[n:]
	}
}

func (w *writer) changes(cs []engine.Change) {
	for len(cs) > 0 {
		n := min(len(cs), rowsPerInsert)
		args := make([]any, 0, n*6)
		for _, c := range cs[:n] {
			args = append(args, c.Seq, stamp(c.Time), c.Author, c.Message, string(c.Op), c.YAML)
		}
		w.exec("INSERT INTO checklist_change VALUES "+rows(n, "(?,?,?,?,?,?)"), args...)
		cs = cs[n:]
	}
}

func rows(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
