package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// Kinds of records.
const (
	KindMessage   = "message"
	KindLaunch    = "launch"
	KindOperation = "operation"
	KindAlert     = "alert"
)

// Kinds are all of them.
var Kinds = []string{KindMessage, KindLaunch, KindOperation, KindAlert}

// Query says which records are wanted.
type Query struct {
	Kinds        []string  // nil all
	Worker       string    // only those about this worker; "" all
	Since, Until time.Time // zero: no bound
	Limit        int       // the newest so many
	Bodies       bool      // messages with their bodies, which may be large
}

// Record is one thing that happened; exactly one of the pointers is set.
type Record struct {
	Time      time.Time
	Message   *engine.Message
	Launch    *launch.Launch
	Operation *engine.Operation
	Alert     *engine.Alert
}

// History returns the newest records that are wanted, the newest last. It only reads, also while a manager has the database.
func History(ctx context.Context, where string, q Query) ([]Record, error) {
	var all []Record
	err := reading(ctx, where, func(s *session) error {
		for _, kind := range Kinds {
			if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, kind) {
				continue
			}
			h := historian{ctx: ctx, s: s, q: q}
			if err := h.read(kind); err != nil {
				return fmt.Errorf("history of %s: %w", kind, err)
			}
			all = append(all, h.found...)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b Record) int { return a.Time.Compare(b.Time) })
	return all[max(0, len(all)-q.Limit):], err
}

// reading opens the database for reading only.
func reading(ctx context.Context, where string, do func(*session) error) error {
	shown, postgres := where, IsPostgres(where)
	if postgres {
		shown = withoutPassword(where)
	} else if _, err := os.Stat(where); err != nil {
		return fmt.Errorf("state database: %w: no manager has worked with this configuration yet", err)
	}
	fail := func(err error) error {
		if err != nil {
			err = fmt.Errorf("state database %s: %w%s", shown, err, remedy(err))
		}
		return err
	}
	var db *sql.DB
	var err error
	if postgres {
		db, err = openPgx(where)
	} else {
		db, err = sql.Open("sqlite", dsn(where, withLog(where)))
	}
	if err != nil {
		return fail(err)
	}
	defer db.Close()
	s, err := newSession(ctx, db, postgres)
	if err != nil {
		return fail(err)
	}
	defer s.close()
	version := int64(0)
	if _, err := s.first(ctx, schemaQuery, nil, &version); err != nil {
		return fail(err)
	}
	if version != schemaVersion {
		return fail(fmt.Errorf("its schema has version %d and not %d: start this version's manager, or use that one's nowcastd", version, schemaVersion))
	}
	return fail(do(s))
}

// historian reads one kind of records, the newest first, until it has enough.
type historian struct {
	ctx   context.Context
	s     *session
	q     Query
	found []Record
}

var errEnough = errors.New("enough")

func (h *historian) read(kind string) error {
	if h.q.Limit <= 0 {
		return nil
	}
	t := map[string]*table{KindMessage: &messages, KindLaunch: &launches, KindOperation: &operations, KindAlert: &alerts}[kind]
	columns, order := t.names(), "id"
	if t == &messages && h.q.Bodies {
		columns = t.allNames()
	}
	if t == &operations {
		order = "time"
	}
	err := h.s.query(h.ctx, "SELECT "+columns+" FROM "+t.name+" ORDER BY "+order+" DESC", nil, func(scan func(...any) error) error {
		r, worker, err := h.record(t, scan)
		switch {
		case errors.Is(err, errRow):
			return nil // a damaged record of long ago must not hide the others
		case err != nil:
			return err
		case !h.q.Since.IsZero() && r.Time.Before(h.q.Since):
			return errEnough
		case !h.q.Until.IsZero() && r.Time.After(h.q.Until), h.q.Worker != "" && worker != h.q.Worker:
			return nil
		}
		if h.found = append(h.found, r); len(h.found) == h.q.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	slices.Reverse(h.found)
	return err
}

// record reads a row, and says which worker it is about.
func (h *historian) record(t *table, scan func(...any) error) (Record, string, error) {
	if t == &messages && h.q.Bodies {
		m, _, err := scanMessage(scan)
		return Record{Time: m.Time, Message: &m}, m.Source, err
	}
	r, _, err := t.scan(scan)
	if err != nil {
		return Record{}, "", err
	}
	switch t {
	case &messages:
		m, err := r.message()
		return Record{Time: m.Time, Message: &m}, m.Source, err
	case &launches:
		l, err := as[launch.Launch](r)
		return Record{Time: l.Decided, Launch: &l}, l.Name(), err
	case &alerts:
		a, err := as[engine.Alert](r)
		return Record{Time: a.Time, Alert: &a}, a.Worker, err
	}
	o, err := r.operation()
	return Record{Time: o.Time, Operation: &o}, "", err
}

// ErrNoHistory says that the history does not reach back so far.
var ErrNoHistory = errors.New("the history does not reach back so far")

// ChecklistAt returns what the checklist was made of at a time: a base, and the changes after it.
func ChecklistAt(ctx context.Context, where string, at time.Time) (*engine.State, error) {
	l := (*loader)(nil)
	err := reading(ctx, where, func(s *session) error {
		l = newLoader(ctx, s)
		last, base := int64(0), int64(0)
		var err error
		if last, err = lastAt(ctx, s, at); err != nil {
			return err
		}
		if err := l.rows(&bases, "WHERE message <= ? ORDER BY message DESC LIMIT 1", []any{last}, func(r row, _ uint32) error {
			base = r[0].(int64)
			l.state.Base = engine.Base{Message: base, YAML: r[1].([]byte)}
			return nil
		}); err != nil {
			return err
		}
		prev := int64(0) // of the oldest message after the base: nothing may be gone between
		if _, err := s.first(ctx, "SELECT prev FROM message WHERE id > ? ORDER BY id LIMIT 1", []any{base}, &prev); err != nil {
			return err
		}
		if prev > base {
			return ErrNoHistory
		}
		query := "SELECT " + messages.allNames() + " FROM message WHERE id > ? AND id <= ? AND op <> '' ORDER BY id"
		return s.query(ctx, query, []any{base, last}, func(scan func(...any) error) error {
			m, _, err := scanMessage(scan)
			l.state.Changes = append(l.state.Changes, m)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return l.state, nil
}

// lastAt returns the last message that was there at a time. The database compares times as text, which is in order up to the second
// only: their decimals are of different lengths.
func lastAt(ctx context.Context, s *session, at time.Time) (id int64, err error) {
	next := at.UTC().Truncate(time.Second).Add(time.Second).Format("2006-01-02T15:04:05")
	err = s.query(ctx, "SELECT id, time FROM message WHERE time < ? ORDER BY id DESC", []any{next}, func(scan func(...any) error) error {
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		if t, err := time.Parse(time.RFC3339Nano, text); err != nil || t.After(at) {
			return err
		}
		return errEnough
	})
	switch {
	case errors.Is(err, errEnough):
		return id, nil
	case err == nil:
		err = ErrNoHistory
	}
	return 0, err
}

// Ran is how long a launch that succeeded took.
type Ran struct {
	Args  []string
	Start time.Time
	Took  time.Duration
}

// Durations returns how long the newest launches of a worker that succeeded took, the newest first.
func (s *Store) Durations(ctx context.Context, worker string, limit int) ([]Ran, error) {
	var all []Ran
	err := s.persist(func() error {
		all = nil
		query := "SELECT " + launches.names() + " FROM launch WHERE worker = ? AND final = 1 ORDER BY id DESC LIMIT ?"
		return s.askOnce(ctx, query, []any{text(worker), 10 * limit}, func(scan func(...any) error) error {
			r, _, err := launches.scan(scan)
			if err != nil || len(all) >= limit {
				return err
			}
			l, err := as[launch.Launch](r)
			if err == nil && l.State == launch.Succeeded && l.Started != nil && l.Ended != nil {
				all = append(all, Ran{l.Args, *l.Started, l.Ended.Sub(*l.Started)})
			}
			return err
		})
	})
	return all, err
}
