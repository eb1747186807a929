package logging

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
)

// Role says which part of the section logging a process uses, and how it treats files that rotate_logs rolls.
type Role int

// The roles.
const (
	Daemon     Role = iota // logging, or logging: publisher; files are watched instead of rotated
	Worker                 // logging, or logging: publisher; files are rotated
	Aggregator             // logging, or logging: aggregator; files are watched instead of rotated
)

// Options are what a process brings along.
type Options struct {
	Feed   func(feed.LogRecord) // gets every record that passes its logger's level; must be quick; nil: no feed
	Launch int64                // the launch that this process is; 0 none
	Debug  bool                 // a worker's --debug: everything to the console and nowhere else
	Stdout io.Writer            // os.Stdout if nil
	Stderr io.Writer            // os.Stderr if nil
}

// Log is the logging of one process: a tree of loggers over the handlers of the configuration.
type Log struct {
	o    Options
	c    *config.Config
	name string
	role Role
	host string
	pid  int

	root     node
	nodes    map[string]node
	fallback *target   // where records go that no handler would take
	targets  []*target // everything to be closed
	address  string    // where records are published; "" if they are not
	warnings []string  // for Announce

	mu      sync.Mutex
	loggers map[string]*slog.Logger // guarded by mu
}

// node is a logger of the configuration.
type node struct {
	level     int
	propagate bool
	handlers  []*target
}

// Open sets up logging as the configuration has it for the process of the given name. Files are opened and the port is
// bound, so that what cannot work is an error here. If the section is wrong, the error is a config.Errors.
func Open(c *config.Config, name string, role Role, o Options) (*Log, error) {
	l := &Log{o: o, c: c, name: name, role: role, pid: os.Getpid(), loggers: map[string]*slog.Logger{}}
	l.host, _ = os.Hostname()
	l.o.Stdout = &lockedWriter{w: cmpWriter(o.Stdout, os.Stdout)}
	l.o.Stderr = &lockedWriter{w: cmpWriter(o.Stderr, os.Stderr)}
	section, err := parseSection(c, role)
	if err != nil {
		return nil, err
	}
	if o.Debug {
		section = section.console()
	}
	if err := l.build(section); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func cmpWriter(w io.Writer, standard *os.File) io.Writer {
	if w == nil {
		return standard
	}
	return w
}

// Logger returns the logger of a name; the process itself logs with that of its own name. The same name gives the same logger.
func (l *Log) Logger(name string) *slog.Logger {
	l.mu.Lock()
	defer l.mu.Unlock()
	if logger := l.loggers[name]; logger != nil {
		return logger
	}
	logger := slog.New(&handler{logger: l.resolve(name)})
	l.loggers[name] = logger
	return logger
}

// HasHandlers tells whether the logger of a name has handlers of its own, not those of its ancestors.
func (l *Log) HasHandlers(name string) bool { return len(l.nodes[name].handlers) > 0 }

// Address returns the endpoint where records are published, "" if they are not.
func (l *Log) Address() string { return l.address }

// Close writes and closes everything. The loggers must not be used any more.
func (l *Log) Close() error {
	var errs []error
	for _, t := range l.targets {
		errs = append(errs, t.sink.close())
	}
	l.targets = nil
	return errors.Join(errs...)
}

// Announce writes what every process says first (specs: compat section 9), and then what of the configuration is not done.
func (l *Log) Announce() {
	logger := l.Logger(l.name)
	logger.Info("running in process " + strconv.Itoa(l.pid))
	logger.Info("read config from " + l.c.File)
	logger.Info(l.whereTo())
	for _, w := range l.warnings {
		logger.Warn(w)
	}
}

func (l *Log) whereTo() string {
	worker := l.role == Worker
	switch {
	case l.o.Debug:
		return "**debug mode** writing log messages to console"
	case worker && l.address != "":
		return "publishing log messages to " + l.address
	case worker:
		return "writing log messages to local file system"
	case l.address != "":
		// The reference's words, also where we keep to the loopback interface: scripts look for them.
		return "publishing logging messages to tcp://*:" + l.address[strings.LastIndexByte(l.address, ':')+1:]
	}
	own := l.resolve(l.name).handlers
	classes := func(known ...string) bool {
		return slices.ContainsFunc(own, func(t *target) bool { return slices.Contains(known, t.class) && t.level <= critical })
	}
	switch {
	case classes(classFile, classRotating, classWatched):
		return "writing logging messages to local file system"
	case classes(classStream):
		return "writing logging messages to console"
	}
	return "logging messages are only shown by the console and `nowcastd logs`: no handler writes them"
}

// resolve follows a dotted name up to the root, as Python does: level from the first ancestor that has one, handlers from all
// until one does not propagate.
func (l *Log) resolve(name string) *logger {
	found := &logger{log: l, name: name}
	climbing := true
	for at := name; ; {
		n, ok := l.nodes[at]
		if at == "" {
			n, ok = l.root, true
		}
		if ok {
			if found.level == notSet {
				found.level = n.level
			}
			if climbing {
				found.handlers = append(slices.Clip(found.handlers), n.handlers...)
				climbing = n.propagate
			}
		}
		if at == "" {
			break
		}
		at = at[:max(0, strings.LastIndexByte(at, '.'))]
	}
	if len(found.handlers) == 0 {
		found.handlers = []*target{l.fallback}
	}
	found.setLeast()
	return found
}
