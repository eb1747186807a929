package manager

import (
	"context"
	"time"
)

// Old history is removed by the committer while it has nothing to do, in steps so short that a commit that comes meanwhile is
// not late because of it. How many rows that is depends on the disk: pruning finds out.
const (
	pruneFirst = time.Minute           // after the start
	pruneEvery = 10 * time.Minute      // when nothing was left to remove
	prunePause = 50 * time.Millisecond // between steps
	pruneStep  = 5 * time.Millisecond  // what a step may take
	pruneMost  = 1000                  // rows
)

// pruning belongs to the committer.
type pruning struct {
	rows    int
	trouble bool // it was said that it does not work
}

// prune does a step and returns when the next one is due.
func (m *Manager) prune(ctx context.Context) time.Duration {
	h := m.history.Load()
	p := &m.pruning
	p.rows = max(p.rows, 10)
	began := time.Now()
	m.reading.Lock()
	more, err := m.Store.Prune(ctx, m.Now().Add(-h.Keep), h.Size, p.rows)
	m.reading.Unlock()
	switch took := time.Since(began); {
	case took > pruneStep:
		p.rows = max(p.rows/2, 10)
	case took < pruneStep/2:
		p.rows = min(p.rows*2, pruneMost)
	}
	if err != nil && !p.trouble {
		m.Log.Error("old history cannot be removed; the database grows", "err", err)
	}
	p.trouble = err != nil
	if more && err == nil {
		return prunePause
	}
	return pruneEvery
}
