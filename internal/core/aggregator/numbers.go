package aggregator

import "nowcast/internal/core/feed"

const maxSources = 4096 // processes whose numbers are remembered

// process is one life of one publisher of the feed.
type process struct{ source, epoch string }

// numbers notices events that were lost on their way by the feed.
type numbers struct {
	missed func(source string, events int)
	last   map[process]uint64 // number of the last event of each
}

// isNext tells whether the event is new, and reports those that should have come before it. The first event of a process says
// nothing: it may have begun before us.
func (n *numbers) isNext(e *feed.Event) bool {
	p := process{e.Source, e.Epoch}
	last, known := n.last[p]
	switch {
	case known && e.Seq <= last:
		return false
	case known && e.Seq > last+1:
		n.missed(e.Source, int(e.Seq-last-1))
	case !known && len(n.last) >= maxSources:
		clear(n.last) // most are of workers that ended long ago; what is lost at this moment is not noticed
	}
	n.last[p] = e.Seq
	return true
}
