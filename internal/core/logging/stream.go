package logging

import (
	"fmt"
	"io"
	"sync"
)

// lockedWriter makes one write of each record, also where several handlers share the writer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// stream is logging.StreamHandler.
type stream struct {
	w       io.Writer
	format  *formatter
	trouble *trouble
}

func (s *stream) emit(r *record) {
	_, err := s.w.Write(r.line(s.format))
	s.trouble.report(err)
}

func (*stream) close() error { return nil }

// null is logging.NullHandler, and stands for handlers whose class is accepted but not there yet.
type null struct{}

func (null) emit(*record) {}
func (null) close() error { return nil }

// trouble says when a handler stops being able to write, and when it can again; not once per record.
type trouble struct {
	what   string // e.g. "log file /logs/x.log"
	stderr io.Writer

	mu   sync.Mutex
	lost int // records since it began; guarded by mu
}

func (t *trouble) report(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		if t.lost > 0 {
			fmt.Fprintf(t.stderr, "%s can be written again; %d records are not in it\n", t.what, t.lost)
			t.lost = 0
		}
		return
	}
	if t.lost++; t.lost == 1 {
		// Where stderr is what cannot be written, this is lost as well, and nothing better is left.
		fmt.Fprintf(t.stderr, "%s cannot be written, so log records are missing from it: %v\n", t.what, err)
	}
}
