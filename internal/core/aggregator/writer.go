package aggregator

import (
	"strings"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/wire"
)

// writer takes work to its places, as the table in aggregator.go says. It belongs to one goroutine.
type writer struct {
	o       *Options
	strange strange
	live    live
	last    time.Time // of the last record of a publisher

	local map[string]bool // addresses that are this machine's, as asked since asked
	asked time.Time

	relayed []logging.Relayed // of the work in hand
	foreign []feed.LogRecord
}

func (w *writer) write(work work) {
	if work.batch != "" {
		w.frames(work.batch, work.at)
		return
	}
	kept := work.records[:0]
	for _, r := range work.records {
		if work.own && r.Published {
			continue // what live has sent; it is in the history
		}
		kept = append(kept, r)
		if !r.Published && !work.own && w.o.Files != nil {
			w.relayed = append(w.relayed, logging.Relayed{Time: r.Time, Level: feed.PythonLevel(r.Level), LoggerName: r.Name, Message: r.Message})
		}
	}
	w.flush()
	w.o.History.Add(kept)
}

// askAgain is how long an address stays what it was: asking for each record would take longer than writing it.
const askAgain = time.Minute

func (w *writer) isLocal(address string) bool {
	if w.last.Sub(w.asked) > askAgain {
		w.local, w.asked = map[string]bool{}, w.last
	}
	local, known := w.local[address]
	if !known {
		local = w.o.Local(address)
		w.local[strings.Clone(address)] = local
	}
	return local
}

// frames writes what publishers sent. Files get the time of receipt, since frames have none.
func (w *writer) frames(b wire.Batch, at time.Time) {
	for m := range b.All() {
		r, ok := parseRecord(&m)
		if !ok {
			w.strange.frames(&m)
			continue
		}
		if r.unknown != "" {
			w.strange.level(&r)
		}
		// No two records of one time, so that everybody can keep them in order.
		if w.last = w.last.Add(1); w.last.Before(at) {
			w.last = at
		}
		if w.o.Files != nil {
			w.relayed = append(w.relayed, logging.Relayed{Time: w.last, Level: r.level, LoggerName: r.name, Message: r.message})
		}
		if local := w.isLocal(m.Peer); !m.XPub || !local {
			host := w.o.Host
			if !local {
				host = m.Peer
			}
			w.foreign = append(w.foreign, feed.LogRecord{
				Time: w.last.UTC(), Level: feed.SlogLevel(r.level), Host: host, Published: true,
				Name: strings.Clone(r.name), Message: strings.Clone(feed.CutMessage(r.message)), // they do not keep their batch in memory
			})
		}
	}
	w.flush()
	if len(w.foreign) > 0 {
		w.live.send(w.foreign, at)
		w.o.History.Add(w.foreign)
		clear(w.foreign)
		w.foreign = w.foreign[:0]
	}
}

// flush writes to the files.
func (w *writer) flush() {
	if len(w.relayed) > 0 {
		w.o.Files.Relay(w.relayed)
		clear(w.relayed)
		w.relayed = w.relayed[:0]
	}
}
