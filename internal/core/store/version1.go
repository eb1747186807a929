package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// copyVersion1 copies what a database of version 1 has into the tables of version 2, each row with its checksum, and drops the
// old tables.
func copyVersion1(ctx context.Context, tx *sql.Tx, postgres bool) error {
	c := copier{ctx: ctx, tx: tx, postgres: postgres, live: newLive(), head: head{version: 2}}
	c.copyMessages()
	c.copy(&bases, "SELECT message, yaml FROM checklist_base_1 ORDER BY message", func(scan func(...any) error) (r row, err error) {
		var id int64
		var yaml []byte
		err = scan(&id, &yaml)
		return row{id, yaml}, err
	})
	c.copy(&launches, "SELECT record FROM launch_1 ORDER BY id", func(scan func(...any) error) (row, error) {
		l, err := old[launch.Launch](scan)
		return launchRow(&l), err
	})
	c.copyBarriers()
	c.copy(&alerts, "SELECT record FROM alert_1 ORDER BY id", func(scan func(...any) error) (row, error) {
		a, err := old[engine.Alert](scan)
		if a.Ended == nil { // they did not end then
			a.Ended, a.End = &a.Time, "raised before alerts could end"
		}
		return alertRow(&a), err
	})
	c.copy(&operations, "SELECT id, time, author, command, args, reply FROM operation_1 ORDER BY id", func(scan func(...any) error) (row, error) {
		var v [6]string
		err := scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5])
		return row{text(v[0]), v[1], text(v[2]), v[3], v[4], v[5]}, err
	})
	c.head.live = c.live.digest()
	c.put(&heads, c.head.row())
	for _, t := range []string{"message", "checklist_base", "launch", "barrier", "alert", "operation"} {
		c.exec("DROP TABLE " + t + "_1")
	}
	return c.err
}

// copier works until something fails.
type copier struct {
	ctx      context.Context
	tx       *sql.Tx
	postgres bool
	live     *live
	head     head
	err      error
}

// pageRows is how many rows are in memory at once: one connection cannot read and write at the same time in PostgreSQL.
const pageRows = 500

func (c *copier) exec(query string, args ...any) {
	if c.err != nil {
		return
	}
	if c.postgres {
		query = forPostgres(query)
	}
	if _, err := c.tx.ExecContext(c.ctx, query, args...); err != nil {
		c.err = fmt.Errorf("upgrade to version 2: %w", err)
	}
}

func (c *copier) put(t *table, r row, more ...any) uint32 {
	crc := t.crc(r)
	c.exec(t.upsert(), append(append(append([]any{}, r...), int64(crc)), more...)...)
	return crc
}

// pages reads a query in pages.
func (c *copier) pages(query string, read func(scan func(...any) error) (row, error), write func(row)) {
	for offset := 0; c.err == nil; offset += pageRows {
		var page []row
		rows, err := c.tx.QueryContext(c.ctx, fmt.Sprintf("%s LIMIT %d OFFSET %d", query, pageRows, offset))
		for err == nil && rows.Next() {
			var r row
			if r, err = read(rows.Scan); err == nil {
				page = append(page, r)
			}
		}
		if rows != nil {
			if err == nil {
				err = rows.Err()
			}
			rows.Close()
		}
		if err != nil {
			c.err = fmt.Errorf("upgrade to version 2: %w", err)
			return
		}
		for _, r := range page {
			write(r)
		}
		if len(page) < pageRows {
			return
		}
	}
}

func (c *copier) copy(t *table, query string, read func(scan func(...any) error) (row, error)) {
	c.pages(query, read, func(r row) {
		crc := c.put(t, r)
		id, _ := r[0].(int64)
		switch t {
		case &bases:
			c.live.newBase(id, crc)
		case &launches:
			c.live.launch(id, r[1] == int64(1), crc)
			c.head.lastLaunch = max(c.head.lastLaunch, id)
		case &barriers:
			c.live.barrier(id, r[1] == int64(1), crc)
			c.head.lastBarrier = max(c.head.lastBarrier, id)
		case &alerts:
			c.live.alert(id, r[1] == int64(1), crc)
			c.head.lastAlert = max(c.head.lastAlert, id)
		}
	})
}

func (c *copier) copyMessages() {
	after := int64(-1)
	for c.err == nil {
		before := after
		c.messagePage(&after)
		if after == before {
			return
		}
	}
}

// messagePage copies the messages that come next, by id: an offset would read all that is before it again.
func (c *copier) messagePage(after *int64) {
	type old struct {
		row  row
		body []byte
	}
	var page []old
	rows, err := c.tx.QueryContext(c.ctx, fmt.Sprintf("SELECT id, time, source, type, launch, reply, op, key, body FROM message_1 WHERE id > %d ORDER BY id LIMIT %d", *after, pageRows))
	if err != nil {
		c.err = fmt.Errorf("upgrade to version 2: %w", err)
		return
	}
	for rows.Next() {
		var m struct {
			id, launch                        int64
			time, source, typ, reply, op, key string
		}
		body := []byte{}
		if err = rows.Scan(&m.id, &m.time, &m.source, &m.typ, &m.launch, &m.reply, &m.op, &m.key, &body); err != nil {
			break
		}
		page = append(page, old{row{m.id, m.time, m.source, m.typ, m.launch, m.reply, m.op, m.key, "", "", c.head.lastMessage, int64(crc32.Checksum(body, castagnoli))}, body})
		*after, c.head.lastMessage = m.id, m.id
	}
	if err == nil {
		err = rows.Err()
	}
	rows.Close()
	if err != nil {
		c.err = fmt.Errorf("upgrade to version 2: %w", err)
	}
	for _, m := range page {
		crc := c.put(&messages, m.row, m.body)
		c.live.message(m.row[0].(int64), m.row[6] != "", false, crc)
	}
}

func (c *copier) copyBarriers() {
	c.copy(&barriers, "SELECT open, record FROM barrier_1 ORDER BY id", func(scan func(...any) error) (row, error) {
		var open int64
		b, err := old[engine.Barrier](func(dest ...any) error { return scan(&open, dest[0]) })
		return barrierRow(&b, open == 1), err
	})
}

// old reads a row that has a record and nothing else.
func old[T any](scan func(...any) error) (v T, err error) {
	var record string
	if err = scan(&record); err == nil {
		err = json.Unmarshal([]byte(record), &v)
	}
	return v, err
}
