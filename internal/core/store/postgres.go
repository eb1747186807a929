package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres waits for the lease, and then does what openFile does.
func openPostgres(ctx context.Context, where string, o Options) (*Store, error) {
	s := &Store{where: withoutPassword(where)}
	err := s.take(ctx, where, o)
	if err == nil {
		err = migrate(ctx, s.db, true)
	}
	if err == nil {
		err = s.persist(func() (err error) {
			s.loaded, err = s.reread(ctx)
			return err
		})
	}
	if err != nil {
		s.Close()
		return nil, s.fail(err)
	}
	return s, nil
}

func (s *Store) take(ctx context.Context, where string, o Options) (err error) {
	if s.db, err = openPgx(where); err != nil {
		return err
	}
	s.lease, err = takeLease(ctx, s.db, o.Waiting)
	return err
}

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
	return stdlib.OpenDB(*config), nil
}

// connected makes a new connection if the last one broke.
func (s *Store) connected(ctx context.Context) (err error) {
	if s.session != nil && s.session.alive() {
		return nil
	}
	if s.session != nil {
		s.session.close()
	}
	s.session, err = newSession(ctx, s.db, true)
	return err
}

// alive tells whether a connection to PostgreSQL has not broken yet.
func (s *session) alive() bool {
	alive := false
	s.conn.Raw(func(c any) error {
		alive = !c.(*stdlib.Conn).Conn().IsClosed()
		return nil
	})
	return alive
}

var passwordParameter = regexp.MustCompile(`(?i)(password=)[^&]*`)

// withoutPassword returns a URL that may be shown.
func withoutPassword(where string) string {
	u, err := url.Parse(where)
	if err != nil {
		return "postgres://... (not a URL)"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	u.RawQuery = passwordParameter.ReplaceAllString(u.RawQuery, "$1...")
	return u.String()
}

// postgresRemedy says what an operator can do about an error of PostgreSQL.
func postgresRemedy(err error) string {
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		return ": is PostgreSQL running there, and may this user connect (pg_hba.conf, ~/.pgpass)?"
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case "53100":
		return ": the disk of PostgreSQL is full: make room; nothing is acknowledged until there is some"
	case "42501":
		return ": let this user create tables in the database (GRANT CREATE ON SCHEMA public)"
	case "25006":
		return ": this server is a replica: name the primary too, and add target_session_attrs=read-write to the URL"
	}
	return ""
}

// postgresDamage tells whether PostgreSQL says that its data are damaged.
func postgresDamage(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "XX001" || e.Code == "XX002")
}
