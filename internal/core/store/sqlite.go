package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openFile opens or creates an SQLite database. If it is damaged it is put aside, and what can be read of it carried over.
func openFile(ctx context.Context, file string) (*Store, error) {
	locks, err := lock(file)
	if err != nil {
		return nil, err
	}
	s := &Store{where: file, file: file, locks: locks}
	err = s.openSound(ctx)
	if d := (*damaged)(nil); errors.As(err, &d) {
		s.closeDatabase()
		if err = salvage(ctx, file, d.cause.Error(), time.Now()); err == nil {
			err = s.openSound(ctx)
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// damageMark is what is behind the name of a database in which damage was met, or of the file with that name.
const damageMark = ".damaged"

// openSound opens the database, and verifies all that a start reads.
func (s *Store) openSound(ctx context.Context) error {
	if err := finishSalvage(s.file); err != nil {
		return err
	}
	if why, err := os.ReadFile(s.file + damageMark); err == nil {
		return &damaged{s.file, s.file, errors.New(strings.TrimSpace(string(why)))}
	}
	if err := s.emptied(); err != nil {
		return &damaged{s.file, s.file, err}
	}
	if err := s.verify(ctx); err != nil {
		return s.fail(err)
	}
	err := s.attach(ctx, s.file)
	if err == nil && !s.current {
		s.loaded, err = s.reread(ctx)
	}
	if err == nil {
		s.salvage, err = readNote(ctx, s.session)
	}
	if err != nil {
		return s.fail(err)
	}
	s.places = []place{newPlace(s.file), newPlace(s.file + "-wal")}
	return s.used()
}

// verify reads an existing database of this version, before anything is changed in it. What else may be wrong is for attach to find.
func (s *Store) verify(ctx context.Context) error {
	if info, err := os.Stat(s.file); err != nil || info.Size() == 0 {
		return nil
	}
	db := openSource(ctx, s.file, withLog(s.file))
	defer db.close()
	switch {
	case db.hasHead && db.read.head.version > schemaVersion:
		return nil // a newer one, which says so
	case db.err == nil:
		s.head, s.live, s.loaded, s.current = db.read.head, db.read.live, db.read.state, true
	case isDamage(db.err):
		return db.err
	}
	return nil
}

// attach opens the file for writing and brings it to this version of the schema.
func (s *Store) attach(ctx context.Context, file string) (err error) {
	if s.db, err = sql.Open("sqlite", dsn(file, "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(2000)&_pragma=wal_autocheckpoint(2000)&_txlock=immediate")); err != nil {
		return err
	}
	if err = migrate(ctx, s.db, false); err != nil {
		return err
	}
	s.session, err = newSession(ctx, s.db, false)
	return err
}

func dsn(file, parameters string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(file) + "?" + parameters
}

func (s *Store) closeDatabase() {
	if s.session != nil {
		s.session.close()
		s.session = nil
	}
	if s.db != nil {
		s.db.Close()
		s.db = nil
	}
}

// isDamage tells whether an error means that what is on the disk is not what was written.
func isDamage(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT:
			return true
		}
		switch e.Code() {
		case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA:
			return true
		}
	}
	return errors.Is(err, errRow) || errors.Is(err, ErrDamaged) || errors.As(err, new(misplaced)) || postgresDamage(err)
}

// remedy says what an operator can do about an error.
func remedy(err error) string {
	var e *sqlite.Error
	switch {
	case errors.Is(err, fs.ErrPermission):
		return ": give this user the right to read and write it"
	case !errors.As(err, &e):
		return postgresRemedy(err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ": another process is using it; is a second manager running with this state directory?"
	case sqlite3.SQLITE_FULL:
		return ": the disk is full: make room; nothing is acknowledged until there is some"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return ": check that the directory exists, and that this user may write to it and to the file"
	case sqlite3.SQLITE_IOERR:
		return ": look at the disk (dmesg)"
	}
	return ""
}
