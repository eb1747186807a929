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
	db    *sql.DB
	conn  *sql.Conn            // the one connection
	stmts map[string]*sql.Stmt // prepared on conn, by text: preparing costs as much as inserting
	file  string
	lock  *os.File // held with flock as long as the store is open
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
	s := &Store{db: db, file: file, lock: lock, stmts: map[string]*sql.Stmt{}}
	if err = s.migrate(ctx); err == nil {
		s.conn, err = db.Conn(ctx)
	}
	if err != nil {
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
var schemaVersion = newestVersion(migrations)

// newestVersion returns the highest of the numbers that the names of migrations begin with.
func newestVersion(files fs.FS) (newest int64) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			panic(err) // goose would refuse the file as well
		}
		newest = max(newest, version)
	}
	return newest
}

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
	for _, st := range s.stmts {
		st.Close()
	}
	if s.conn != nil {
		s.conn.Close()
	}
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
	defer func() {
		if err != nil {
			s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // fails if the transaction did not begin
			err = fmt.Errorf("state database %s: %w%s", s.file, err, remedy(err))
		}
	}()
	w := writer{ctx: ctx, s: s}
	w.exec("BEGIN IMMEDIATE")
	w.messages(b.Messages)
	if b.Base != nil {
		w.exec("INSERT OR REPLACE INTO checklist_base VALUES (?, ?)", b.Base.Message, b.Base.YAML)
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
	w.exec("COMMIT")
	return w.err
}

// writer runs statements until one fails.
type writer struct {
	ctx context.Context
	s   *Store
	err error
}

func (w *writer) exec(query string, args ...any) {
	if w.err != nil {
		return
	}
	st := w.s.stmts[query]
	if st == nil {
		if st, w.err = w.s.conn.PrepareContext(w.ctx, query); w.err != nil {
			return
		}
		w.s.stmts[query] = st
	}
	_, w.err = st.ExecContext(w.ctx, args...)
}

func (w *writer) json(v any) string {
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	return string(b)
}

// rowsPerInsert is how many rows one statement inserts at most: a call costs more than a row. What is left is inserted by
// smaller statements, so that there are three and not one for each number of rows.
const (
	rowsPerInsert = 16
	fewRows       = 4
)

// share returns how many of n rows the next statement inserts.
func share(n int) int {
	switch {
	case n >= rowsPerInsert:
		return rowsPerInsert
	case n >= fewRows:
		return fewRows
	}
	return 1
}

func (w *writer) messages(ms []engine.Message) {
	for len(ms) > 0 {
		n := share(len(ms))
		args := make([]any, 0, n*9)
		for _, m := range ms[:n] {
			args = append(args, m.ID, stamp(m.Time), m.Source, m.Type, m.Launch, m.Reply, string(m.Op), m.Key, m.Body)
		}
		w.exec(insertMessages[n], args...)
		ms = ms[n:]
	}
}

// insertMessages are the statements for so many rows. OR ROLLBACK because a batch fails as a whole anyway, and the database
// then need not prepare for undoing one statement.
var insertMessages = map[int]string{
	1:             insertMessage + messageRow,
	fewRows:       insertMessage + strings.Repeat(messageRow+",", fewRows-1) + messageRow,
	rowsPerInsert: insertMessage + strings.Repeat(messageRow+",", rowsPerInsert-1) + messageRow,
}

const (
	insertMessage = "INSERT OR ROLLBACK INTO message VALUES "
	messageRow    = "(?,?,?,?,?,?,?,?,?)"
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
