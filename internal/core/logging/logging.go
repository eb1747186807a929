package logging

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

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
	Feed   func(feed.LogRecord)    // gets every record that passes its logger's level; must be quick and not log; nil: no feed
	Show   func(feed.LogRecord)    // is shown the same, feed or not; the same holds for it; nil: nobody looks
	Alert  func(file, text string) // is told when a log file cannot be written; the same holds for it; nil: nobody
	Settle func(file, how string)  // with Alert: and when that is over
	Launch int64                   // the launch that this process is; 0 none
	Debug  bool                    // a worker's --debug: everything to the console and nowhere else
	Stdout io.Writer               // os.Stdout if nil
	Stderr io.Writer               // os.Stderr if nil

	sendQueue int // for tests: instead of the constant
}

// Log is the logging of one process: loggers, and the configuration that says where their records go.
type Log struct {
	o    Options
	name string
	role Role
	host string
	pid  int

	tree  atomic.Pointer[tree] // the configuration in use; changed with changing held
	own   *source              // of the process's own name, for Relay
	relay relay                // of the one caller of Relay

	changing sync.Mutex     // one Reload or Close at a time
	ending   sync.WaitGroup // handlers of former configurations that still send what they have

	mu      sync.Mutex
	loggers map[string]*slog.Logger // guarded by mu
}

// Open sets up logging as the configuration has it for the process of the given name. Files are opened and the port is
// bound, so that what cannot work is an error here. If the section is wrong, the error is a config.Errors.
func Open(c *config.Config, name string, role Role, o Options) (*Log, error) {
	l := newLog(name, role, o)
	t, err := l.build(c, nil)
	if err != nil {
		return nil, err
	}
	l.tree.Store(t)
	return l, nil
}

func newLog(name string, role Role, o Options) *Log {
	l := &Log{o: o, name: name, role: role, pid: os.Getpid(), loggers: map[string]*slog.Logger{}}
	l.host, _ = os.Hostname()
	l.o.Stdout = &lockedWriter{w: cmpWriter(o.Stdout, os.Stdout)}
	l.o.Stderr = &lockedWriter{w: cmpWriter(o.Stderr, os.Stderr)}
	l.own = &source{log: l, name: name}
	return l
}

func cmpWriter(w io.Writer, standard *os.File) io.Writer {
	if w == nil {
		return standard
	}
	return w
}

// Logger returns the logger of a name; the process itself logs with that of its own name. The same name gives the same
// logger, and it follows every reload.
func (l *Log) Logger(name string) *slog.Logger {
	l.mu.Lock()
	defer l.mu.Unlock()
	if logger := l.loggers[name]; logger != nil {
		return logger
	}
	logger := slog.New(&handler{source: &source{log: l, name: name}})
	l.loggers[name] = logger
	return logger
}

// HasHandlers tells whether the logger of a name has handlers of its own, not those of its ancestors.
func (l *Log) HasHandlers(name string) bool { return len(l.tree.Load().nodes[name].handlers) > 0 }

// Address returns the endpoint where records are published, "" if they are not.
func (l *Log) Address() string { return l.tree.Load().address() }

// Close writes and closes everything. The loggers must not be used any more.
func (l *Log) Close() error {
	l.changing.Lock()
	defer l.changing.Unlock()
	var errs []error
	for _, t := range l.tree.Load().targets {
		errs = append(errs, t.sink.close())
	}
	l.ending.Wait()
	return errors.Join(errs...)
}
