package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// How many finished launches and alerts a manager starts with.
const (
	finishedLaunches = 2000
	oldAlerts        = 200
)

// Load returns the state that the last successful Commit left.
func (s *Store) Load(ctx context.Context) (*engine.State, error) {
	st := &engine.State{}
	r := reader{ctx: ctx, conn: s.conn}
	r.one("SELECT message, yaml FROM checklist_base ORDER BY message DESC LIMIT 1", nil, &st.Base.Message, &st.Base.YAML)
	r.all("SELECT "+messageColumns+" FROM message WHERE id > ? AND op <> '' ORDER BY id", []any{st.Base.Message}, func(rows *sql.Rows) error {
		m, err := scanMessage(rows.Scan)
		st.Changes = append(st.Changes, m)
		return err
	})
	st.Launches = records[*launch.Launch](&r, `SELECT record FROM launch WHERE final = 0 OR id IN
		(SELECT id FROM launch WHERE final = 1 ORDER BY id DESC LIMIT ?) ORDER BY id`, finishedLaunches)
	st.Barriers = records[engine.Barrier](&r, "SELECT record FROM barrier WHERE open = 1 ORDER BY id")
	st.Alerts = records[engine.Alert](&r, "SELECT record FROM alert ORDER BY id DESC LIMIT ?", oldAlerts)
	slices.Reverse(st.Alerts)
	for table, last := range map[string]*int64{"message": &st.LastMessage, "launch": &st.LastLaunch, "barrier": &st.LastBarrier, "alert": &st.LastAlert} {
		r.one("SELECT coalesce(max(id), 0) FROM "+table, nil, last)
	}
	if r.err != nil {
		return nil, fmt.Errorf("state database %s: %w%s", s.file, r.err, remedy(r.err))
	}
	return st, nil
}

// Message returns a stored message, and whether there is one with this id.
func (s *Store) Message(ctx context.Context, id int64) (engine.Message, bool, error) {
	m, err := scanMessage(s.conn.QueryRowContext(ctx, "SELECT "+messageColumns+" FROM message WHERE id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("state database %s: %w%s", s.file, err, remedy(err))
	}
	return m, true, nil
}

const messageColumns = "id, time, source, type, launch, reply, op, key, body"

func scanMessage(scan func(...any) error) (m engine.Message, err error) {
	var t, op string
	if err = scan(&m.ID, &t, &m.Source, &m.Type, &m.Launch, &m.Reply, &op, &m.Key, &m.Body); err != nil {
		return m, err
	}
	m.Op = checklist.Op(op)
	m.Time, err = time.Parse(time.RFC3339Nano, t)
	return m, err
}

// reader runs queries until one fails.
type reader struct {
	ctx  context.Context
	conn *sql.Conn
	err  error
}

func (r *reader) all(query string, args []any, each func(*sql.Rows) error) {
	if r.err != nil {
		return
	}
	rows, err := r.conn.QueryContext(r.ctx, query, args...)
	if err != nil {
		r.err = err
		return
	}
	defer rows.Close()
	for rows.Next() {
		if r.err = each(rows); r.err != nil {
			return
		}
	}
	r.err = rows.Err()
}

// one reads the first row into dest, and leaves dest alone if there is none.
func (r *reader) one(query string, args []any, dest ...any) {
	if r.err != nil {
		return
	}
	if err := r.conn.QueryRowContext(r.ctx, query, args...).Scan(dest...); err != nil && !errors.Is(err, sql.ErrNoRows) {
		r.err = err
	}
}

func records[T any](r *reader, query string, args ...any) []T {
	var all []T
	r.all(query, args, func(rows *sql.Rows) error {
		var text string
		var v T
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	})
	return all
}

// Operation returns an operator's request that was answered before, and whether there is one with this id.
func (s *Store) Operation(ctx context.Context, id string) (engine.Operation, bool, error) {
	o := engine.Operation{ID: id}
	var t string
	row := s.conn.QueryRowContext(ctx, "SELECT time, author, command, args, reply FROM operation WHERE id = ?", id)
	err := row.Scan(&t, &o.Author, &o.Command, &o.Args, &o.Reply)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err != nil {
		return o, false, fmt.Errorf("state database %s: %w%s", s.file, err, remedy(err))
	}
	o.Time, err = time.Parse(time.RFC3339Nano, t)
	return o, err == nil, err
}
