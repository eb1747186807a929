package history

import (
	"cmp"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"nowcast/internal/core/feed"
)

// Defaults of Options.
const (
	DefaultKeep      = 20_000
	DefaultKeepBytes = 16 << 20
	segmentSize      = 64 << 20
)

const atOnce = 4 // questions that are worked on in turns; others wait for one of them to be answered

// Options are what a History works with.
type Options struct {
	Dir       string // of the segments; it is made when the first record comes
	Limit     int64  // bytes of all segments
	Logger    *slog.Logger
	Keep      int              // records in memory; 0 DefaultKeep
	KeepBytes int              // their size; 0 DefaultKeepBytes
	Now       func() time.Time // time.Now if nil
	segment   int64            // bytes of a segment, for tests; 0 segmentSize
}

// History is the log records of the past.
type History struct {
	o       Options
	reading chan struct{} // a token for each question that is worked on

	// scanning is held while a block is looked through. All questions together then take one processor at most, and leave
	// the others to the records that arrive: a publisher in Python drops what is not taken from it within some 100 ms.
	scanning sync.Mutex

	// Add's own.
	file     *os.File // the last of segments, open for writing; nil before the first record and after trouble
	spoiled  bool     // somebody has removed or cut that file: it is not to be written again
	line     []byte
	unsaved  int // records that could not be written since that was reported
	lastTold error

	mu       sync.RWMutex
	limit    int64     // guarded by mu, as is all that follows
	segments []segment // oldest first
	recent   recent
}

// Open finds the segments in o.Dir. A directory that cannot be read or written is reported, and records are then kept in memory
// only: a log aggregator is not stopped by that.
func Open(o Options) *History {
	o.Keep = cmp.Or(o.Keep, DefaultKeep)
	o.KeepBytes = cmp.Or(o.KeepBytes, DefaultKeepBytes)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.segment = cmp.Or(o.segment, segmentSize)
	h := &History{o: o, limit: o.Limit, reading: make(chan struct{}, atOnce)}
	h.recent = recent{keep: o.Keep, keepBytes: o.KeepBytes}
	var err error
	if h.segments, err = segments(o.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.Logger.Error("log history cannot be read: make the directory readable and restart", "dir", o.Dir, "err", err)
	}
	return h
}

// SetLimit changes how many bytes all segments may take. It takes effect with the next segment.
func (h *History) SetLimit(limit int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limit = limit
}

// Close closes the file.
func (h *History) Close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// Add keeps records, in their order. Their texts stay in memory for a while.
func (h *History) Add(records []feed.LogRecord) {
	if len(records) == 0 {
		return
	}
	fresh := make([]kept, len(records))
	h.line = h.line[:0]
	for i := range records {
		k := &fresh[i]
		k.LogRecord = records[i]
		k.Message = feed.CutMessage(k.Message)
		k.at.offset = int64(len(h.line)) // from where the batch is going to be
		h.line = appendLine(h.line, &k.LogRecord)
	}
	at, err := h.write()
	h.report(err, len(records))
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range fresh {
		k.written = err == nil
		if k.at.segment = at.segment; k.written {
			k.at.offset += at.offset
		} else {
			k.at.offset = at.offset
		}
		h.recent.add(k)
	}
	h.recent.trim()
}

// write appends h.line, whole or not at all, and returns the place of its first byte.
func (h *History) write() (place, error) {
	if err := h.ready(); err != nil {
		return h.end(), err
	}
	s := h.segments[len(h.segments)-1] // only Add changes it
	at := place{s.number, s.size}
	// At a place of our own rather than at the end: what a full disk has left of an earlier try is written over.
	if _, err := h.file.WriteAt(h.line, s.size); err != nil {
		_ = h.file.Truncate(s.size)
		return at, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	last := &h.segments[len(h.segments)-1]
	last.size += int64(len(h.line))
	if now := h.o.Now(); now.After(last.written) { // the clock may have been put back
		last.written = now
	}
	return at, nil
}

// end is the place after the last line.
func (h *History) end() place {
	if len(h.segments) == 0 {
		return place{}
	}
	s := h.segments[len(h.segments)-1]
	return place{s.number, s.size}
}

// ready makes sure that there is a file with room.
func (h *History) ready() error {
	h.mu.RLock()
	room := min(h.o.segment, h.limit/4)
	n := len(h.segments)
	h.mu.RUnlock()
	now := h.o.Now()
	h.letGo()
	// One that was begun while the clock was ahead would not be looked into for what comes now.
	if n > 0 && h.segments[n-1].size < room && !now.Before(h.segments[n-1].begun) && !h.spoiled {
		if h.file != nil {
			return nil
		}
		s := h.segments[n-1]
		f, err := s.resume()
		if err == nil {
			h.file = f
			h.mu.Lock()
			h.segments[n-1] = s
			h.mu.Unlock()
			return nil
		}
		// Somebody has removed it, or made it unwritable: another one will do.
	}
	number := int64(1)
	if n > 0 {
		number = h.segments[n-1].number + 1
	}
	f, s, err := create(h.o.Dir, number, now)
	if err != nil {
		return err
	}
	if h.file != nil {
		_ = h.file.Close()
	}
	h.file, h.spoiled = f, false
	h.mu.Lock()
	h.segments = append(slices.Clip(h.segments), s) // questions go on with the list that they have
	h.mu.Unlock()
	h.forget()
	return nil
}

// letGo closes the file if it was removed, renamed or cut: what is written to it then is not found again.
func (h *History) letGo() {
	if h.file == nil {
		return
	}
	s := h.segments[len(h.segments)-1]
	open, err := h.file.Stat()
	if err != nil {
		return // the write will say it
	}
	there, err := os.Stat(s.path)
	if err == nil && os.SameFile(open, there) && there.Size() >= s.size {
		return
	}
	_ = h.file.Close()
	h.file, h.spoiled = nil, true
	h.o.Logger.Warn("a file of the log history was removed or changed by somebody: what it had is lost, and a new one is begun", "file", s.path)
}

// forget removes the oldest segments beyond the limit. Those who read one read it to its end.
func (h *History) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	total := int64(0)
	for i := len(h.segments) - 1; i >= 0; i-- {
		total += h.segments[i].size
		// Room for the last one to grow is taken into account now.
		if i < len(h.segments)-1 && total > h.limit-min(h.o.segment, h.limit/4) {
			for _, s := range h.segments[:i+1] {
				if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					h.o.Logger.Warn("old log history cannot be removed: remove it by hand", "file", s.path, "err", err)
				}
			}
			h.segments = slices.Clone(h.segments[i+1:])
			return
		}
	}
}

// report says once that records cannot be written, and once that they can be again.
func (h *History) report(err error, records int) {
	switch {
	case err != nil:
		h.unsaved += records
		if h.lastTold == nil || h.lastTold.Error() != err.Error() {
			h.lastTold = err
			h.o.Logger.Error("log history is not written: the newest records are only in memory until this is mended", "dir", h.o.Dir, "err", err)
		}
	case h.lastTold != nil:
		h.o.Logger.Warn("log history is written again", "dir", h.o.Dir, "not written", h.unsaved)
		h.lastTold, h.unsaved = nil, 0
	}
}
