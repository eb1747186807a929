package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/message"
)

// With distributed logging everybody publishes, and writes the same records to local.log. What the aggregator writes must be the
// same, for each process.
const mixedDistributedLogging = `logging:
  aggregator:
    version: 1
    disable_existing_loggers: False
    formatters:
      simple: {format: '%(asctime)s %(levelname)s [%(logger_name)s] %(message)s'}
    handlers:
      info_text:
        class: logging.handlers.RotatingFileHandler
        level: INFO
        formatter: simple
        filename: $(NOWCAST.ENV.NOWCAST_DIR)/nowcast.log
        backupCount: 2
      debug_text:
        class: logging.handlers.RotatingFileHandler
        level: DEBUG
        formatter: simple
        filename: $(NOWCAST.ENV.NOWCAST_DIR)/nowcast.debug.log
        backupCount: 2
    root: {level: DEBUG, handlers: [info_text, debug_text]}
  publisher:
    version: 1
    disable_existing_loggers: False
    formatters:
      simple: {format: '%(asctime)s %(levelname)s [%(name)s] %(message)s'}
    handlers:
      zmq_pub: {class: zmq.log.handlers.PUBHandler, level: DEBUG, formatter: simple}
      local:
        class: logging.FileHandler
        level: DEBUG
        formatter: simple
        filename: $(NOWCAST.ENV.NOWCAST_DIR)/local.log
    root: {level: DEBUG, handlers: [zmq_pub, local]}
`

func newMixedDistributed(t testing.TB) *system {
	t.Helper()
	s := newMixed(t, mixedDistributedLogging)
	var ports []string
	for range 8 {
		ports = append(ports, fmt.Sprint(freePort(t)))
	}
	s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "  ports:\n", fmt.Sprintf(
		"  ports:\n    logging: {message_broker: %d, manager: %d, workers: [%s], verify: '127.0.0.1:%d', talks: ['127.0.0.1:%d']}\n",
		freePort(t), freePort(t), strings.Join(ports, ", "), freePort(t), freePort(t)), 1))
	return s
}

// aggregator starts a log aggregator and waits until it has subscribed.
func (s *system) aggregator(of side) {
	s.t.Helper()
	if of == ours {
		s.start("log-aggregator")
	} else {
		s.python("aggregator.py")
	}
	s.logged(s.t, 0, "INFO [log_aggregator] subscribed to 127.0.0.1 port ", "for all messages from talks")
}

// TestThePythonAggregatorWritesWhatWePublish has everything ours but the aggregator and the workers that are launched.
func TestThePythonAggregatorWritesWhatWePublish(t *testing.T) {
	t.Parallel()
	s := newMixedDistributed(t)
	s.aggregator(python)
	broker, manager := s.start("broker"), s.start("manager")
	s.playPublishedDay(ours)
	manager.stop()
	broker.stop()
	s.sameInTheEnd(func(local, aggregated map[string][]string) string {
		for _, name := range []string{"message_broker", "manager", "sleep", "clear_checklist", "awaken"} {
			if diff := cmp.Diff(local[name], aggregated[name]); diff != "" || len(local[name]) < 6 {
				return fmt.Sprintf("%s: local.log and the aggregator's file (-local +aggregated):\n%s", name, diff)
			}
		}
		return ""
	})
}

// TestOurAggregatorWritesWhatPythonPublishes has everything Python's but the aggregator. What Python publishes before the aggregator
// has found it is lost, with any aggregator.
func TestOurAggregatorWritesWhatPythonPublishes(t *testing.T) {
	t.Parallel()
	s := newMixedDistributed(t)
	s.aggregator(ours)
	broker, manager := s.python("broker.py"), s.python("manager.py")
	r := s.requester()
	s.eventually("a record of the manager", func() bool {
		ask(t, r, message.Message{Source: "stranger", Type: "success"})
		return strings.Contains(s.read("nowcast.log"), "[manager]")
	})
	s.playPublishedDay(python)
	sign := filepath.Join(s.dir, "sign")
	talks := s.pythonWorker("talks", sign, "--subtopics")
	s.eventually("a record of the worker", func() bool { return strings.Contains(s.read("nowcast.debug.log"), "[talks] is anybody there?") })
	s.write("sign", "")
	if err := talks.Wait(); err != nil {
		t.Fatalf("talks: %v\n%s", err, talks.output)
	}
	manager.stop()
	broker.stop()
	s.sameInTheEnd(func(local, aggregated map[string][]string) string {
		for name, from := range map[string]string{
			"manager": "DEBUG received message from sleep: (success) it slept\n", "talks": "DEBUG level 10\n",
			"message_broker": "INFO termination signal (SIGTERM) received; shutting down\n",
		} {
			want, got := after(local[name], from), after(aggregated[name], from)
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				return fmt.Sprintf("%s, from %s on: local.log and the aggregator's file (-local +aggregated):\n%s", name, from, diff)
			}
		}
		return ""
	})
	// A record of another logger comes under the name of its process, and INFO files have no DEBUG.
	if log := s.read("nowcast.log"); strings.Contains(log, " DEBUG [") || !strings.Contains(log, "WARNING [talks] of a library\n") {
		t.Errorf("got the INFO file\n%.2000s\nwant no DEBUG, and the library's WARNING under the process's name", log)
	}
}

// TestOurWorkerRotatesTheFilesOfPythonDaemons: they go on in new files, and the Python manager has the list of the old ones.
func TestOurWorkerRotatesTheFilesOfPythonDaemons(t *testing.T) {
	t.Parallel()
	s := newMixedDistributed(t)
	s.aggregator(python)
	s.python("broker.py")
	s.python("manager.py")
	s.work(ours, "awaken")
	s.work(ours, "rotate_logs")
	s.eventually("the new file", func() bool {
		s.work(ours, "awaken")
		return strings.Contains(s.read("nowcast.log"), "INFO [awaken] awoke\n")
	})
	if old := s.read("nowcast.log.1"); !strings.Contains(old, "INFO [log_aggregator] subscribed to") {
		t.Errorf("got nowcast.log.1\n%s\nwant what was written before", old)
	}
	if info, err := os.Stat(filepath.Join(s.dir, "nowcast.log")); err != nil || info.Mode() != 0o664 {
		t.Errorf("got the new file %v (%v), want one with mode rw-rw-r--", info, err)
	}
	want := fmt.Sprintf("{'log files': ['%s/nowcast.log', '%[1]s/nowcast.debug.log']}", s.dir)
	if got := s.safeLoad("checklist.yaml"); !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
		t.Errorf("got the checklist\n%swant %s in it", got, want)
	}
}

// after returns the records from a certain one on.
func after(records []string, first string) []string {
	i := slices.Index(records, first)
	if i < 0 {
		return nil
	}
	return records[i:]
}

// playPublishedDay plays the day without the messages of strangers.
func (s *system) playPublishedDay(workers side) {
	s.t.Helper()
	s.playChain(workers)
	s.work(workers, "clear_checklist")
	s.work(workers, "awaken")
}

// sameInTheEnd waits until what the aggregator has written is as it should be; differs says in what it is not.
func (s *system) sameInTheEnd(differs func(local, aggregated map[string][]string) string) {
	s.t.Helper()
	difference := ""
	if !within(func() bool {
		difference = differs(recorded(s.read("local.log")), recorded(s.read("nowcast.debug.log")))
		return difference == ""
	}) {
		s.t.Errorf("%.5000s\n", difference)
	}
}
