package launcher

import (
	"fmt"
	"sync"
	"time"

	"nowcast/internal/core/process"
)

// sessions finds what ended workers have left behind. When hundreds end at once, they share one look at all processes.
type sessions struct {
	mu      sync.Mutex
	looked  time.Time        // when the last look began
	members map[int][]string // of each session, by that look
}

// leaving is how long what a worker started may take to end with it before it counts as left behind.
const leaving = 200 * time.Millisecond

// of returns the processes of a session, as "4711 python3".
func (s *sessions) of(session int) []string {
	if len(s.look(session)) == 0 {
		return nil
	}
	time.Sleep(leaving)
	return s.look(session)
}

func (s *sessions) look(session int) []string {
	asked := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.looked.After(asked) {
		s.looked, s.members = time.Now(), map[int][]string{}
		process.All(func(pid int, p process.Stat) bool {
			if !p.Dead() {
				s.members[p.Session] = append(s.members[p.Session], fmt.Sprint(pid, " ", p.Name))
			}
			return true
		})
	}
	return s.members[session]
}
