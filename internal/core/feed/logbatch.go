package feed

import (
	"sync"
	"time"
)

// A batch of log records is sent when it is 10 ms old or this large.
const (
	batchDelay = 10 * time.Millisecond
	batchBytes = 64 << 10
)

// logBatch collects log records, so that a process that logs 50,000 lines a second sends some hundred events a second. A
// batch becomes one event per topic, in order of first appearance. That mixes up the order between topics, so readers
// sort by time; to make that exact, records of one process never have equal times (see add).
type logBatch struct {
	flush func([]LogRecord) // called with mu held: batches reach it in order, records within a batch in order

	mu      sync.Mutex // guards what follows
	records []LogRecord
	bytes   int
	last    time.Time
	timer   *time.Timer
	closed  bool
}

// add takes a record. A time that is not after the one before is moved to the next nanosecond, unless the clock was set
// back by so much that this would be a lie.
func (b *logBatch) add(r LogRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	if d := b.last.Sub(r.Time); d >= 0 && d < time.Millisecond {
		r.Time = b.last.Add(1)
	}
	b.last = r.Time
	b.records = append(b.records, r)
	b.bytes += len(r.Message) + len(r.Name) + 100
	switch {
	case b.bytes >= batchBytes:
		b.send()
	case len(b.records) == 1:
		b.arm()
	}
}

// arm starts the clock for the first record of a batch, so that nothing ticks while nobody logs.
func (b *logBatch) arm() {
	if b.timer == nil {
		b.timer = time.AfterFunc(batchDelay, b.due)
		return
	}
	b.timer.Reset(batchDelay)
}

// due sends what there is. If it had to wait for add it may be early for the batch it finds; that is no loss.
func (b *logBatch) due() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
}

func (b *logBatch) send() {
	if len(b.records) == 0 {
		return
	}
	b.flush(b.records)
	b.records, b.bytes = b.records[:0], 0
}

// close sends what is there and takes no more.
func (b *logBatch) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

// flushLogs sends a batch of records as one event per topic.
func (p *Publisher) flushLogs(records []LogRecord) {
	var topics []string
	byTopic := map[string][]LogRecord{}
	for len(records) > 0 {
		first, n := &records[0], 1 // under load most are of one kind
		for n < len(records) && records[n].Level == first.Level && records[n].Name == first.Name {
			n++
		}
		t := first.Topic()
		if byTopic[t] == nil {
			topics = append(topics, t)
		}
		byTopic[t] = append(byTopic[t], records[:n]...)
		records = records[n:]
	}
	for _, t := range topics {
		p.Publish(t, byTopic[t])
	}
}
