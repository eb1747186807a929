package aggregator

import (
	"sync"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// maxQueue is how many bytes may wait for the writer: some ten seconds of the most that publishers can send.
const maxQueue = 256 << 20

// workOverhead is what one piece of work takes beside its texts.
const workOverhead = 256

// work is what has arrived at once: frames of publishers, or records of the feed.
type work struct {
	batch wire.Batch
	at    time.Time // when batch was received

	records []feed.LogRecord
	own     bool // they come from this process
	bytes   int  // size of records
}

func (w *work) size() int { return len(w.batch) + w.bytes + workOverhead }

// queue is the way from those who receive to the one who writes. It is bounded by the bytes in it; work larger than that is
// taken if the queue is empty.
type queue struct {
	limit int

	mu     sync.Mutex
	filled *sync.Cond // on mu: there is work, or closed has changed
	work   []work     // guarded by mu, as is what follows
	bytes  int
	closed bool
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.filled = sync.NewCond(&q.mu)
	return q
}

// put never waits. It returns false if there is no room.
func (q *queue) put(w work) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes > 0 && q.bytes+w.size() > q.limit {
		return false
	}
	q.work = append(q.work, w)
	q.bytes += w.size()
	q.filled.Signal()
	return true
}

// take waits for work. It returns false once the queue is closed and empty.
func (q *queue) take() (work, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.work) == 0 && !q.closed {
		q.filled.Wait()
	}
	if len(q.work) == 0 {
		return work{}, false
	}
	w := q.work[0]
	q.work[0] = work{}
	q.work = q.work[1:]
	q.bytes -= w.size()
	return w, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}
