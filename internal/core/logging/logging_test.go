package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
)

const localFile = `
logging:
  version: 1
  formatters:
    simple: {format: '%(levelname)s [%(name)s] %(message)s'}
  handlers:
    file: {class: logging.FileHandler, formatter: simple, filename: x.log}
  root: {level: DEBUG, handlers: [file]}
`

func TestWithoutASectionLoggingRecordsFromInfoOnGoToStderr(t *testing.T) {
	l := open(t, load(t, ""), "manager", Daemon, Options{})
	l.Logger("manager").Debug("not this")
	l.Logger("manager").Info("this")
	got := l.err.String()
	if _, err := time.Parse("2006-01-02 15:04:05,000", got[:min(23, len(got))]); err != nil {
		t.Fatalf("got %q, want it to begin with the time: %v", got, err)
	}
	want(t, "stderr", got[23:], " INFO [manager] this\n")
	want(t, "stdout", l.out.String(), "")
}

func TestAttributesFollowTheMessageOnlyWhereThereAreAny(t *testing.T) {
	for _, test := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"none", func(l *slog.Logger) { l.Info("launching sleep") }, "INFO [manager] launching sleep\n"},
		{"plain and quoted values", func(l *slog.Logger) {
			l.Error("lost", "worker", "sleep", "n", 5, "err", errors.New(`no "x"`), "empty", "", "d", 2*time.Second)
		}, `ERROR [manager] lost worker=sleep n=5 err="no \"x\"" empty="" d=2s` + "\n"},
		{"line breaks cannot forge records", func(l *slog.Logger) { l.Warn("odd", "v", "a\nERROR b") }, `WARNING [manager] odd v="a\nERROR b"` + "\n"},
		{"of With and of groups", func(l *slog.Logger) {
			l.With("a", 1).WithGroup("g").With("b", 2).Info("m", "c", 3, slog.Group("h", "d", 4))
		}, "INFO [manager] m a=1 g.b=2 g.c=3 g.h.d=4\n"},
		{"a traceback goes below", func(l *slog.Logger) {
			l.Log(t.Context(), LevelCritical, "unhandled exception:", Exc("Traceback:\n  line\nboom\n"), "worker", "x")
		}, "CRITICAL [manager] unhandled exception: worker=x\nTraceback:\n  line\nboom\n"},
		{"an empty attribute is none", func(l *slog.Logger) { l.Info("m", slog.Attr{}) }, "INFO [manager] m\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := open(t, load(t, localFile), "manager", Daemon, Options{})
			test.log(l.Logger("manager"))
			want(t, "file", l.file(t, "x.log"), test.want)
		})
	}
}

func TestTheFeedGetsEveryRecordThatPassesItsLoggersLevel(t *testing.T) {
	var got []feed.LogRecord
	l := open(t, load(t, `
logging:
  version: 1
  handlers:
    mute: {class: logging.StreamHandler, level: 100, stream: ext://sys.stdout}
  loggers:
    quiet: {level: ERROR}
  root: {level: DEBUG, handlers: [mute]}
`), "manager", Daemon, Options{Launch: 7, Feed: func(r feed.LogRecord) { got = append(got, r) }})
	l.Logger("manager").Debug("listening...", Exc("trace\n"))
	l.Logger("quiet").Warn("not this")
	l.Logger("quiet").Log(t.Context(), LevelCritical, "this", "k", "v")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	records := []feed.LogRecord{
		{Level: slog.LevelDebug, Name: "manager", Message: "listening...\ntrace", Host: host, PID: os.Getpid(), Launch: 7},
		{Level: LevelCritical, Name: "quiet", Message: "this k=v", Host: host, PID: os.Getpid(), Launch: 7},
	}
	if diff := cmp.Diff(records, got, cmpopts.IgnoreFields(feed.LogRecord{}, "Time")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if since := time.Since(got[0].Time); since < 0 || since > time.Minute || got[0].Time.Location() != time.UTC {
		t.Errorf("got time %v, want now in UTC", got[0].Time)
	}
	want(t, "stdout", l.out.String(), "")
}

func TestRecordsThatWouldGoNowhereAreNotEnabled(t *testing.T) {
	const section = `
logging:
  version: 1
  handlers:
    file: {class: logging.FileHandler, filename: x.log, level: WARNING}
  root: {level: DEBUG, handlers: [file]}
`
	l := open(t, load(t, section), "manager", Daemon, Options{})
	fed := open(t, load(t, section), "manager", Daemon, Options{Feed: func(feed.LogRecord) {}})
	for _, test := range []struct {
		logger *slog.Logger
		level  slog.Level
		want   bool
	}{
		{l.Logger("manager"), slog.LevelInfo, false}, {l.Logger("manager"), slog.LevelWarn, true},
		{fed.Logger("manager"), slog.LevelDebug, true}, {fed.Logger("manager"), slog.LevelDebug - 1, false},
	} {
		if got := test.logger.Enabled(t.Context(), test.level); got != test.want {
			t.Errorf("level %v: got %v, want %v", test.level, got, test.want)
		}
	}
}

func TestRecordsWithoutAnyHandlerGoToStderrFromWarningOnAsInPython(t *testing.T) {
	l := open(t, load(t, "logging: {version: 1, root: {level: DEBUG}}\n"), "manager", Daemon, Options{})
	l.Logger("manager").Info("not this")
	l.Logger("manager").Warn("this")
	want(t, "stderr", l.err.String(), "this\n")
}

func TestOnlyHandlersOfItsOwnMakeALoggerHaveHandlers(t *testing.T) {
	l := open(t, load(t, localFile), "manager", Daemon, Options{})
	if l.HasHandlers("checklist") {
		t.Error("got true for a logger that is not configured, want false")
	}
	l = open(t, load(t, strings.Replace(localFile, "  root:", "  loggers: {checklist: {handlers: [file]}}\n  root:", 1)), "manager", Daemon, Options{})
	if !l.HasHandlers("checklist") {
		t.Error("got false for a logger with a handler, want true")
	}
}

func TestDebugSendsEverythingToTheConsoleAndNowhereElse(t *testing.T) {
	const section = `
logging:
  publisher:
    version: 1
    formatters: {simple: {format: '%(levelname)s %(message)s'}}
    handlers:
      console: {class: logging.StreamHandler, level: 100, formatter: simple, stream: ext://sys.stdout}
      file: {class: logging.FileHandler, filename: x.log}
      zmq_pub: {class: zmq.log.handlers.PUBHandler}
    loggers: {sleep: {level: ERROR, propagate: false, handlers: [file]}}
    root: {level: INFO, handlers: [console, zmq_pub]}
`
	l := open(t, load(t, section), "sleep", Worker, Options{Debug: true})
	l.Announce()
	l.Logger("sleep").Debug("**debug mode** no connection to manager")
	want(t, "stdout", l.out.String(), fmt.Sprintf("INFO running in process %d\nINFO read config from %s\nINFO **debug mode** writing log messages to console\nDEBUG **debug mode** no connection to manager\n",
		os.Getpid(), filepath.Join(l.dir, "nowcast.yaml")))
	if _, err := os.Stat(filepath.Join(l.dir, "x.log")); err == nil {
		t.Error("got a log file, want none")
	}
}

func TestTheFirstLinesAreThoseScriptsLookFor(t *testing.T) {
	for _, test := range []struct {
		role Role
		want string
	}{
		{Daemon, "writing logging messages to local file system"},
		{Worker, "writing log messages to local file system"},
		{Aggregator, "writing logging messages to local file system"},
	} {
		l := open(t, load(t, localFile), "p", test.role, Options{})
		l.Announce()
		want(t, "file", l.file(t, "x.log"), fmt.Sprintf("INFO [p] running in process %d\nINFO [p] read config from %s\nINFO [p] %s\n",
			os.Getpid(), filepath.Join(l.dir, "nowcast.yaml"), test.want))
	}
}

func TestWhatOnlyPythonCanDoIsReportedAtStart(t *testing.T) {
	l := open(t, load(t, `
logging:
  version: 1
  formatters: {simple: {format: '%(levelname)s %(message)s'}}
  handlers:
    console: {class: logging.StreamHandler, stream: ext://sys.stdout, formatter: simple, filters: [mine]}
  root: {level: DEBUG, handlers: [console]}
`), "manager", Daemon, Options{})
	l.Announce()
	lines := strings.Split(strings.ReplaceAll(l.out.String(), l.dir, "DIR"), "\n")
	want(t, "warnings", strings.Join(lines[3:], "\n"),
		"WARNING DIR/nowcast.yaml:12: logging: handlers: console: filters: are not used: they are Python code, which is not run here: delete them\n")
}

func TestMistakesInTheSectionAreErrorsWithLineKeyAndRemedy(t *testing.T) {
	for _, test := range []struct{ name, section, want string }{
		{"an unknown class", "handlers: {x: {class: sentry.Handler}}", `logging: handlers: x: class: is sentry.Handler, which is not known here: use one of logging.FileHandler, logging.NullHandler`},
		{"no class", "handlers: {x: {level: INFO}}", "logging: handlers: x: has no class: use one of"},
		{"a factory", "handlers: {x: {(): my.factory}}", "logging: handlers: x: (): is 'my.factory', Python code which is not run here"},
		{"an argument that the class has not", "handlers: {x: {class: logging.StreamHandler, filename: a}}", "logging: handlers: x: filename: is not an argument of logging.StreamHandler"},
		{"a level that is none", "handlers: {x: {class: logging.StreamHandler, level: LOUD}}", "logging: handlers: x: level: is 'LOUD', not a level: give DEBUG"},
		{"a stream that is none", "handlers: {x: {class: logging.StreamHandler, stream: sys.stdout}}", `stream: is "sys.stdout": write ext://sys.stdout`},
		{"a formatter that is not there", "handlers: {x: {class: logging.StreamHandler, formatter: simple}}", `formatter: is "simple", which is not there`},
		{"no file name", "handlers: {x: {class: logging.FileHandler}}", "logging: handlers: x: filename: is missing"},
		{"a mode that does not log", "handlers: {x: {class: logging.FileHandler, filename: a, mode: r}}", `mode: is "r"`},
		{"an encoding that is not ours", "handlers: {x: {class: logging.FileHandler, filename: a, encoding: latin1}}", `encoding: is "latin1"`},
		{"a count that is none", "handlers: {x: {class: logging.handlers.RotatingFileHandler, filename: a, maxBytes: -1}}", "maxBytes: is -1: give a number"},
		{"a period that is none", "handlers: {x: {class: logging.handlers.TimedRotatingFileHandler, filename: a, when: W7}}", `when: is "W7": write S, M, H, D, midnight`},
		{"no period", "handlers: {x: {class: logging.handlers.TimedRotatingFileHandler, filename: a, interval: 0}}", "interval: is 0: give a number above 0"},
		{"a time that YAML reads as a number", "handlers: {x: {class: logging.handlers.TimedRotatingFileHandler, filename: a, when: midnight, atTime: 17:30}}", "atTime: is 1050: write a time of day in quotes"},
		{"no mail server", "handlers: {x: {class: logging.handlers.SMTPHandler, fromaddr: a@b, toaddrs: c@d, subject: s}}", "mailhost: is missing or neither"},
		{"no subject", "handlers: {x: {class: logging.handlers.SMTPHandler, mailhost: h, fromaddr: a@b, toaddrs: c@d}}", "subject: is missing"},
		{"addresses that are none", "handlers: {x: {class: logging.handlers.SMTPHandler, mailhost: h, fromaddr: a@b, toaddrs: [1], subject: s}}", "toaddrs: is missing or not a list of addresses"},
		{"credentials of one", "handlers: {x: {class: logging.handlers.SMTPHandler, mailhost: h, fromaddr: a@b, toaddrs: c@d, subject: s, credentials: [u]}}", "credentials: is not a list of two texts"},
		{"a tuple that YAML does not have", "handlers: {x: {class: logging.handlers.SMTPHandler, mailhost: h, fromaddr: a@b, toaddrs: c@d, subject: s, secure: ()}}", "secure: is '()': write []"},
		{"a facility that is none", "handlers: {x: {class: logging.handlers.SysLogHandler, facility: loud}}", "facility: is not a facility of syslog: write one of kern"},
		{"an address without a port", "handlers: {x: {class: logging.handlers.SysLogHandler, address: [localhost]}}", "address: is ['localhost']: write the path of a socket"},
		{"a kind of socket that is none", "handlers: {x: {class: logging.handlers.SysLogHandler, socktype: SOCK_RAW}}", "socktype: is 'SOCK_RAW': write ext://socket.SOCK_DGRAM"},
		{"a Python object", "handlers: {x: {class: logging.FileHandler, filename: cfg://handlers.y.filename}}", `filename: is "cfg://handlers.y.filename", which only Python can look up`},
		{"a field that records do not have", "formatters: {f: {format: '%(host)s'}}", `formatters: f: format: "%(host)s" names host, which is no attribute of a record`},
		{"a format without a field", "formatters: {f: {format: 'x'}}", "has no field of the record in it"},
		{"a format that is cut off", "formatters: {f: {format: '%(message'}}", `cannot be understood from "%(message" on`},
		{"text written as a number", "formatters: {f: {format: '%(message)d'}}", "which Python cannot write either: use %(message)s"},
		{"a style that is none", "formatters: {f: {format: '%(message)s', style: '?'}}", `style "?" is none of`},
		{"a formatter class", "formatters: {f: {class: my.Formatter}}", "formatters: f: class: is Python code"},
		{"a logger with a handler that is not there", "loggers: {a: {handlers: [x]}}", `logging: loggers: a: handlers: has "x", which is not there`},
		{"handlers that are no list", "root: {handlers: x}", "logging: root: handlers: is not a list"},
		{"a section that is no mapping", "handlers: [x]", "logging: handlers: is a list, not a mapping"},
		{"an entry that is no mapping", "loggers: {a: x}", "logging: loggers: a: is not a mapping"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := tryLoad(t, "logging:\n  version: 1\n  "+test.section+"\n")
			if err == nil {
				_, err = Open(c, "manager", Daemon, Options{Stderr: &bytes.Buffer{}})
			}
			var errs config.Errors
			if !errors.As(err, &errs) || len(errs) != 1 || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got  %v\nwant one error with %s", err, test.want)
			}
			if errs[0].Line == 0 || errs[0].Remedy == "" {
				t.Errorf("got %#v, want a line and a remedy", errs[0])
			}
		})
	}
}

func TestAVersionIsNeeded(t *testing.T) {
	_, err := Open(load(t, "logging: {root: {}}\n"), "manager", Daemon, Options{})
	if err == nil || !strings.Contains(err.Error(), "logging: version: is missing: write version: 1") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatCannotBeOpenedIsAnErrorThatNamesHandlerAndFile(t *testing.T) {
	c := load(t, strings.Replace(localFile, "x.log", "no/such/x.log", 1))
	_, err := Open(c, "manager", Daemon, Options{})
	path := filepath.Join(filepath.Dir(c.File), "no/such/x.log")
	if err == nil || !strings.Contains(err.Error(), "logging: handlers: file: cannot be opened: open "+path) || !strings.Contains(err.Error(), "make its directory") {
		t.Errorf("got %v", err)
	}
}

func TestAnAggregatorWithoutASectionOfItsOwnSaysSoAndLogsToStderr(t *testing.T) {
	l := open(t, load(t, "logging: {publisher: {version: 1}}\n"), "log_aggregator", Aggregator, Options{})
	l.Announce()
	if got := l.err.String(); !strings.Contains(got, "logging: aggregator: is missing, so log messages go to stderr") {
		t.Errorf("got %q", got)
	}
}

func TestGoroutinesMayShareALogger(t *testing.T) {
	var fed atomic.Int64
	l := open(t, load(t, localFile), "manager", Daemon, Options{Feed: func(feed.LogRecord) { fed.Add(1) }})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			logger := l.Logger("manager").With("g", g)
			for i := range 200 {
				logger.Info("m", "i", i)
			}
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSuffix(l.file(t, "x.log"), "\n"), "\n")
	slices.Sort(lines)
	if n := len(slices.Compact(lines)); n != 1600 || fed.Load() != 1600 {
		t.Errorf("got %d different lines and %d records on the feed, want 1600", n, fed.Load())
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "INFO [manager] m g=") {
			t.Errorf("got line %q", line)
		}
	}
}

func TestNamesOfLevelsAreThoseOfPython(t *testing.T) {
	for level, name := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG", slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR", LevelCritical: "CRITICAL", 2: "Level 25", -8: "NOTSET",
	} {
		want(t, "level", feed.PythonLevelName(feed.PythonLevel(level)), name)
	}
}
