package logging

import (
	"sort"
	"time"
)

// A line costs a system call, and a manager that handles thousands of messages a second writes two lines for each. So of the lines
// of burstTime those after the first burstFrom wait for its end, and are written together. Whoever logs less notices nothing.
// Killed just then, a daemon loses some lines of what it did; what it did is in the state database.
const (
	burstFrom = 20
	burstTime = 10 * time.Millisecond
	burstSize = 64 << 10 // bytes that do not wait any longer
)

// burst is the lines that wait. It is guarded by the file's lock.
type burst struct {
	lines lines
	began time.Time // of the time in which lines are counted
	count int
	timer *time.Timer
}

// gathers takes a line that may wait.
func (f *file) gathers(r *record, line []byte) bool {
	b := &f.burst
	if age := r.time.Sub(b.began); age < 0 || age >= burstTime {
		b.began, b.count = r.time, 0
	}
	b.count++
	if !f.bursts || f.closed || r.level >= warning || b.count <= burstFrom || len(b.lines.text)+len(line) > burstSize {
		return false
	}
	b.lines.text = append(b.lines.text, line...)
	b.lines.ends = append(b.lines.ends, len(b.lines.text))
	b.lines.at = r.time
	if len(b.lines.ends) == 1 {
		b.arm(f)
	}
	return true
}

// arm starts the clock for the first line, so that nothing ticks while few are written.
func (b *burst) arm(f *file) {
	if b.timer == nil {
		b.timer = time.AfterFunc(burstTime, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.flush()
		})
		return
	}
	b.timer.Reset(burstTime)
}

// flush writes the lines that wait. The caller holds mu.
func (f *file) flush() {
	b := &f.burst.lines
	if len(b.ends) == 0 {
		return
	}
	n, err := f.write(b.text, b.at, true)
	f.trouble.reportAll(len(b.ends)-sort.SearchInts(b.ends, n+1), err)
	b.text, b.ends = b.text[:0], b.ends[:0]
}
