package logging

import (
	"fmt"
	"strings"

	"nowcast/internal/core/config"
)

// builder opens what a configuration needs.
type builder struct {
	*tree
	log *Log
	old *tree // what is in use, for a reload; nil at the start
}

// build reads a configuration and opens its handlers, all of them, as Python does, and puts the loggers on them.
func (l *Log) build(c *config.Config, old *tree) (*tree, error) {
	s, err := parseSection(c, l.role)
	if err != nil {
		return nil, err
	}
	if l.o.Debug {
		s = s.console()
	}
	return l.buildSection(c, s, old)
}

func (l *Log) buildSection(c *config.Config, s *section, old *tree) (*tree, error) {
	b := &builder{tree: &tree{c: c, nodes: map[string]node{}}, log: l, old: old}
	for _, w := range s.warnings {
		b.warnings = append(b.warnings, w.Error())
	}
	b.fallback = &target{name: "lastResort", class: classStream, level: warning, sink: &stream{l.o.Stderr, mustFormatter(defaultFormat), l.trouble("stderr")}}
	byName := map[string]*target{}
	var errs config.Errors
	for _, h := range s.handlers {
		sink, err := b.open(h)
		if err != nil {
			errs = append(errs, b.complaint(h, err))
			continue
		}
		t := &target{name: h.name, class: h.class, level: h.level, sink: sink}
		b.targets = append(b.targets, t)
		byName[h.name] = t
	}
	if len(errs) > 0 {
		b.undo()
		return nil, errs
	}
	attach := func(spec loggerSpec) node {
		n := node{level: spec.level, propagate: spec.propagate}
		for _, name := range spec.handlers {
			n.handlers = append(n.handlers, byName[name])
		}
		return n
	}
	b.root = attach(s.root)
	for name, spec := range s.loggers {
		b.nodes[name] = attach(spec)
	}
	return b.tree, nil
}

// undo closes what was opened for a configuration that is not going to be used. Nothing was written to it.
func (b *builder) undo() {
	for _, t := range b.targets {
		if b.old != nil && t.sink == sink(b.old.pub) {
			continue
		}
		_ = t.sink.close()
	}
}

func (b *builder) complaint(h handlerSpec, err error) config.Error {
	keys := []string{"logging", "handlers", h.name}
	remedy := "make its directory, or correct filename"
	if b.c.Distributed() {
		part := "publisher"
		if b.log.role == Aggregator {
			part = "aggregator"
		}
		keys = []string{"logging", part, "handlers", h.name}
	}
	if h.class == classPUB {
		keys, remedy = []string{"zmq", "ports", "logging"}, "end what uses the ports, or give others"
	}
	return b.c.Complaint(err.Error(), remedy, keys...)
}

func (b *builder) open(h handlerSpec) (sink, error) {
	l := b.log
	switch h.class {
	case classStream:
		if h.stderr {
			return &stream{l.o.Stderr, h.format, l.trouble("stderr")}, nil
		}
		return &stream{l.o.Stdout, h.format, l.trouble("stdout")}, nil
	case classFile, classRotating, classWatched, classTimed:
		return b.openFile(h)
	case classPUB:
		return b.openPublisher()
	case classSMTP:
		return newCourier(&postman{*h.mail, h.format}, l.trouble("log mail to "+strings.Join(h.mail.to, ", ")+" by "+h.mail.host)), nil
	case classSysLog:
		return newCourier(&syslog{syslogSpec: *h.syslog, format: h.format}, l.trouble("syslog at "+h.syslog.address)), nil
	}
	return null{}, nil
}

// openFile opens a log file. Daemons never roll a RotatingFileHandler's themselves: rotate_logs does, and they notice.
func (b *builder) openFile(h handlerSpec) (sink, error) {
	f := &file{path: h.path, watch: h.class != classFile, timed: h.timed, format: h.format, bursts: b.log.role != Worker, trouble: b.log.fileTrouble(h.path)}
	f.truncate = h.truncate && (b.old == nil || !b.old.has(h.path))
	if b.log.role == Worker && h.class == classRotating {
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
