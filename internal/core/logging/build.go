package logging

import (
	"fmt"

	"nowcast/internal/core/config"
)

// build opens the handlers, all of them, as Python does, and puts the loggers on them.
func (l *Log) build(s *section) error {
	for _, w := range s.warnings {
		l.warnings = append(l.warnings, w.Error())
	}
	l.fallback = &target{name: "lastResort", class: classStream, level: warning, sink: &stream{l.o.Stderr, mustFormatter(defaultFormat), l.trouble("stderr")}}
	byName := map[string]*target{}
	var errs config.Errors
	for _, h := range s.handlers {
		sink, err := l.open(h)
		if err != nil {
			errs = append(errs, l.complaint(h, err))
			continue
		}
		t := &target{name: h.name, class: h.class, level: h.level, sink: sink}
		l.targets = append(l.targets, t)
		byName[h.name] = t
	}
	if len(errs) > 0 {
		return errs
	}
	attach := func(spec loggerSpec) node {
		n := node{level: spec.level, propagate: spec.propagate}
		for _, name := range spec.handlers {
			n.handlers = append(n.handlers, byName[name])
		}
		return n
	}
	l.root = attach(s.root)
	l.nodes = map[string]node{}
	for name, spec := range s.loggers {
		l.nodes[name] = attach(spec)
	}
	return nil
}

func (l *Log) complaint(h handlerSpec, err error) config.Error {
	keys := []string{"logging", "handlers", h.name}
	remedy := "make its directory, or correct filename"
	if distributed(l.c) {
		part := "publisher"
		if l.role == Aggregator {
			part = "aggregator"
		}
		keys = []string{"logging", part, "handlers", h.name}
	}
	if h.class == classPUB {
		keys, remedy = []string{"zmq", "ports", "logging"}, "end what uses the ports, or give others"
	}
	return l.c.Complaint(err.Error(), remedy, keys...)
}

func (l *Log) trouble(what string) *trouble { return &trouble{what: what, stderr: l.o.Stderr} }

func (l *Log) open(h handlerSpec) (sink, error) {
	switch h.class {
	case classStream:
		if h.stderr {
			return &stream{l.o.Stderr, h.format, l.trouble("stderr")}, nil
		}
		return &stream{l.o.Stdout, h.format, l.trouble("stdout")}, nil
	case classFile, classRotating, classWatched:
		return l.openFile(h)
	case classPUB:
		return l.openPublisher()
	}
	return null{}, nil
}

// openFile opens a log file. Daemons never roll one themselves: rotate_logs does, and they notice.
func (l *Log) openFile(h handlerSpec) (sink, error) {
	f := &file{path: h.path, truncate: h.truncate, watch: h.class != classFile, format: h.format, trouble: l.trouble("log file " + h.path)}
	if l.role == Worker && h.class == classRotating {
		f.limit, f.backups = h.limit, h.backups
	}
	if h.delay {
		return f, nil
	}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	return f, nil
}

// openPublisher binds the port that the process has. A daemon that has none, which a reference file cannot know of, says so
// and goes on; a worker fails, as in the reference.
func (l *Log) openPublisher() (sink, error) {
	ports := publisherPorts(l.c, l.name, l.role)
	if len(ports) == 0 && l.role != Worker {
		if l.name == aggregatorName { // it collects what others publish
			return null{}, nil
		}
		l.warnings = append(l.warnings, fmt.Sprintf("log messages are not published: zmq: ports: logging: in %s has no port for %s", l.c.File, l.name))
		return null{}, nil
	}
	if len(ports) == 0 {
		return nil, fmt.Errorf("unable to find port to publish log messages to: there is neither %s nor workers", l.name)
	}
	conn, endpoint, err := bindPublisher(l.c, ports)
	if err != nil {
		return nil, fmt.Errorf("unable to find port to publish log messages to: %w", err)
	}
	l.address = endpoint
	return newPublisher(conn, l.name, l.trouble("log publisher "+endpoint)), nil
}
