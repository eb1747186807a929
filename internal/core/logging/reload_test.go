package logging

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
)

// fileAt returns a section whose records go to a file, which may be absolute.
func fileAt(path, more string) string {
	return `
logging:
  version: 1
  handlers:
    file: {class: logging.handlers.WatchedFileHandler, filename: ` + path + more + `}
  root: {level: DEBUG, handlers: [file]}
`
}

func TestEveryRecordIsInOneFileOnceWhateverIsReloadedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	var configs []*config.Config
	for _, name := range []string{"a.log", "b.log"} {
		configs = append(configs, load(t, fileAt(filepath.Join(dir, name), "")))
	}
	bad := load(t, fileAt("/no/such/directory/x.log", ""))
	l := open(t, configs[0], "manager", Daemon, Options{})
	l.dir = dir
	const writers, each = 8, 2000
	var wg sync.WaitGroup
	for w := range writers {
		logger := l.Logger(fmt.Sprint("logger", w%3)).With("w", w)
		wg.Go(func() {
			for i := range each {
				logger.Info("m", "i", i)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	reloads := 0
	for running := true; running || reloads < 10; reloads++ {
		if err := l.Reload(configs[1-reloads%2]); err != nil {
			t.Fatal(err)
		}
		if err := l.Reload(bad); err == nil {
			t.Fatal("got no error for a file that cannot be opened")
		}
		select {
		case <-done:
			running = false
		default:
		}
	}
	seen := map[string]int{}
	for _, text := range l.files(t, "?.log") {
		for line := range strings.Lines(text) {
			seen[line]++
		}
	}
	for w := range writers {
		for i := range each {
			line := fmt.Sprintf("m w=%d i=%d\n", w, i)
			if seen[line] != 1 {
				t.Errorf("after %d reloads: got %d of %q, want 1", reloads, seen[line], line)
			}
			delete(seen, line)
		}
	}
	if len(seen) > 0 {
		t.Errorf("got lines that nobody wrote: %v", seen)
	}
}

func TestARecordDoesNotGoToAConfigurationThatIsOver(t *testing.T) {
	l := open(t, load(t, localFile), "manager", Daemon, Options{})
	old := l.tree.Load()
	next, err := l.build(load(t, localFile), old)
	if err != nil {
		t.Fatal(err)
	}
	old.end() // a record that has just asked for the configuration in use has this one
	held := make(chan *tree)
	go func() { held <- l.hold() }()
	select {
	case <-held:
		t.Fatal("got the configuration that is over")
	case <-time.After(20 * time.Millisecond): // it waits for the next
	}
	l.tree.Store(next)
	if got := <-held; got != next {
		t.Error("got the configuration that is over, want the next")
	}
	next.release()
}

func TestAReloadTakesOverLevelsHandlersAndWarnings(t *testing.T) {
	l := open(t, load(t, "logging: {version: 1, handlers: {c: {class: logging.StreamHandler}}, root: {level: ERROR, handlers: [c]}}\n"), "manager", Daemon, Options{})
	logger := l.Logger("checklist")
	logger.Info("before")
	if l.HasHandlers("checklist") {
		t.Error("got handlers of its own before the reload, want none")
	}
	err := l.Reload(load(t, "logging: {version: 1, handlers: {c: {class: logging.StreamHandler, stream: ext://sys.stdout, filters: [x]}}, loggers: {checklist: {level: INFO, handlers: [c]}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !l.HasHandlers("checklist") {
		t.Error("got no handlers of its own after the reload, want some")
	}
	logger.Info("after")
	want(t, "stdout", l.out.String(), "after\n")
	if got := l.err.String(); !strings.Contains(got, "filters: are not used") {
		t.Errorf("got stderr %q, want the warning of the new section: nothing writes the manager's records, so they go there", got)
	}
}

func TestAReloadOfAWrongSectionChangesNothing(t *testing.T) {
	l := open(t, load(t, localFile), "manager", Daemon, Options{})
	err := l.Reload(load(t, "logging: {version: 2}\n"))
	var errs config.Errors
	if !errors.As(err, &errs) || len(errs) != 1 {
		t.Errorf("got %v, want one error with its place", err)
	}
	l.Logger("manager").Info("goes on")
	want(t, "file", l.file(t, "x.log"), "INFO [manager] goes on\n")
}

func TestAReloadDoesNotEmptyAFileOfModeW(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	l := open(t, load(t, fileAt(path, ", mode: w")), "manager", Daemon, Options{})
	l.Logger("manager").Info("one")
	if err := l.Reload(load(t, fileAt(path, ", mode: w"))); err != nil {
		t.Fatal(err)
	}
	l.Logger("manager").Info("two")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "file", string(text), "one\ntwo\n")
}

func TestAReloadKeepsThePortOrBindsTheNewOne(t *testing.T) {
	one, two := freePort(t), freePort(t)
	section := func(port int) *config.Config { return loadPorts(t, publisherSection, fmt.Sprintf("manager: %d", port)) }
	fromOne, fromTwo := subscribe(t, one), subscribe(t, two)
	l := open(t, section(one), "manager", Daemon, Options{})
	logger := l.Logger("manager")
	for i := range 100 {
		logger.Info(fmt.Sprint(i))
		if i%20 == 10 {
			if err := l.Reload(section(one)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 100 {
		want(t, "port kept", readLine(t, fromOne), fmt.Sprintf(`(b'manager.INFO', b'%d\n')`, i))
	}

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = l.Reload(section(taken.Addr().(*net.TCPAddr).Port))
	if err == nil || !strings.Contains(err.Error(), "zmq: ports: logging: unable to find port") {
		t.Errorf("got %v, want an error that says that the port is taken", err)
	}
	badFile := strings.Replace(publisherSection, "    root:", "      x: {class: logging.FileHandler, filename: /no/such/x.log}\n    root:", 1)
	if err := l.Reload(loadPorts(t, badFile, fmt.Sprintf("manager: %d", one))); err == nil {
		t.Error("got no error for a file that cannot be opened")
	}
	want(t, "address", l.Address(), fmt.Sprintf("tcp://127.0.0.1:%d", one))
	logger.Info("still there")
	want(t, "port kept after an error", readLine(t, fromOne), `(b'manager.INFO', b'still there\n')`)

	moved := section(one)
	moved.ZMQ.Host = "127.0.0.2"
	if err := l.Reload(moved); err != nil {
		t.Fatal(err)
	}
	want(t, "another address", readLine(t, fromOne), fmt.Sprintf(`(b'manager.WARNING', b'log messages are published on tcp://127.0.0.1:%d and not on tcp://127.0.0.2:%d, which takes a restart\n')`, one, one))

	if err := l.Reload(section(two)); err != nil {
		t.Fatal(err)
	}
	want(t, "new port", readLine(t, fromTwo), fmt.Sprintf(`(b'manager.INFO', b'publishing logging messages to tcp://*:%d\n')`, two))
	logger.Info("here")
	want(t, "new port", readLine(t, fromTwo), `(b'manager.INFO', b'here\n')`)
	if err := l.Reload(section(one)); err != nil { // the old port is free again
		t.Fatal(err)
	}
}

func TestAWorkerWhosePortsAreTakenIsHeardByTheFeed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	section := strings.Replace(publisherSection, "    root: {", `      own: {class: logging.FileHandler, filename: own.log}
    loggers: {hindcast: {propagate: false, handlers: [own]}}
    root: {`, 1)
	for name, port := range map[string]int{"taken": taken.Addr().(*net.TCPAddr).Port, "free": freePort(t)} {
		want := name == "free"
		var got []string
		l := open(t, loadPorts(t, section, fmt.Sprintf("workers: [%d]", port)), "sleep", Worker, Options{Feed: func(r feed.LogRecord) {
			got = append(got, fmt.Sprint(r.Message, " ", r.Published))
		}})
		if bound := l.Address() != ""; bound != want {
			t.Fatalf("%s: got address %q", name, l.Address())
		}
		l.Logger("sleep").Info("published")
		l.Logger("sleep").Debug("below the level of the handler")
		l.Logger("hindcast").Info("to a file of its own")
		l.Logger("sleep").Log(t.Context(), feed.SlogLevel(25), "a level that PUBHandler has no formatter for")
		if diff := cmp.Diff([]string{fmt.Sprint("published ", want), "below the level of the handler true", "to a file of its own true",
			"a level that PUBHandler has no formatter for false"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		got = nil
		l.Announce()
		if name == "taken" {
			if len(got) != 4 || !strings.HasPrefix(got[2], "publishing log messages on the feed only") ||
				!strings.HasPrefix(got[3], "unable to find port to publish log messages to; they reach the log aggregator by the feed: ") {
				t.Errorf("got %q, want lines that say so", got)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
