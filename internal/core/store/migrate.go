package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the number of the newest file in migrations.
var schemaVersion = newestVersion(migrations)

// newestVersion returns the highest of the numbers that the names of migrations begin with.
func newestVersion(files fs.FS) (newest int64) {
	for _, name := range migrationFiles(files) {
		newest = max(newest, numberOf(name))
	}
	return newest
}

func migrationFiles(files fs.FS) []string {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return names
}

func numberOf(name string) int64 {
	version, err := goose.NumericComponent(name)
	if err != nil {
		panic(err) // goose would refuse the file as well
	}
	return version
}

// ErrNewer is in the error of Open for a database that a newer nowcast has written. It is not damage, and is left as it is.
var ErrNewer = errors.New("it was written by a newer nowcast")

const schemaQuery = "SELECT coalesce(max(version_id), 0) FROM goose_db_version"

// migrate brings the database to this version of the schema.
func migrate(ctx context.Context, db *sql.DB, postgres bool) error {
	version := int64(0)
	switch err := db.QueryRowContext(ctx, schemaQuery).Scan(&version); {
	case err == nil && version == schemaVersion:
		return nil // goose itself takes longer than the rest of a start
	case err == nil && version > schemaVersion:
		return fmt.Errorf("%w: its schema has version %d, and this nowcast knows versions up to %d: start the newer nowcast again", ErrNewer, version, schemaVersion)
	case err != nil && (isDamage(err) || ctx.Err() != nil):
		return err
	}
	dialect := goose.DialectSQLite3
	if postgres {
		dialect = goose.DialectPostgres
	}
	var steps []*goose.Migration
	for _, name := range migrationFiles(migrations) {
		number := numberOf(name)
		steps = append(steps, goose.NewGoMigration(number, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if err := runFile(ctx, tx, name, postgres); err != nil {
				return err
			}
			if number == 2 {
				return copyVersion1(ctx, tx, postgres)
			}
			return nil
		}}, nil))
	}
	p, err := goose.NewProvider(dialect, db, nil, goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true), goose.WithVerbose(false))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// runFile executes a file of migrations. It is written in SQLite's words.
func runFile(ctx context.Context, tx *sql.Tx, name string, postgres bool) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	up, _, _ := strings.Cut(string(text), "-- +goose Down")
	if postgres {
		up = strings.NewReplacer("INTEGER", "BIGINT", "BLOB", "BYTEA").Replace(up)
	}
	_, err = tx.ExecContext(ctx, up)
	return err
}
