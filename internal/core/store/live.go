package store

import (
	"cmp"
	"slices"

	"nowcast/internal/core/engine"
)

// live knows the checksum of every row that a start reads, so that head can have a digest of them: rows that are gone, or older
// than they should be, have valid checksums and would not be noticed otherwise. Damage to SQLite's log in particular can
// leave pages of different ages.
type live struct {
	base                 window // the newest only
	changes, recent      window // messages
	unfinished, finished window // launches
	barriers             window // open
	openAlerts, alerts   window
}

func newLive() *live {
	return &live{base: window{keep: 1}, finished: window{keep: engine.KeepLaunches}, alerts: window{keep: engine.KeepAlerts}}
}

func (l *live) digest() (sum int64) {
	for i, w := range []*window{&l.base, &l.changes, &l.recent, &l.unfinished, &l.finished, &l.barriers, &l.openAlerts, &l.alerts} {
		sum += int64(w.sum) * int64(2*i+1) // the same row in another window is another digest
	}
	return sum
}

func (l *live) message(id int64, change, named bool, crc uint32) {
	if change {
		l.changes.put(id, crc)
	}
	if named {
		l.recent.put(id, crc)
	}
	l.recent.forget(id - engine.KeepHandled)
}

func (l *live) newBase(message int64, crc uint32) {
	l.base.put(message, crc)
	l.changes.forget(message)
}

func (l *live) launch(id int64, final bool, crc uint32) {
	if !final {
		l.unfinished.put(id, crc)
		return
	}
	l.unfinished.drop(id)
	l.finished.put(id, crc)
}

func (l *live) barrier(id int64, open bool, crc uint32) {
	if open {
		l.barriers.put(id, crc)
		return
	}
	l.barriers.drop(id)
}

func (l *live) alert(id int64, open bool, crc uint32) {
	if open {
		l.openAlerts.put(id, crc)
		return
	}
	l.openAlerts.drop(id)
	l.alerts.put(id, crc)
}

// window is the rows of one kind, by ascending id.
type window struct {
	keep int // the newest so many; 0 all
	rows []checked
	sum  uint64
}

type checked struct {
	id  int64
	crc uint32
}

// mix makes a number of a row that adds up to different sums for different sets of rows.
func (c checked) mix() uint64 {
	x := uint64(c.id)*0x9e3779b97f4a7c15 + uint64(c.crc)<<17 + 1
	x = (x ^ x>>31) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>29 ^ uint64(c.crc)) * 0x94d049bb133111eb
	return x ^ x>>32
}

func (w *window) find(id int64) (int, bool) {
	if n := len(w.rows); n == 0 || w.rows[n-1].id < id {
		return n, false // as a rule
	}
	return slices.BinarySearchFunc(w.rows, id, func(c checked, id int64) int { return cmp.Compare(c.id, id) })
}

// put adds a row, or takes the new version of one.
func (w *window) put(id int64, crc uint32) {
	c := checked{id, crc}
	i, there := w.find(id)
	if there {
		w.sum += c.mix() - w.rows[i].mix()
		w.rows[i] = c
		return
	}
	if i == len(w.rows) {
		w.rows = append(w.rows, c)
	} else {
		w.rows = slices.Insert(w.rows, i, c)
	}
	w.sum += c.mix()
	if w.keep > 0 && len(w.rows) > w.keep {
		w.forget(w.rows[0].id)
	}
}

func (w *window) drop(id int64) {
	if i, there := w.find(id); there {
		w.sum -= w.rows[i].mix()
		w.rows = slices.Delete(w.rows, i, i+1)
	}
}

// forget drops the rows up to an id.
func (w *window) forget(through int64) {
	for len(w.rows) > 0 && w.rows[0].id <= through {
		w.sum -= w.rows[0].mix()
		w.rows = w.rows[1:]
	}
}
