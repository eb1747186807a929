package logging

import (
	"strings"
	"sync"

	"nowcast/internal/core/config"
)

// tree is one configuration at work: its handlers, and the loggers on them. It does not change. When a reload puts another
// in its place it is over, once the records on their way through it have arrived.
type tree struct {
	c        *config.Config
	root     node
	nodes    map[string]node
	fallback *target   // where records go that no handler would take
	targets  []*target // everything to be closed
	pub      *publisher
	warnings []string

	users sync.RWMutex // held for reading by who has a record on its way
	over  bool         // guarded by users
}

// node is a logger of the configuration.
type node struct {
	level     int
	propagate bool
	handlers  []*target
}

// target is a configured handler.
type target struct {
	name  string
	class string
	level int
	sink  sink
}

// sink is where records go. It is safe for concurrent use, takes the record's data before it returns, and reports its own
// trouble. It may be closed more than once.
type sink interface {
	emit(*record)
	close() error
}

// hold returns the configuration in use and keeps it from being over until release: a record goes to the handlers of one
// configuration, all of them, whatever a reload does meanwhile.
func (l *Log) hold() *tree {
	for {
		t := l.tree.Load()
		t.users.RLock()
		if !t.over {
			return t
		}
		t.users.RUnlock()
	}
}

func (t *tree) release() { t.users.RUnlock() }

// end waits for the records on their way, and lets no others in.
func (t *tree) end() {
	t.users.Lock()
	defer t.users.Unlock()
	t.over = true
}

func (t *tree) address() string {
	if t.pub == nil {
		return ""
	}
	return t.pub.endpoint
}

// has tells whether a handler has the file.
func (t *tree) has(path string) bool {
	for _, x := range t.targets {
		if f, ok := x.sink.(*file); ok && f.path == path {
			return true
		}
	}
	return false
}

// resolve follows a dotted name up to the root, as Python does: level from the first ancestor that has one, handlers from all
// until one does not propagate.
func (t *tree) resolve(name string, fed bool) *logger {
	found := &logger{tree: t}
	climbing := true
	for at := name; ; {
		n, ok := t.nodes[at]
		if at == "" {
			n, ok = t.root, true
		}
		if ok {
			if found.level == notSet {
				found.level = n.level
			}
			if climbing {
				found.handlers = append(found.handlers, n.handlers...)
				climbing = n.propagate
			}
		}
		if at == "" {
			break
		}
		at = at[:max(0, strings.LastIndexByte(at, '.'))]
	}
	if len(found.handlers) == 0 {
		found.handlers = []*target{t.fallback}
	}
	found.setLeast(fed)
	return found
}
