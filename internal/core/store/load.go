package store

import (
	"context"
	"fmt"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// Load returns the state that the last successful Commit left.
func (s *Store) Load(ctx context.Context) (*engine.State, error) {
	if st := s.loaded; st != nil {
		s.loaded = nil
		return st, nil
	}
	var st *engine.State
	err := s.persist(func() (err error) {
		st, err = s.reread(ctx)
		return err
	})
	return st, err
}

// reread reads what is in the database: the head, what is live, and the state.
func (s *Store) reread(ctx context.Context) (*engine.State, error) {
	var l *loader
	read := func(ctx context.Context) error {
		l = newLoader(ctx, s.session)
		return l.verify()
	}
	var err error
	if s.lease == nil {
		err = read(ctx)
	} else {
		err = s.alone(ctx, read)
	}
	if err != nil {
		return nil, s.fail(err)
	}
	s.head, s.live, s.current = l.head, l.live, true
	return l.state, nil
}

// alone reads from PostgreSQL when nobody writes: neither another manager, nor a transaction of ours whose connection broke and which
// may still be under way.
func (s *Store) alone(ctx context.Context, read func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, loading)
	defer cancel()
	if err := s.connected(ctx); err != nil {
		return err
	}
	return s.inTransaction(ctx, func() error {
		if err := s.lease.fence(ctx, s.session, "FOR UPDATE"); err != nil {
			return err
		}
		return read(ctx)
	})
}

// loading is how long it may take to read the state from PostgreSQL.
const loading = time.Minute

// loader reads the state, verifies each row, and notes it in live.
type loader struct {
	ctx   context.Context
	s     *session
	head  head
	live  *live
	state *engine.State
}

func newLoader(ctx context.Context, s *session) *loader {
	return &loader{ctx: ctx, s: s, live: newLive(), state: &engine.State{}}
}

// verify reads all, and compares it with what the head says.
func (l *loader) verify() error {
	if err := l.read(); err != nil {
		return err
	}
	if l.live.digest() != l.head.live {
		return errIncomplete
	}
	return nil
}

var errIncomplete = fmt.Errorf("%w: rows are missing, or older than they should be", errRow)

// read reads all that a start needs.
func (l *loader) read() error {
	err := l.readHead()
	for _, step := range []func() error{l.base, l.changes, l.recent, l.launches, l.barriers, l.alerts} {
		if err != nil {
			return err
		}
		err = step()
	}
	return err
}

func (l *loader) readHead() error {
	h, err := readHead(l.ctx, l.s)
	if err != nil {
		return err
	}
	l.head = h
	st := l.state
	st.LastMessage, st.LastLaunch, st.LastBarrier, st.LastAlert = h.lastMessage, h.lastLaunch, h.lastBarrier, h.lastAlert
	return nil
}

func readHead(ctx context.Context, s *session) (h head, err error) {
	found := false
	err = s.query(ctx, "SELECT "+heads.names()+" FROM head WHERE id = 1", nil, func(scan func(...any) error) error {
		r, _, err := heads.scan(scan)
		if err == nil {
			h, found = r.head(), true
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("table head: %w: it is empty", errRow)
	}
	return h, err
}

func (l *loader) rows(t *table, condition string, args []any, each func(row, uint32) error) error {
	return l.s.query(l.ctx, "SELECT "+t.names()+" FROM "+t.name+" "+condition, args, func(scan func(...any) error) error {
		r, crc, err := t.scan(scan)
		if err != nil {
			return err
		}
		return each(r, crc)
	})
}

func (l *loader) base() error {
	return l.rows(&bases, "ORDER BY message DESC LIMIT 1", nil, func(r row, crc uint32) error {
		l.state.Base = engine.Base{Message: r[0].(int64), YAML: r[1].([]byte)}
		l.live.newBase(r[0].(int64), crc)
		return nil
	})
}

func (l *loader) changes() error {
	query := "SELECT " + messages.allNames() + " FROM message WHERE id > ? AND op <> '' ORDER BY id"
	return l.s.query(l.ctx, query, []any{l.state.Base.Message}, func(scan func(...any) error) error {
		m, crc, err := scanMessage(scan)
		if err != nil {
			return err
		}
		l.state.Changes = append(l.state.Changes, m)
		l.live.changes.put(m.ID, crc)
		return nil
	})
}

func (l *loader) recent() error {
	after := l.head.lastMessage - engine.KeepHandled
	return l.rows(&messages, "WHERE id > ? AND (request <> '' OR sender <> '') ORDER BY id", []any{after}, func(r row, crc uint32) error {
		m, err := r.message()
		if err != nil {
			return err
		}
		l.state.Recent = append(l.state.Recent, engine.Handled{Message: m.ID, Request: m.Request, Sender: m.Sender, Type: m.Type, Body: uint32(r[columnBodyCRC].(int64)), Reply: m.Reply, Launch: m.Launch})
		l.live.recent.put(m.ID, crc)
		return nil
	})
}

func (l *loader) launches() error {
	return l.rows(&launches, `WHERE final = 0 OR id IN (SELECT id FROM launch WHERE final = 1 ORDER BY id DESC LIMIT ?) ORDER BY id`,
		[]any{engine.KeepLaunches}, func(r row, crc uint32) error {
			v, err := as[*launch.Launch](r)
			l.state.Launches = append(l.state.Launches, v)
			l.live.launch(r[0].(int64), r[1].(int64) == 1, crc)
			return err
		})
}

func (l *loader) barriers() error {
	return l.rows(&barriers, "WHERE open = 1 ORDER BY id", nil, func(r row, crc uint32) error {
		v, err := as[engine.Barrier](r)
		l.state.Barriers = append(l.state.Barriers, v)
		l.live.barrier(r[0].(int64), true, crc)
		return err
	})
}

func (l *loader) alerts() error {
	return l.rows(&alerts, `WHERE open = 1 OR id IN (SELECT id FROM alert WHERE open = 0 ORDER BY id DESC LIMIT ?) ORDER BY id`,
		[]any{engine.KeepAlerts}, func(r row, crc uint32) error {
			v, err := as[engine.Alert](r)
			l.state.Alerts = append(l.state.Alerts, v)
			l.live.alert(r[0].(int64), r[1].(int64) == 1, crc)
			return err
		})
}

// Message returns a stored message, and whether there is one with this id.
func (s *Store) Message(ctx context.Context, id int64) (m engine.Message, found bool, err error) {
	err = s.ask(ctx, "SELECT "+messages.allNames()+" FROM message WHERE id = ?", id, func(scan func(...any) error) (err error) {
		m, _, err = scanMessage(scan)
		found = err == nil
		return err
	})
	return m, found, err
}

// Operation returns an operator's request that was answered before, and whether there is one with this id.
func (s *Store) Operation(ctx context.Context, id string) (o engine.Operation, found bool, err error) {
	err = s.ask(ctx, "SELECT "+operations.names()+" FROM operation WHERE id = ?", text(id), func(scan func(...any) error) error {
		r, _, err := operations.scan(scan)
		if err == nil {
			o, err = r.operation()
		}
		found = err == nil
		return err
	})
	return o, found, err
}

// ask reads one row, at most.
func (s *Store) ask(ctx context.Context, query string, id any, each func(scan func(...any) error) error) error {
	return s.persist(func() error { return s.askOnce(ctx, query, []any{id}, each) })
}

func (s *Store) askOnce(ctx context.Context, query string, args []any, each func(scan func(...any) error) error) error {
	if s.lease != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, attempt)
		defer cancel()
		if err := s.connected(ctx); err != nil {
			return s.fail(err)
		}
	}
	if err := s.query(ctx, query, args, each); err != nil {
		return s.fail(err)
	}
	return nil
}
