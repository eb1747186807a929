package feed

import "slices"

const (
	maxLogSources = 4096 // processes whose numbering is remembered
	maxDisorder   = 2048 // records by which a late one may be moved up
)

// logBook keeps the newest log records of all processes in the order of their times. Records come in batches, each
// process with its own delay of some milliseconds; sorting them makes cause stand before effect.
type logBook struct {
	limit, byteLimit int
	records          []LogRecord // records[start:] is what there is; what is before was forgotten
	start            int
	bytes            int         // of what there is
	total            uint64      // ever added
	fresh            []LogRecord // came with the Apply that is running

	seen  map[logSource]uint64 // the last sequence number of each process
	order []logSource          // by first sight, for forgetting
}

// logSource is one process that logs: workers of one name, each start with an epoch of its own.
type logSource struct{ source, epoch string }

func newLogBook(limit, byteLimit int) logBook {
	return logBook{limit: limit, byteLimit: byteLimit, seen: map[logSource]uint64{}}
}

// number checks a sequence number and returns how many events were missed before it, and false if it came before.
func (b *logBook) number(s logSource, seq uint64) (missed uint64, isNew bool) {
	last, known := b.seen[s]
	if !known {
		b.order = append(b.order, s)
		if len(b.order) > maxLogSources {
			delete(b.seen, b.order[0])
			b.order = b.order[1:]
		}
		b.seen[s] = seq
		return 0, true // what came before we listened is not missed
	}
	if seq <= last {
		return 0, false
	}
	b.seen[s] = seq
	return seq - last - 1, true
}

// receiveLogs takes an event of the log stream.
func (m *Mirror) receiveLogs(e *Event) {
	missed, isNew := m.logs.number(logSource{e.Source, e.Epoch}, e.Seq)
	if !isNew {
		m.counts.Ignored++
		return
	}
	m.counts.MissedLogs += missed
	var records []LogRecord
	if err := e.Decode(&records); err != nil {
		m.counts.Malformed++
		return
	}
	m.logs.fresh = append(m.logs.fresh, records...)
}

// mergeLogs puts the records of one Apply in their places.
func (m *Mirror) mergeLogs() {
	b := &m.logs
	if len(b.fresh) == 0 {
		return
	}
	b.add(b.fresh)
	clear(b.fresh)
	b.fresh = b.fresh[:0]
	m.rev.Logs++
}

// add merges records into the last maxDisorder ones.
func (b *logBook) add(fresh []LogRecord) {
	slices.SortStableFunc(fresh, byTime)
	i, least := len(b.records), max(b.start, len(b.records)-maxDisorder)
	for i > least && b.records[i-1].Time.After(fresh[0].Time) {
		i--
	}
	b.mergeFrom(i, fresh)
}

// mergeFrom merges fresh, which is sorted, into records[i:], and forgets the oldest.
func (b *logBook) mergeFrom(i int, fresh []LogRecord) {
	tail := slices.Clone(b.records[i:])
	b.records = b.records[:i]
	for _, r := range fresh {
		for len(tail) > 0 && !tail[0].Time.After(r.Time) {
			b.records = append(b.records, tail[0])
			tail = tail[1:]
		}
		b.records = append(b.records, r)
		b.bytes += r.weight()
	}
	b.records = append(b.records, tail...)
	b.total += uint64(len(fresh))
	b.trim()
}

// trim forgets the oldest records beyond the limits. It moves what is left only when as much has been forgotten.
func (b *logBook) trim() {
	for n := len(b.records) - b.start; n > b.limit || n > 1 && b.bytes > b.byteLimit; n-- {
		b.bytes -= b.records[b.start].weight()
		b.records[b.start] = LogRecord{}
		b.start++
	}
	if b.start > len(b.records)/2 {
		n := copy(b.records, b.records[b.start:])
		clear(b.records[n:])
		b.records, b.start = b.records[:n], 0
	}
}

func byTime(a, b LogRecord) int { return a.Time.Compare(b.Time) }

// weight is what a record costs in memory, roughly.
func (r *LogRecord) weight() int { return len(r.Message) + 128 }

// identity is what makes two copies of a record the same record. One process never logs two records with one time (see
// logBatch), others may.
type identity struct {
	time                int64
	name, host, message string
	pid                 int
	level               int
}

func (r *LogRecord) identity() identity {
	return identity{r.Time.UnixNano(), r.Name, r.Host, r.Message, r.PID, int(r.Level)}
}

// AddHistory adds records from before the mirror listened, as the log aggregator has them. Those that the mirror has already
// are left out.
func (m *Mirror) AddHistory(records []LogRecord) {
	b := &m.logs
	have := map[identity]int{}
	for _, r := range b.records[b.start:] {
		have[r.identity()]++
	}
	var fresh []LogRecord
	for _, r := range records {
		if id := r.identity(); have[id] > 0 {
			have[id]-- // counted, so that two equal records stay two
			continue
		}
		fresh = append(fresh, r)
	}
	if len(fresh) == 0 {
		return
	}
	slices.SortStableFunc(fresh, byTime)
	b.mergeFrom(b.start, fresh)
	m.rev.Logs++
}

// Logs returns the newest log records in the order of their times.
func (m *Mirror) Logs() []LogRecord { return m.logs.records[m.logs.start:] }

// LogTotal returns how many records were ever added; the difference to an earlier value is how many are new.
func (m *Mirror) LogTotal() uint64 { return m.logs.total }
