package logging

import (
	"fmt"
	"slices"

	"nowcast/internal/core/config"
)

// Reload makes the section logging of another configuration the one in use, for all loggers. What is wrong with it, or cannot
// be opened, is an error as it is of Open, and then everything stays as it was, including the port. A record goes to the
// handlers of one configuration and never to both. A file in both is not emptied again, and a port in both is not let go.
func (l *Log) Reload(c *config.Config) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	l.ending.Wait() // a handler of the one before may have the port that is wanted now
	old := l.tree.Load()
	t, err := l.build(c, old)
	if err != nil {
		return err
	}
	l.tree.Store(t)
	old.end()
	l.ending.Go(func() { l.closeFormer(old, t) })
	if is := l.whereTo(t); is != l.whereTo(old) {
		l.Logger(l.name).Info(is)
	}
	for _, w := range t.warnings {
		if !slices.Contains(old.warnings, w) {
			l.Logger(l.name).Warn(w)
		}
	}
	return nil
}

// closeFormer closes the handlers of a configuration that is over, except for a publisher that goes on in the next.
func (l *Log) closeFormer(old, next *tree) {
	for _, t := range old.targets {
		if p, ok := t.sink.(*publisher); ok && p == next.pub {
			continue
		}
		if err := t.sink.close(); err != nil {
			fmt.Fprintf(l.o.Stderr, "logging of the configuration before: %v\n", err)
		}
	}
}
