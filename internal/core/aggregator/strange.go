package aggregator

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nowcast/internal/core/wire"
)

// Bounds of what strange says: of levels each once, of frames one in a while.
const (
	maxStrangeLevels = 100
	strangeEvery     = 10 * time.Second
	excerpt          = 200
)

// strange says what publishers send that is not as it should be.
type strange struct {
	logger *slog.Logger
	levels map[string]bool // by publisher and level: said
	said   time.Time
	unsaid int
}

func (s *strange) level(r *parsed) {
	key := r.name + "." + r.unknown
	if s.levels[key] || len(s.levels) >= maxStrangeLevels {
		return
	}
	if s.levels == nil {
		s.levels = map[string]bool{}
	}
	s.levels[strings.Clone(key)] = true
	s.logger.Warn(fmt.Sprintf("records of %s come with the level %.50q, which is not one of Python's: they are written as WARNING", r.name, r.unknown))
}

// frames reports a message that is no record. Its text goes into the log, so that it is not lost altogether.
func (s *strange) frames(m *wire.Collected) {
	now := time.Now()
	if now.Sub(s.said) < strangeEvery {
		s.unsaid++
		return
	}
	s.said = now
	line := fmt.Sprintf("a message of %d frames from %s was dropped: a log record has two, NAME.LEVEL and text; it begins %s, %s",
		m.Frames, m.Peer, quoted(m.Topic), quoted(m.Text))
	if s.unsaid > 0 {
		line += fmt.Sprintf(" (%d more such messages before it)", s.unsaid)
		s.unsaid = 0
	}
	s.logger.Warn(line)
}

func quoted(s string) string { return fmt.Sprintf("%+q", s[:min(len(s), excerpt)]) }
