package history

import "nowcast/internal/core/feed"

const overhead = 160 // what a record takes beside its texts

// recent is the newest records, in order of arrival.
type recent struct {
	keep, keepBytes int
	records         []kept
	bytes           int
}

type kept struct {
	feed.LogRecord
	at      place // of its line
	written bool  // the line is in the file
}

func (q *recent) add(k kept) {
	q.records = append(q.records, k)
	q.bytes += size(&k.LogRecord)
}

// trim forgets the oldest beyond the bounds.
func (q *recent) trim() {
	drop := 0
	for ; len(q.records)-drop > q.keep || q.bytes > q.keepBytes && drop < len(q.records); drop++ {
		q.bytes -= size(&q.records[drop].LogRecord)
		q.records[drop] = kept{} // lets its texts go before the array is grown anew
	}
	q.records = q.records[drop:]
}

func size(r *feed.LogRecord) int { return len(r.Message) + len(r.Name) + len(r.Host) + overhead }
