package store

import (
	"context"
	"time"

	"nowcast/internal/core/engine"
)

// pruneBytes bounds the bodies that one step deletes: large ones take long.
const pruneBytes = 1 << 20

// Prune takes one small step, of at most so many rows of a kind, towards keeping only the history since before, and no more than
// maxBytes of it. What a start needs stays, however old. It tells whether there is more to do. The file does not shrink: what is free
// in it is used again.
func (s *Store) Prune(ctx context.Context, before time.Time, maxBytes int64, rows int) (more bool, err error) {
	if !s.current {
		return false, nil // the next commit shall find out what is wrong
	}
	err = s.transact(ctx, func(ctx context.Context) error {
		size, err := s.size(ctx)
		if err != nil {
			return err
		}
		p := pruner{ctx: ctx, s: s, before: stamp(before), rows: rows, over: size > maxBytes}
		for _, step := range []func() error{p.messages, p.launches, p.alerts, p.barriers, p.operations, p.bases} {
			if err := step(); err != nil {
				return err
			}
		}
		more = p.more
		return nil
	})
	if err != nil {
		s.current = false
		return false, s.fail(err)
	}
	return more, nil
}

// size returns how many bytes are in use.
func (s *Store) size(ctx context.Context) (n int64, err error) {
	if s.postgres {
		// Deleting does not make PostgreSQL's files smaller, so this is an estimate: rows, and what a row of late is like.
		_, err = s.first(ctx, `SELECT (SELECT coalesce(max(id) - min(id) + 1, 0) FROM message) *
			(SELECT coalesce(avg(length(body)) + 250, 0) FROM (SELECT body FROM message ORDER BY id DESC LIMIT 200) AS late)::bigint`, nil, &n)
		return n, err
	}
	var free, page int64
	for pragma, v := range map[string]*int64{"page_count": &n, "freelist_count": &free, "page_size": &page} {
		if _, err := s.first(ctx, "PRAGMA "+pragma, nil, v); err != nil {
			return 0, err
		}
	}
	return (n - free) * page, nil
}

// pruner is one step.
type pruner struct {
	ctx    context.Context
	s      *Store
	before string
	rows   int
	over   bool // too much is there: the oldest messages go whatever their age, and what is as old as they
	more   bool
}

// messages goes as far as the base before the newest: with it and what comes after, a damaged base is no great loss.
func (p *pruner) messages() error {
	bound := p.s.head.lastMessage - engine.KeepHandled
	base := int64(-1)
	if _, err := p.s.first(p.ctx, "SELECT message FROM checklist_base ORDER BY message DESC LIMIT 1 OFFSET 1", nil, &base); err != nil {
		return err
	}
	last, n, bytes, gone := int64(-1), 0, int64(0), ""
	err := p.s.query(p.ctx, "SELECT id, time, length(body) FROM message WHERE id <= ? ORDER BY id LIMIT ?", []any{min(bound, base), p.rows}, func(scan func(...any) error) error {
		var id, length int64
		var time string
		if err := scan(&id, &time, &length); err != nil {
			return err
		}
		if bytes += length; (p.over || time < p.before) && (n == 0 || bytes < pruneBytes) {
			last, gone = id, time
			n++
		} else {
			bytes = pruneBytes // and none after it
		}
		return nil
	})
	if err != nil || n == 0 {
		return err
	}
	p.more = n == p.rows || bytes >= pruneBytes || p.over
	if p.over {
		p.before = max(p.before, gone)
	}
	_, err = p.s.exec(p.ctx, "DELETE FROM message WHERE id <= ?", last)
	return err
}

func (p *pruner) launches() error {
	return p.records("launch", "final = 1", p.s.live.finished)
}

func (p *pruner) alerts() error { return p.records("alert", "open = 0", p.s.live.alerts) }

func (p *pruner) barriers() error {
	return p.records("barrier", "open = 0", window{rows: []checked{{id: p.s.head.lastBarrier + 1}}})
}

// records deletes what is over and older than what a start reads.
func (p *pruner) records(table, over string, needed window) error {
	if len(needed.rows) == 0 || len(needed.rows) < needed.keep {
		return nil
	}
	done, err := p.s.exec(p.ctx, "DELETE FROM "+table+" WHERE id IN (SELECT id FROM "+table+" WHERE "+over+" AND id < ? AND time < ? ORDER BY id LIMIT ?)",
		needed.rows[0].id, p.before, p.rows)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	p.more = p.more || n == int64(p.rows)
	return err
}

func (p *pruner) operations() error {
	done, err := p.s.exec(p.ctx, "DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE time < ? ORDER BY time LIMIT ?)", p.before, p.rows)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	p.more = p.more || n == int64(p.rows)
	return err
}

// bases deletes those that no message follows any more, but never the newest two.
func (p *pruner) bases() error {
	_, err := p.s.exec(p.ctx, `DELETE FROM checklist_base WHERE message < (SELECT coalesce(min(id), 0) FROM message) - 1
		AND message < (SELECT min(message) FROM (SELECT message FROM checklist_base ORDER BY message DESC LIMIT 2) AS newest)`)
	return err
}
