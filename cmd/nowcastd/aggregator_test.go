package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// publishedLogging is what production has: everything is published, and the aggregator writes two files.
const publishedLogging = `
logging:
  publisher:
    version: 1
    handlers:
      zmq_pub:
        class: zmq.log.handlers.PUBHandler
        level: DEBUG
    root:
      level: DEBUG
      handlers: [zmq_pub]
  aggregator:
    version: 1
    formatters:
      simple:
        format: '%(asctime)s %(levelname)s [%(logger_name)s] %(message)s'
    handlers:
      info_text:
        class: logging.handlers.RotatingFileHandler
        level: INFO
        formatter: simple
        filename: $(NOWCAST.ENV.NOWCAST_LOGS)/nowcast.log
        backupCount: 7
      debug_text:
        class: logging.handlers.RotatingFileHandler
        level: DEBUG
        formatter: simple
        filename: $(NOWCAST.ENV.NOWCAST_LOGS)/nowcast.debug.log
        backupCount: 7
    root:
      level: DEBUG
      handlers: [info_text, debug_text]
`

// newPublishing is a system with distributed logging, and the given ports of zmq: ports: logging.
func newPublishing(t testing.TB, ports string) *system {
	t.Helper()
	s := newSystem(t, pythonWorkers+"\n    sleep: {checklist key: sleep, success: slept, failure: did not, crash: crashed}\n", pythonRules+"\nafter_sleep = after_peer\n")
	text := s.read("nowcast.yaml")
	begin, end := strings.Index(text, "\nlogging:"), strings.Index(text, "\nmessage registry:")
	zmq := fmt.Sprintf("    workers: %d\n", s.port)
	text = text[:begin] + publishedLogging + text[end:]
	s.write("nowcast.yaml", strings.Replace(text, zmq, zmq+"    logging:\n"+ports, 1))
	s.env = []string{"NOWCAST_LOGS=" + s.dir}
	return s
}

// pythonProcess is a Python program of testdata that is told what to do on its stdin.
type pythonProcess struct {
	*exec.Cmd
	stdin io.WriteCloser
}

func (s *system) interpreter(script string, env []string, args ...string) *pythonProcess {
	s.t.Helper()
	file, err := filepath.Abs(filepath.Join("../../testdata/python", script))
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command("/usr/bin/python3", append([]string{file}, args...)...)
	c.Dir, c.Env, c.Stderr = s.dir, append(s.environ(), env...), &output{}
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		s.t.Fatalf("start python with zmq and yaml (Debian: python3-zmq, python3-yaml): %v", err)
	}
	s.t.Cleanup(func() {
		in.Close()
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", script, c.Stderr)
		}
	})
	return &pythonProcess{c, in}
}

func (p *pythonProcess) tell(t testing.TB, records [][]any) {
	t.Helper()
	text, err := json.Marshal(records)
	if err == nil {
		_, err = p.stdin.Write(append(text, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// received is what an aggregator puts before each record.
var received = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `)

// linesOf returns the records of some publishers in a log file, without the time of receipt.
func linesOf(log string, names ...string) (records []string) {
	for _, r := range received.Split(log, -1) {
		for _, name := range names {
			if strings.Contains(r, " ["+name+"] ") && !strings.HasSuffix(r, "hello\n") {
				records = append(records, r)
			}
		}
	}
	return records
}

func TestTheAggregatorWritesWhatPythonsWrites(t *testing.T) {
	t.Parallel()
	ports := []int{freePort(t), freePort(t), freePort(t)}
	s := newPublishing(t, fmt.Sprintf("      manager: %d\n      workers: [%d, 127.0.0.1:%d]\n", ports[0], ports[1], ports[2]))
	s.start("broker")
	s.start("log-aggregator")
	theirs := shortDir(t)
	s.interpreter("aggregator.py", []string{"NOWCAST_LOGS=" + theirs}, s.config)
	read := func(theirFile string) (string, string) {
		return s.read(theirFile), (&system{dir: theirs}).read(theirFile)
	}
	both := func(what, text string) {
		t.Helper()
		s.eventually(what, func() bool {
			ours, their := read("nowcast.debug.log")
			return strings.Contains(ours, text) && strings.Contains(their, text)
		})
	}
	names := []string{"manager", "make_plots", "peer"}
	var publishers []*pythonProcess
	for _, name := range names {
		p := s.interpreter("publisher.py", nil, s.config, name)
		both("the subscription of "+name, "["+name+"] hello")
		publishers = append(publishers, p)
	}
	for i, p := range publishers {
		p.tell(t, [][]any{
			{"INFO", "launching make_plots", nil}, {"DEBUG", "cmd = ['python3', '-m', 'x']", nil}, {"WARNING", "", nil}, {"ERROR", "with\ttab", nil},
			{"INFO", "checklist:\n{'a': 1,\n 'b': [2]}", nil}, {"INFO", "ends with newlines\n\n", nil}, {"ERROR", "Überlauf 日本 \U0001f30a é\u2028", nil},
			{"CRITICAL", "unhandled exception:", "no such\nfile"}, {"INFO", "\x1b[31mred\x07\r", nil}, {"INFO", strings.Repeat("long ", 200_000), nil}, {"INFO", "100% " + fmt.Sprint(i), nil},
		})
		both("the end of "+names[i], "["+names[i]+"] goodbye")
	}
	for _, file := range []string{"nowcast.log", "nowcast.debug.log"} {
		ours, their := read(file)
		for _, name := range names { // lines of different publishers may come in another order
			want := linesOf(their, name)
			if len(want) < 10 {
				t.Fatalf("got %d records of %s from Python's aggregator:\n%.1000s", len(want), name, their)
			}
			if diff := cmp.Diff(want, linesOf(ours, name)); diff != "" {
				t.Errorf("%s, %s: (-Python +ours):\n%.3000s", file, name, diff)
			}
		}
	}
	// Who is not on the feed is put there, and in the history.
	var found bool
	s.eventually("the history", func() bool {
		for _, r := range s.records("make_plots") {
			found = found || r.Message == "launching make_plots"
		}
		return found
	})
	s.logged(t, 0, "INFO", "[log_aggregator]", fmt.Sprintf("subscribed to 127.0.0.1 port %d for all messages from manager", ports[0]))
	s.logged(t, 0, "INFO", "[log_aggregator]", fmt.Sprintf("subscribed to 127.0.0.1 port %d for all messages from workers", ports[2]))
}

func TestEachRecordOfOursIsOnceInTheFilesAndOnceInTheHistory(t *testing.T) {
	t.Parallel()
	ports := fmt.Sprintf("      message_broker: %d\n      manager: %d\n      workers: [%d]\n", freePort(t), freePort(t), freePort(t))
	s := newPublishing(t, ports)
	s.start("broker")
	aggregator := s.start("log-aggregator")
	s.start("manager")
	// One of them finds no port, and the other aggregator has no frames of it.
	first := s.launch("nemo_nowcast.workers.sleep", "--sleep-time", "1")
	second := s.launch("nemo_nowcast.workers.sleep", "--sleep-time", "1")
	for _, id := range []int64{first.ID, second.ID} {
		s.reaches(id, "its end", func(l launch.Launch) bool { return l.State.Final() })
	}
	s.eventually("both records", func() bool { return len(linesOf(s.read("nowcast.log"), "sleep")) >= 2 && len(sleptRecords(s)) >= 2 })
	if got := strings.Count(s.read("nowcast.log"), "[sleep] slept for 1 seconds"); got != 2 {
		t.Errorf("got %d lines in the file, want 2", got)
	}
	for _, r := range sleptRecords(s) {
		if r.Launch != first.ID && r.Launch != second.ID || r.PID == 0 {
			t.Errorf("got %+v, want a launch and a process id", r)
		}
	}
	if got := len(sleptRecords(s)); got != 2 {
		t.Errorf("got %d records in the history, want 2", got)
	}
	if got := strings.Count(s.read("nowcast.log"), "[log_aggregator] running in process"); got != 1 {
		t.Errorf("got %d lines of the aggregator's own, want 1", got)
	}
	aggregator.Process.Signal(syscall.SIGHUP) // what it says before it has the broker is in the file only
	isOwn := func(r feed.LogRecord) bool { return strings.HasPrefix(r.Message, "hangup signal") }
	s.eventually("the aggregator's own record in the history", func() bool { return slices.ContainsFunc(s.records("log_aggregator"), isOwn) })
}

func sleptRecords(s *system) (found []feed.LogRecord) {
	for _, r := range s.records("sleep") {
		if strings.HasPrefix(r.Message, "slept for") {
			found = append(found, r)
		}
	}
	return found
}

func TestTheHistoryOutlivesTheAggregator(t *testing.T) {
	t.Parallel()
	s := newAny(t)
	s.start("broker")
	aggregator := s.start("log-aggregator")
	if out, code := s.run("log-aggregator", s.config); code == 0 || !strings.Contains(out, "another log aggregator works with") || !strings.Contains(out, "stop it first") {
		t.Errorf("a second log aggregator: got exit code %d and %q", code, out)
	}
	s.start("manager")
	l := s.launch("any", "true", "first-one")
	s.reaches(l.ID, "its end", func(l launch.Launch) bool { return l.State.Final() })
	s.eventually("the record", func() bool { return strings.Contains(s.must("logs", "--search", "first-one", s.config), "first-one") })
	aggregator.Process.Kill()
	aggregator.Wait()
	cut := time.Now()
	s.start("log-aggregator")
	s.launch("any", "true", "second-one")
	s.eventually("the record of the second life", func() bool { return strings.Contains(s.must("logs", "--search", "second-one", s.config), "second-one") })
	for _, test := range []struct {
		args       []string
		has, lacks string
	}{
		{[]string{"--search", "FIRST-one"}, "first-one", "second-one"},
		{[]string{"--since", "1h"}, "first-one", "no such text"},
		{[]string{"--since", "1h", "--last", "100000"}, "second-one", "no such text"},
		{[]string{"--since", cut.Format(time.RFC3339Nano)}, "second-one", "first-one"},
		{[]string{"--until", cut.Format(time.RFC3339Nano)}, "first-one", "second-one"},
	} {
		got := s.must(append(append([]string{"logs"}, test.args...), s.config)...)
		if !strings.Contains(got, test.has) || strings.Contains(got, test.lacks) {
			t.Errorf("logs %s: got\n%s\nwant %s and not %s", test.args, got, test.has, test.lacks)
		}
	}
	for _, args := range [][]string{{"--since", "yesterday"}, {"--last", "0"}, {"--level", "LOUD"}} {
		if out, code := s.run(append(append([]string{"logs"}, args...), s.config)...); code != exitUsage || !strings.Contains(out, args[0]) {
			t.Errorf("logs %s: got exit code %d and %q", args, code, out)
		}
	}
}

// TestLogsArePagedThrough has more records than one answer takes, from an earlier life of the aggregator.
func TestLogsArePagedThroughInOrderAndAnInterruptEndsIt(t *testing.T) {
	t.Parallel()
	s := newAny(t)
	const records = 45_000
	begun := time.Now().Add(-records * time.Second)
	dir := filepath.Join(s.dir, ".nowcast")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	past := history.Open(history.Options{Dir: filepath.Join(dir, "logs"), Limit: 1 << 30, Logger: slog.New(slog.DiscardHandler)})
	var all []feed.LogRecord
	for i := range records {
		all = append(all, feed.LogRecord{Time: begun.Add(time.Duration(i) * time.Second), Name: "make_plots", Message: fmt.Sprint("plot ", i)})
	}
	past.Add(all)
	past.Close()
	s.start("broker")
	s.start("log-aggregator")
	for _, test := range []struct {
		args        []string
		first, last int
	}{
		{[]string{"-n", "30000"}, 15_000, records - 1},
		{[]string{"--since", "30h"}, 0, records - 1},
		{[]string{"--since", begun.Add(7 * time.Second).Format(time.RFC3339Nano), "--until", begun.Add(44_000 * time.Second).Format(time.RFC3339Nano)}, 7, 44_000},
		{[]string{"--search", "PLOT 4499"}, 4499, 44_999},
	} {
		var got []int
		for line := range strings.Lines(s.must(append(append([]string{"logs", "--name", "make_plots"}, test.args...), s.config)...)) {
			var i int
			if _, after, ok := strings.Cut(line, "] plot "); ok {
				fmt.Sscan(after, &i)
				got = append(got, i)
			}
		}
		if len(got) == 0 || got[0] != test.first || got[len(got)-1] != test.last || !slices.IsSorted(got) {
			t.Fatalf("logs %s: got %d records, want them in order from %d to %d", test.args, len(got), test.first, test.last)
		}
		if n := test.last - test.first + 1; test.args[0] != "--search" && len(got) != n {
			t.Errorf("logs %s: got %d records, want %d", test.args, len(got), n)
		}
	}
	follow := exec.Command(built(t), "logs", "--since", "30h", "-f", s.config)
	out := &output{}
	follow.Dir, follow.Stdout = s.dir, out
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	s.eventually("the first page", func() bool { return strings.Contains(out.String(), "plot 100\n") })
	follow.Process.Signal(syscall.SIGINT)
	follow.Wait()
	if got := follow.ProcessState.ExitCode(); got != exitStopped {
		t.Errorf("interrupted: got exit code %d, want %d", got, exitStopped)
	}
}

func TestTheAggregatorFollowsItsConfigurationOnSIGHUP(t *testing.T) {
	t.Parallel()
	port, other := freePort(t), freePort(t)
	s := newPublishing(t, fmt.Sprintf("      manager: %d\n", port))
	s.start("broker")
	aggregator := s.start("log-aggregator")
	p := s.interpreter("publisher.py", nil, s.config, "manager")
	s.eventually("the first subscription", func() bool { return strings.Contains(s.read("nowcast.debug.log"), "[manager] hello") })
	p.tell(t, nil)
	good := s.read("nowcast.yaml")
	hangup := func(yaml string, texts ...string) {
		t.Helper()
		before := len(s.read("nowcast.log"))
		s.write("nowcast.yaml", yaml)
		aggregator.Process.Signal(syscall.SIGHUP)
		s.logged(t, before, texts...)
	}
	hangup(strings.Replace(good, "  workers:\n", "  workers: 7\n  was:\n", 1), "ERROR", "stays in use")
	line := fmt.Sprintf("      manager: %d\n", port)
	changed := strings.Replace(good, line, fmt.Sprintf("      scheduler: %d\n", other), 1)
	hangup(changed, "INFO", fmt.Sprintf("subscribed to 127.0.0.1 port %d for all messages from scheduler", other))
	s.logged(t, 0, "INFO", fmt.Sprintf("no longer subscribed to 127.0.0.1 port %d for messages from manager", port))
	s.interpreter("publisher.py", nil, s.config, "scheduler")
	s.eventually("the second subscription", func() bool { return strings.Contains(s.read("nowcast.debug.log"), "[scheduler] hello") })
	renamed := strings.ReplaceAll(changed, "nowcast.debug.log", "other.log")
	s.write("nowcast.yaml", renamed)
	aggregator.Process.Signal(syscall.SIGHUP)
	s.eventually("the other file", func() bool { return strings.Contains(s.read("other.log"), "[scheduler] hello") })
}
