package store

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
)

// carrier copies the good rows of a damaged database into a new one. Messages are carried as far as they follow each other without
// a gap after the newest good checklist: what comes after a gap was applied to a checklist that nobody knows.
type carrier struct {
	ctx    context.Context
	from   *source
	to     *session
	report *Salvage

	base   int64 // the last message in the newest good checklist
	last   int64 // the last message that was carried
	broken bool  // there is a gap after base
	rows   int   // in the transaction
}

// rowsPerTransaction bounds the log of the new database.
const rowsPerTransaction = 5000

func (c *carrier) carry() error {
	if err := c.begin(); err != nil {
		return err
	}
	if c.from.session != nil {
		for _, t := range carried {
			if err := c.table(t); err != nil {
				return err
			}
		}
	} else {
		c.report.note("everything: the file cannot be read at all")
	}
	if err := c.seal(); err != nil {
		return err
	}
	_, err := c.to.conn.ExecContext(c.ctx, "COMMIT")
	return err
}

func (c *carrier) begin() error {
	c.rows = 0
	_, err := c.to.conn.ExecContext(c.ctx, "BEGIN IMMEDIATE")
	return err
}

// errWrite marks errors of the new database among those of the old one.
var errWrite = errors.New("write")

// table carries one table, around what cannot be read.
func (c *carrier) table(t *table) error {
	query := "SELECT rowid, " + t.allNames() + " FROM " + t.name + " WHERE rowid >= ? ORDER BY rowid"
	const most = 1000 // places that cannot be read, and are gone round
	for start, tries := int64(-1), 0; tries < most; tries++ {
		last := start - 1
		err := c.from.query(c.ctx, query, []any{start}, func(scan func(...any) error) error {
			return c.row(t, scan, &last)
		})
		if err == nil || errors.Is(err, errWrite) {
			return err
		}
		if !isDamage(err) { // e.g. there is no such table
			c.report.note("all of table %s (%v)", t.name, err)
			return nil
		}
		next, ok := c.beyond(t, last)
		if !ok {
			c.report.note("%s after %d (%v)", t.name, last, err)
			return nil
		}
		if next <= start {
			next = start + 1
		}
		c.report.note("%s between %d and %d (%v)", t.name, last, next, err)
		start = next
	}
	return nil
}

// beyond returns the first row that can be reached from the end.
func (c *carrier) beyond(t *table, last int64) (first int64, ok bool) {
	c.from.query(c.ctx, "SELECT rowid FROM "+t.name+" WHERE rowid > ? ORDER BY rowid DESC", []any{last}, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		if err == nil && id > last {
			first, ok = id, true
		}
		return err
	})
	return first, ok
}

func (c *carrier) row(t *table, scan func(...any) error, last *int64) error {
	more := []any{}
	body := []byte{}
	if t == &messages {
		more = append(more, &body)
	}
	var id int64
	r, crc, err := t.scan(func(dest ...any) error { return scan(append([]any{&id}, dest...)...) }, more...)
	if err == nil {
		if key, ok := r[0].(int64); ok && key != id {
			err = errRow
		}
	}
	*last = max(*last, id)
	if err == nil && t == &messages && r[columnBodyCRC] != int64(crc32.Checksum(body, castagnoli)) {
		err = errRow
	}
	if err == nil && !c.follows(t, r) {
		c.report.Dropped[t.name]++
		return nil
	}
	if err != nil {
		c.report.Dropped[t.name]++
		c.report.note("%s %d", t.name, id)
		return nil
	}
	values := append(append([]any{}, r...), int64(crc))
	if t == &messages {
		values = append(values, append([]byte{}, body...)) // never nil
	}
	if _, err := c.to.exec(c.ctx, t.upsert(), values...); err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	c.report.Kept[t.name]++
	if t == &bases {
		c.base = max(c.base, r[0].(int64))
	}
	return c.step()
}

// follows tells whether a row may be carried, and keeps the chain of messages.
func (c *carrier) follows(t *table, r row) bool {
	if t != &messages {
		return true
	}
	id, prev := r[0].(int64), r[columnPrev].(int64)
	if id > c.base && !c.broken && prev > max(c.last, c.base) {
		c.broken = true
		c.report.note("messages between %d and %d, and with them all after", max(c.last, c.base), id)
	}
	if id > c.base && c.broken {
		return false
	}
	c.last = id
	return true
}

func (c *carrier) step() error {
	if c.rows++; c.rows < rowsPerTransaction {
		return nil
	}
	if _, err := c.to.conn.ExecContext(c.ctx, "COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	if err := c.begin(); err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	return nil
}

// margin is how many numbers are left out if it is not known which were given away.
const margin = 10_000

// seal writes the head of the new database, and what is to be told.
func (c *carrier) seal() error {
	l := newLoader(c.ctx, c.to)
	old, err := readHead(c.ctx, c.to)
	if err != nil {
		return err
	}
	var h head
	if c.from.hasHead {
		h = c.from.read.head
	}
	h.version = schemaVersion
	highest := func(t *table, last *int64) {
		n := int64(0)
		if _, e := c.to.first(c.ctx, "SELECT coalesce(max(id), 0) FROM "+t.name, nil, &n); err == nil {
			err = e
		}
		if !c.from.hasHead && n > 0 {
			n += margin
		}
		*last = max(*last, n)
	}
	highest(&messages, &h.lastMessage)
	highest(&launches, &h.lastLaunch)
	highest(&barriers, &h.lastBarrier)
	highest(&alerts, &h.lastAlert)
	h.lastMessage = max(h.lastMessage, c.base)
	if err != nil {
		return err
	}
	if err := c.to.putHead(c.ctx, h, old.commits); err != nil {
		return err
	}
	if err := l.read(); err != nil {
		return err
	}
	c.report.Message = max(c.last, c.base)
	if c.from.hasHead && !c.broken && c.report.Message < c.from.read.head.lastMessage {
		c.report.note("messages %d to %d", c.report.Message+1, c.from.read.head.lastMessage)
	}
	if c.from.partial {
		c.report.note("what was committed last and was only in the log (-wal)")
	}
	c.report.Whole = c.from.hasHead && !c.from.partial && l.live.digest() == h.live && !c.broken
	if !c.report.Whole {
		h.batch = 0 // nobody knows whether the last batch is in it
	}
	before := h.commits
	h.live, h.commits = l.live.digest(), h.commits+1
	if err := c.to.putHead(c.ctx, h, before); err != nil {
		return err
	}
	n := row{salvageNote, asJSON(c.report)}
	return c.to.put(c.ctx, plannedRow{&notes, n, notes.crc(n)})
}
