package history

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// Bounds of a page.
const (
	usualPage    = 1000   // records, if nobody says how many
	largestPage  = 20_000 // records
	largestBytes = 8 << 20
	pageTime     = 2 * time.Second // less than clients wait
)

// page is an answer in the making.
type page struct {
	records  []feed.LogRecord
	bytes    int
	last     int
	deadline time.Time
	oldest   place     // backwards: of the last record in memory that was looked at
	reached  time.Time // its time, or that of a line
}

func (p *page) full() bool { return len(p.records) >= p.last || p.bytes >= largestBytes }

func (p *page) add(r feed.LogRecord) {
	p.records = append(p.records, r)
	p.bytes += size(&r)
}

// Logs returns the newest records that args selects, or with Forward the oldest, in the order of time. They are taken in the order
// of their arrival: where a page ends, a late record may be on the other side.
func (h *History) Logs(ctx context.Context, args control.LogsArgs) (feed.LogPage, error) {
	select {
	case h.reading <- struct{}{}:
		defer func() { <-h.reading }()
	case <-ctx.Done():
		return feed.LogPage{}, ctx.Err()
	}
	var answer feed.LogPage
	var err error
	aside(func() { answer, err = h.answer(ctx, args) })
	return answer, err
}

func (h *History) answer(ctx context.Context, args control.LogsArgs) (answer feed.LogPage, err error) {
	p := &page{records: []feed.LogRecord{}, last: min(cmp.Or(max(args.Last, 0), usualPage), largestPage), deadline: h.o.Now().Add(pageTime)}
	q := newQuery(args)
	var more *place
	if args.Forward {
		if more, err = h.forward(ctx, &q, p); more != nil {
			answer.Newer = more.String()
		}
	} else {
		if more, err = h.backward(ctx, &q, p); more != nil {
			answer.Older, answer.Reached = more.String(), p.reached
		}
		slices.Reverse(p.records)
	}
	// Records of different processes arrive in batches, not in the order of time.
	slices.SortStableFunc(p.records, func(a, b feed.LogRecord) int { return a.Time.Compare(b.Time) })
	answer.Records = p.records
	return answer, err
}

// backward fills a page with the newest, youngest first, and returns the place before which there is more, if there is.
func (h *History) backward(ctx context.Context, q *query, p *page) (older *place, err error) {
	before := place{segment: math.MaxInt64}
	if q.Before != "" {
		if before, err = parsePlace(q.Before); err != nil {
			return nil, err
		}
	}
	segments, before := h.inMemory(q, p, before)
	r := &reader{}
	for _, s := range slices.Backward(segments) {
		if s.number > before.segment || q.isOver(s) || q.isBefore(s) { // the others are in the order of the clock only if it was right
			continue
		}
		end := s.size
		if s.number == before.segment {
			end = min(end, before.offset)
		}
		if older, err := h.segmentBack(ctx, q, p, r, s, end); err != nil || older != nil {
			return older, err
		}
	}
	return nil, nil
}

// inMemory looks through the newest records, and returns before which place, in which segments, it goes on.
func (h *History) inMemory(q *query, p *page, before place) ([]segment, place) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, k := range slices.Backward(h.recent.records) {
		if k.at.compare(before) >= 0 && k.at != p.oldest {
			continue
		}
		// Records that could not be written share a place, and a page must end between two places.
		if p.full() && k.at != p.oldest {
			break
		}
		before, p.oldest, p.reached = k.at, k.at, k.Time
		if q.Wants(&k.LogRecord) {
			p.add(k.LogRecord)
		}
	}
	return slices.Clone(h.segments), before
}

// segmentBack looks through a segment up to end. It returns where it has stopped because the page is full or the time is over.
func (h *History) segmentBack(ctx context.Context, q *query, p *page, r *reader, s segment, end int64) (*place, error) {
	closeFile, err := r.open(s)
	if err != nil || r.file == nil {
		return nil, err
	}
	defer closeFile()
	for end > 0 {
		if h.enough(ctx, p) {
			return &place{s.number, end}, nil
		}
		if end, err = h.blockBack(q, p, r, end); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// blockBack looks through a block and returns where it has stopped: at its beginning, unless the page is full.
func (h *History) blockBack(q *query, p *page, r *reader, end int64) (int64, error) {
	h.scanning.Lock()
	defer h.scanning.Unlock()
	block, start, err := r.back(end)
	if err != nil {
		return 0, err
	}
	for _, line := range slices.Backward(r.candidates(q, block)) {
		if p.full() {
			return start + int64(line.to) + 1, nil
		}
		q.take(p, block[line.from:line.to])
	}
	if at, ok := timeOf(block); ok {
		p.reached = at
	}
	return start, nil
}

// forward fills a page with the oldest and returns the place after which there is more, if there is.
func (h *History) forward(ctx context.Context, q *query, p *page) (newer *place, err error) {
	var after place
	if q.After != "" {
		if after, err = parsePlace(q.After); err != nil {
			return nil, err
		}
	}
	h.mu.RLock()
	segments := slices.Clone(h.segments)
	h.mu.RUnlock()
	r := &reader{}
	for _, s := range segments {
		if s.number < after.segment || q.isOver(s) || q.isBefore(s) {
			continue
		}
		start := int64(0)
		if s.number == after.segment {
			start = after.offset
		}
		if newer, err := h.segmentForth(ctx, q, p, r, s, start); err != nil || newer != nil {
			return newer, err
		}
	}
	h.unwritten(q, p)
	return nil, nil
}

func (h *History) segmentForth(ctx context.Context, q *query, p *page, r *reader, s segment, start int64) (*place, error) {
	closeFile, err := r.open(s)
	if err != nil || r.file == nil {
		return nil, err
	}
	defer closeFile()
	for start < s.size {
		if h.enough(ctx, p) {
			return &place{s.number, start}, nil
		}
		if start, err = h.blockForth(q, p, r, start, s.size); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (h *History) blockForth(q *query, p *page, r *reader, start, end int64) (int64, error) {
	h.scanning.Lock()
	defer h.scanning.Unlock()
	block, next, err := r.forth(start, end)
	if err != nil {
		return 0, err
	}
	for _, line := range r.candidates(q, block) {
		if p.full() {
			return start + int64(line.from), nil
		}
		q.take(p, block[line.from:line.to])
	}
	return next, nil
}

// unwritten adds what a full disk has kept out of the files.
func (h *History) unwritten(q *query, p *page) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, k := range h.recent.records {
		if !k.written && q.Wants(&k.LogRecord) {
			p.add(k.LogRecord)
		}
	}
}

// enough tells whether the page is to be given out as it is.
func (h *History) enough(ctx context.Context, p *page) bool {
	return p.full() || h.o.Now().After(p.deadline) || ctx.Err() != nil
}

// take adds the record of a line if it is selected.
func (q *query) take(p *page, line []byte) {
	if r, ok := parseLine(line); ok && q.Wants(&r) {
		p.add(r)
		p.reached = r.Time
	}
}
