package store

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc64"
	"strings"

	"nowcast/internal/core/engine"
)

// plan is a batch as rows, and the head that it leaves.
type plan struct {
	messages []plannedMessage
	base     *engine.Base
	rows     []plannedRow // in order; of launches, barriers, alerts, operations and the base
	released []int64
	told     bool // what was salvaged is known now
	before   int64
	head     head
}

type plannedRow struct {
	table *table
	row   row
	crc   uint32
}

type plannedMessage struct {
	plannedRow
	body          []byte
	change, named bool
}

// digest is made of what a batch is, and not of what was there before, so that it is the same when it is tried again.
type digest uint64

var polynomial = crc64.MakeTable(crc64.ECMA)

func (d *digest) add(kind byte, id int64, crc uint32) {
	var b [13]byte
	b[0] = kind
	binary.LittleEndian.PutUint64(b[1:], uint64(id))
	binary.LittleEndian.PutUint32(b[9:], crc)
	*d = digest(crc64.Update(uint64(*d), polynomial, b[:]))
}

func (s *Store) plan(b *engine.Effects) *plan {
	p := &plan{before: s.head.commits, head: s.head, base: b.Base, released: b.Released, told: s.salvage != nil && len(b.Alerts) > 0}
	h := &p.head
	d := digest(1) // no batch has 0, which is in the head of a new database
	p.messages = make([]plannedMessage, 0, len(b.Messages))
	for i := range b.Messages {
		m := &b.Messages[i]
		r := messageRow(m, h.lastMessage)
		d.add('m', m.ID, uint32(r[columnBodyCRC].(int64)))
		h.lastMessage = max(h.lastMessage, m.ID)
		if m.Body == nil {
			m.Body = []byte{}
		}
		p.messages = append(p.messages, plannedMessage{plannedRow{&messages, r, messages.crc(r)}, m.Body, m.Op != "", m.Request != "" || m.Sender != ""})
	}
	add := func(t *table, r row) {
		pr := plannedRow{t, r, t.crc(r)}
		p.rows = append(p.rows, pr)
		id, _ := r[0].(int64)
		d.add(t.name[0], id, pr.crc)
	}
	if b.Base != nil {
		add(&bases, row{b.Base.Message, b.Base.YAML})
	}
	for _, l := range b.Launches {
		add(&launches, launchRow(l))
		h.lastLaunch = max(h.lastLaunch, l.ID)
	}
	h.lastLaunch = max(h.lastLaunch, b.LastLaunch)
	for i := range b.Barriers {
		add(&barriers, barrierRow(&b.Barriers[i], true))
		h.lastBarrier = max(h.lastBarrier, b.Barriers[i].ID)
	}
	for i := range b.Alerts {
		add(&alerts, alertRow(&b.Alerts[i]))
		h.lastAlert = max(h.lastAlert, b.Alerts[i].ID)
	}
	for i := range b.Operations {
		add(&operations, operationRow(&b.Operations[i]))
	}
	for _, id := range b.Released {
		d.add('r', id, 0)
	}
	h.commits++
	h.batch = int64(d)
	return p
}

// apply notes in live what the batch makes of it.
func (p *plan) apply(l *live) {
	for _, m := range p.messages {
		l.message(m.row[0].(int64), m.change, m.named, m.crc)
	}
	for _, r := range p.rows {
		switch r.table {
		case &bases:
			l.newBase(r.row[0].(int64), r.crc)
		case &launches:
			l.launch(r.row[0].(int64), r.row[1] == int64(1), r.crc)
		case &barriers:
			l.barrier(r.row[0].(int64), true, r.crc)
		case &alerts:
			l.alert(r.row[0].(int64), r.row[1] == int64(1), r.crc)
		}
	}
	for _, id := range p.released {
		l.barrier(id, false, 0)
	}
}

// write is the statements of the batch.
func (p *plan) write(ctx context.Context, s *session) error {
	if err := insertMessages(ctx, s, p.messages); err != nil {
		return err
	}
	for _, r := range p.rows {
		if err := s.put(ctx, r); err != nil {
			return err
		}
	}
	for _, id := range p.released {
		if err := s.release(ctx, id); err != nil {
			return err
		}
	}
	if p.told {
		if _, err := s.exec(ctx, "DELETE FROM note WHERE name = ?", salvageNote); err != nil {
			return err
		}
	}
	return s.putHead(ctx, p.head, p.before)
}

func (s *session) put(ctx context.Context, r plannedRow) error {
	_, err := s.exec(ctx, r.table.upsert(), append(append(make([]any, 0, len(r.row)+1), r.row...), int64(r.crc))...)
	return err
}

// release writes that a barrier is closed.
func (s *session) release(ctx context.Context, id int64) error {
	var found row
	err := s.query(ctx, "SELECT "+barriers.names()+" FROM barrier WHERE id = ?", []any{id}, func(scan func(...any) error) (err error) {
		found, _, err = barriers.scan(scan)
		return err
	})
	if err != nil || found == nil {
		return err
	}
	found[1] = int64(0)
	return s.put(ctx, plannedRow{&barriers, found, barriers.crc(found)})
}

// putHead takes the place of the head of before commits.
func (s *session) putHead(ctx context.Context, h head, before int64) error {
	r := h.row()
	done, err := s.exec(ctx, `UPDATE head SET commits = ?, version = ?, last_message = ?, last_launch = ?, last_barrier = ?, last_alert = ?,
		batch = ?, live = ?, crc = ? WHERE id = 1 AND commits = ?`, append(append(r[1:len(r):len(r)], int64(heads.crc(r))), before)...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errMoved)
	}
	return nil
}

var errMoved = errors.New("somebody else has written to it")

// rowsPerInsert is how many rows one statement inserts at most: a call costs more than a row, but SQLite's driver looks through all
// parameters for each. What is left is inserted by smaller statements, so that there are three and not one for each number of rows.
const (
	rowsPerInsert = 4
	fewRows       = 2
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

func insertMessages(ctx context.Context, s *session, ms []plannedMessage) error {
	space := make([]any, 0, rowsPerInsert*(len(messages.columns)+2))
	for len(ms) > 0 {
		n, args := share(len(ms)), space
		for _, m := range ms[:n] {
			args = append(append(args, m.row...), int64(m.crc), m.body)
		}
		if _, err := s.exec(ctx, insertMessage[n], args...); err != nil {
			return err
		}
		ms = ms[n:]
	}
	return nil
}

// insertMessage are the statements for so many rows. OR ROLLBACK because a batch fails as a whole anyway, and the database
// then need not prepare for undoing one statement.
var insertMessage = map[int]string{1: insertRows(1), fewRows: insertRows(fewRows), rowsPerInsert: insertRows(rowsPerInsert)}

func insertRows(n int) string {
	return "INSERT OR ROLLBACK INTO message (" + messages.allNames() + ") VALUES " + strings.Repeat(messages.marks()+",", n-1) + messages.marks()
}
