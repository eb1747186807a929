package python

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// How much of what a helper writes past its records is kept.
const (
	mostLines   = 1000      // logged, a call
	longestLine = 64 * 1024 // bytes; a longer one becomes several
	lastLines   = 20        // of stderr, to say why it ended
)

// speech takes what a helper says to the log. The helper sends what Python code prints and logs as records; what C code and
// programs write to its stdout and stderr is read here, line by line.
type speech struct {
	logger *slog.Logger
	record func(name string, level slog.Level, message, exc string)

	mu   sync.Mutex
	left int         // guarded by mu: lines that the call at hand may still log
	tail []string    // guarded by mu: last lines on stderr
	dump chan string // guarded by mu: gets the lines on stderr while the stack is asked for; else nil
}

// beginCall allows a call its lines.
func (s *speech) beginCall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = mostLines
}

// tell logs a record that the helper sent. It has counted them.
func (s *speech) tell(r *record) {
	if r.Name != "" {
		s.record(r.Name, r.level(), r.Message, r.Exc)
		return
	}
	if r.level() == slog.LevelWarn {
		s.mu.Lock()
		s.remember(r.Message)
		s.mu.Unlock()
	}
	s.logger.Log(context.Background(), r.level(), r.Message)
}

func (s *speech) stdout(line string) {
	if s.allowed() {
		s.logger.Info(line)
	}
}

func (s *speech) stderr(line string) {
	s.mu.Lock()
	dump := s.dump
	if dump == nil {
		s.remember(line)
	}
	s.mu.Unlock()
	if dump != nil {
		select {
		case dump <- line:
		default: // more than any stack has
		}
		return
	}
	if s.allowed() {
		s.logger.Warn(line)
	}
}

// remember keeps a line of stderr. s.mu is held.
func (s *speech) remember(line string) {
	if s.tail = append(s.tail, line); len(s.tail) > lastLines {
		s.tail = s.tail[1:]
	}
}

func (s *speech) allowed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	if s.left == 0 {
		s.logger.Warn("what these rules start writes too much: the rest of this call is dropped")
	}
	return s.left > 0
}

// last returns the last lines on stderr.
func (s *speech) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tail) == 0 {
		return ""
	}
	return "last lines on its stderr:\n  " + strings.Join(s.tail, "\n  ")
}

// divert has lines on stderr come out of the channel it returns, and no longer to the log.
func (s *speech) divert() <-chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dump = make(chan string, 4096)
	return s.dump
}

// eachLine reads to the end.
func eachLine(r io.Reader, line func(string)) {
	b := bufio.NewReaderSize(r, longestLine)
	for {
		part, _, err := b.ReadLine()
		if err != nil {
			return
		}
		line(strings.ToValidUTF8(string(part), "\uFFFD"))
	}
}
