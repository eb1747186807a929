package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgConnector makes connections of pgx for database/sql, as far as this package uses that. pgx's own adapter brings a pool that
// nobody here needs.
type pgConnector struct{ config *pgx.ConnConfig }

func openPgx(where string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 2 * time.Second
	}
	for name, value := range map[string]string{
		"synchronous_commit":                  "on",   // or stronger, but never off: an acknowledged message is on the disk
		"idle_in_transaction_session_timeout": "1000", // ms: a manager that is gone must not hold back the one that takes over
		"lock_timeout":                        "4000",
		"tcp_user_timeout":                    "4000",
		"application_name":                    "nowcast",
	} {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	return sql.OpenDB(&pgConnector{config}), nil
}

func (c *pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return nil, err
	}
	return &pgConn{conn}, nil
}

func (c *pgConnector) Driver() driver.Driver { return pgDriver{} }

type pgDriver struct{}

func (pgDriver) Open(string) (driver.Conn, error) { return nil, errors.ErrUnsupported }

// pgConn is a connection. pgx prepares and keeps the statements that it executes.
type pgConn struct{ conn *pgx.Conn }

func (c *pgConn) IsValid() bool { return !c.conn.IsClosed() }

func (c *pgConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.conn.Close(ctx)
}

func (c *pgConn) Prepare(query string) (driver.Stmt, error) { return &pgStmt{c, query}, nil }

func (c *pgConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *pgConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	tx, err := c.conn.Begin(ctx)
	return pgTx{tx}, err
}

type pgTx struct{ pgx.Tx }

func (t pgTx) Commit() error   { return t.Tx.Commit(context.Background()) }
func (t pgTx) Rollback() error { return t.Tx.Rollback(context.Background()) }

func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tag, err := c.conn.Exec(ctx, query, plain(args)...)
	return driver.RowsAffected(tag.RowsAffected()), err
}

func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.Query(ctx, query, plain(args)...)
	if err != nil {
		return nil, err
	}
	return &pgRows{rows: rows}, nil
}

func plain(args []driver.NamedValue) []any {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a.Value
	}
	return all
}

type pgStmt struct {
	c     *pgConn
	query string
}

func (s *pgStmt) Close() error  { return nil }
func (s *pgStmt) NumInput() int { return -1 }

func (s *pgStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (s *pgStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }

func (s *pgStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s *pgStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

type pgRows struct{ rows pgx.Rows }

func (r *pgRows) Columns() []string {
	names := make([]string, len(r.rows.FieldDescriptions()))
	for i, d := range r.rows.FieldDescriptions() {
		names[i] = d.Name
	}
	return names
}

func (r *pgRows) Close() error {
	r.rows.Close()
	return nil
}

func (r *pgRows) Next(dest []driver.Value) error {
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	values, err := r.rows.Values()
	for i, v := range values {
		switch v := v.(type) {
		case int16:
			dest[i] = int64(v)
		case int32:
			dest[i] = int64(v)
		default:
			dest[i] = v
		}
	}
	return err
}
