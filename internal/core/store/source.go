package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// source is a database, open for reading only: closing it leaves it as it was. SQLite would otherwise copy the log into the
// database, and with a damaged log that cannot be undone.
type source struct {
	*session // nil: nothing can be read of it
	db       *sql.DB
	read     *loader
	hasHead  bool
	err      error // why it is not sound; nil: what a start reads is complete
	link     string
	partial  bool // there is a log that could not be read with it
}

// openSource opens a database and reads what a start reads.
func openSource(ctx context.Context, file, parameters string) *source {
	s := &source{}
	s.err = s.open(ctx, file, parameters)
	return s
}

func (s *source) open(ctx context.Context, file, parameters string) (err error) {
	if s.db, err = sql.Open("sqlite", dsn(file, parameters)); err != nil {
		return err
	}
	session, err := newSession(ctx, s.db, false)
	if err != nil {
		return err
	}
	var version int64
	if _, err := session.first(ctx, "SELECT count(*) FROM sqlite_schema", nil, &version); err != nil {
		session.close()
		return err
	}
	s.session, s.read = session, newLoader(ctx, session)
	h, err := readHead(ctx, session)
	if err != nil {
		return err
	}
	s.read.head, s.hasHead = h, true
	if _, err := session.first(ctx, schemaQuery, nil, &version); err != nil {
		return err
	}
	if version != h.version {
		return fmt.Errorf("%w: its schema has version %d according to one table and %d to another", errRow, version, h.version)
	}
	return s.read.verify()
}

// withLog is how the database is opened together with its log, if it has one.
func withLog(file string) string {
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return "mode=ro&_pragma=busy_timeout(2000)"
	}
	return withoutLog
}

const withoutLog = "immutable=1"

// chooseSource opens a damaged database with its log or without it, whichever is better. A log that breaks off before the point up to
// which it was copied into the database makes pages old again; the file without the log has them all then.
func chooseSource(ctx context.Context, file string) *source {
	with := openSource(ctx, file, withLog(file))
	if with.err == nil {
		return with
	}
	os.Remove(file + alone)
	if os.Link(file, file+alone) != nil {
		return with
	}
	without := openSource(ctx, file+alone, withoutLog)
	without.link = file + alone
	hasLog := withLog(file) != withoutLog
	without.partial = hasLog && !with.hasHead
	if without.hasHead && (!with.hasHead || without.err == nil && without.read.head.commits >= with.read.head.commits) {
		with.close()
		return without
	}
	without.close()
	if with.hasHead {
		return with
	}
	if anew := withNewFirstPage(ctx, file); anew.hasHead {
		anew.partial = hasLog
		with.close()
		return anew
	} else {
		anew.close()
	}
	return with
}

func (s *source) close() {
	if s.session != nil {
		s.session.close()
	}
	if s.db != nil {
		s.db.Close()
	}
	if s.link != "" {
		os.Remove(s.link)
	}
}
