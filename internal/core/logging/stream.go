package logging

import (
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

func (s *stream) formatter() *formatter { return s.format }

func (s *stream) emitLines(b *lines) {
	_, err := s.w.Write(b.text)
	s.trouble.reportAll(len(b.ends), err)
}

func (*stream) close() error { return nil }

// null is logging.NullHandler.
type null struct{}

func (null) emit(*record) {}
func (null) close() error { return nil }
