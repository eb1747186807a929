package manager

import "time"

// A commit costs much the same for one message as for fifty: a sync of the disk and a new checklist file. Workers that have
// just been answered often ask again at once, and a commit that begins before they do leaves them to the one after it. So
// after a commit that answered many, the next one waits for most of them to be back, but not for long.
const (
	gatherFrom = 4                    // answers in one commit that are load; below that nobody is kept waiting
	gatherTime = 2 * time.Millisecond // the longest wait
)

// gathering is the wait before a commit; the zero value is none.
type gathering struct {
	over   <-chan time.Time
	enough int // messages that are worth no more waiting
}

// gatherAfter returns the wait that follows a commit that answered so many messages and left others pending.
func gatherAfter(answered, pending int) gathering {
	if answered < gatherFrom {
		return gathering{}
	}
	return gathering{over: time.After(gatherTime), enough: (answered + pending) * 3 / 4}
}

// commitIfGathered commits what is pending unless it is worth waiting for more. What no worker waits for with a message
// (launches, exits, commands) does not begin a wait.
func (m *Manager) commitIfGathered() {
	n := m.pending.size()
	if m.gathering.over != nil && n > 0 && n < m.gathering.enough {
		return
	}
	m.commitNow()
}
