package wire

import "sync"

// inbox is the way from the owner to the reader. The owner puts, deliver takes; when it is full the owner stops reading
// the socket and is woken when there is room again.
type inbox struct {
	more chan struct{} // a token while something was put that has not been looked at

	mu    sync.Mutex
	queue []Frames
	bytes int
	full  bool // the owner was turned away
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1)} }

// room says whether the owner may receive more; if not, take will report it.
func (in *inbox) room() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.full = len(in.queue) >= maxBatch || in.bytes >= maxBatchBytes
	return !in.full
}

func (in *inbox) put(frames Frames) {
	in.mu.Lock()
	in.queue = append(in.queue, frames)
	in.bytes += frames.size()
	in.mu.Unlock()
}

// announce tells the reader's side once for any number of puts.
func (in *inbox) announce() {
	select {
	case in.more <- struct{}{}:
	default:
	}
}

// take adds what has arrived to a batch that the reader has not taken yet, if together they stay within the bound. resume
// is true when the owner waits for the room this made.
func (in *inbox) take(batch []Frames, bytes int) (_ []Frames, _ int, resume bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case len(in.queue) == 0:
		return batch, bytes, false
	case len(batch) == 0:
		batch, bytes = in.queue, in.bytes
	case len(batch)+len(in.queue) <= maxBatch && bytes+in.bytes <= maxBatchBytes:
		batch, bytes = append(batch, in.queue...), bytes+in.bytes
	default:
		return batch, bytes, false
	}
	in.queue, in.bytes = nil, 0
	resume, in.full = in.full, false
	return batch, bytes, resume
}

// outbox is the way from everybody to the owner.
type outbox struct {
	mu     sync.Mutex
	space  *sync.Cond // on mu: the owner took the queue, or it was closed
	queue  []Frames
	bytes  int
	closed bool
}

func newOutbox() *outbox {
	out := &outbox{}
	out.space = sync.NewCond(&out.mu)
	return out
}

// put waits for room and reports whether the batch was taken; it is not once the box is closed.
func (out *outbox) put(batch []Frames) bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	for !out.closed && (len(out.queue) >= maxOut || out.bytes >= maxOutBytes) {
		out.space.Wait()
	}
	if out.closed {
		return false
	}
	out.queue = append(out.queue, batch...)
	for _, frames := range batch {
		out.bytes += frames.size()
	}
	return true
}

// take gives the owner everything, and takes back its last, used-up slice to fill it again.
func (out *outbox) take(used []Frames) []Frames {
	out.mu.Lock()
	defer out.mu.Unlock()
	batch := out.queue
	out.queue, out.bytes = used[:0], 0
	out.space.Broadcast()
	return batch
}

func (out *outbox) empty() bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return len(out.queue) == 0
}

func (out *outbox) close() {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.closed = true
	out.space.Broadcast()
}
