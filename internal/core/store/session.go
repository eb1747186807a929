package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"
)

// session is one connection with its prepared statements: preparing costs as much as inserting.
type session struct {
	conn     *sql.Conn
	stmts    map[string]*sql.Stmt // by text
	postgres bool
}

func newSession(ctx context.Context, db *sql.DB, postgres bool) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, stmts: map[string]*sql.Stmt{}, postgres: postgres}, nil
}

func (s *session) close() {
	for _, st := range s.stmts {
		st.Close()
	}
	s.conn.Close()
}

func (s *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	st := s.stmts[query]
	if st == nil {
		text := query
		if s.postgres {
			text = forPostgres(query)
		}
		var err error
		if st, err = s.conn.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		s.stmts[query] = st
	}
	return st, nil
}

func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

// query calls each for every row. The error of each ends it.
func (s *session) query(ctx context.Context, query string, args []any, each func(scan func(...any) error) error) error {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// first reads the first row into dest, and tells whether there is one.
func (s *session) first(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	found := false
	err := s.query(ctx, query, args, func(scan func(...any) error) error {
		if found {
			return nil
		}
		found = true
		return scan(dest...)
	})
	return found, err
}

// inTransaction is all or, with an error, nothing.
func (s *session) inTransaction(ctx context.Context, do func() error) error {
	begin := "BEGIN IMMEDIATE"
	if s.postgres {
		begin = "BEGIN"
	}
	if _, err := s.exec(ctx, begin); err != nil {
		return err
	}
	err := do()
	if err == nil {
		_, err = s.exec(ctx, "COMMIT")
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		s.conn.ExecContext(ctx, "ROLLBACK") // SQLite may have done it by itself, and a connection that broke does it
	}
	return err
}

// forPostgres writes a statement as PostgreSQL wants it: $1 for the first question mark. There are none in our texts.
func forPostgres(query string) string {
	query = strings.Replace(query, "INSERT OR ROLLBACK", "INSERT", 1)
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
