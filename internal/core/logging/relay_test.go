package logging

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/feed"
)

const aggregatorSection = `
logging:
  publisher: {version: 1}
  aggregator:
    version: 1
    formatters:
      simple: {format: '%(asctime)s %(levelname)s [%(logger_name)s] %(name)s %(message)s'}
      short: {format: '%(message)s', datefmt: '%H'}
    handlers:
      info: {class: logging.handlers.RotatingFileHandler, level: INFO, formatter: simple, filename: info.log, backupCount: 7}
      debug: {class: logging.handlers.RotatingFileHandler, level: DEBUG, formatter: simple, filename: debug.log, backupCount: 7}
      bad: {class: logging.FileHandler, level: ERROR, formatter: short, filename: bad.log}
      out: {class: logging.StreamHandler, level: 100, stream: ext://sys.stdout}
      daily: {class: logging.handlers.TimedRotatingFileHandler, level: WARNING, formatter: short, filename: daily.log, when: midnight}
    root: {level: 15, handlers: [info, debug, bad, out, daily]}
`

// TestRelayWritesWhatTheHandlersWouldWriteOneByOne compares batches with single records of the same kind.
func TestRelayWritesWhatTheHandlersWouldWriteOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	batch := open(t, load(t, aggregatorSection), "log_aggregator", Aggregator, Options{Feed: func(r feed.LogRecord) { t.Errorf("got %v on the feed, want nothing", r) }})
	single := open(t, load(t, aggregatorSection), "log_aggregator", Aggregator, Options{})
	at := time.Now()
	for n := range 200 {
		var records []Relayed
		for i := range r.IntN(50) {
			at = at.Add(time.Duration(r.IntN(100)) * time.Millisecond)
			records = append(records, Relayed{Time: at, Level: []int{10, 20, 30, 40, 50, 15, 35}[r.IntN(7)], LoggerName: fmt.Sprint("worker", r.IntN(3)), Message: fmt.Sprintf("%d %d\n☂", n, i)})
		}
		batch.Relay(records)
		tree := single.tree.Load()
		own := single.own.in(tree)
		for i := range records {
			rec := relayed(&records[i], "log_aggregator")
			for _, h := range own.handlers {
				if rec.level >= own.level && rec.level >= h.level {
					h.sink.emit(&rec)
				}
			}
		}
	}
	got := batch.files(t, "*.log*")
	if diff := cmp.Diff(single.files(t, "*.log*"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, text := range got {
		if len(text) < 1000 {
			t.Errorf("got %d bytes in %s, so the records try too little", len(text), name)
		}
	}
}

func TestARelayedRecordHasTheNameOfWhoLoggedItAsLoggerName(t *testing.T) {
	l := open(t, load(t, aggregatorSection), "log_aggregator", Aggregator, Options{})
	at := time.Date(2023, 2, 24, 10, 18, 7, 831e6, time.Local)
	l.Relay([]Relayed{{Time: at, Level: 20, LoggerName: "make_plots", Message: "plots are there"}})
	l.Relay(nil)
	want(t, "file", l.file(t, "info.log"), "2023-02-24 10:18:07,831 INFO [make_plots] log_aggregator plots are there\n")
}

func TestRelayGoesOnInTheNewFileFromOneBatchToTheNext(t *testing.T) {
	l := open(t, load(t, aggregatorSection), "log_aggregator", Aggregator, Options{})
	info := filepath.Join(l.dir, "info.log")
	at := time.Now()
	for _, text := range []string{"one", "two", "three"} {
		l.Relay([]Relayed{{Time: at, Level: 20, LoggerName: "w", Message: text}})
		if err := os.Rename(info, info+"."+text); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"one", "two", "three"} {
		if got := l.file(t, "info.log."+text); !strings.HasSuffix(got, " "+text+"\n") || strings.Count(got, "\n") != 1 {
			t.Errorf("got %q in the file of %s", got, text)
		}
	}
}

// TestTheAggregatorsOwnRecordsGoToTheHistory: what it sends on for others is marked, and only that.
func TestTheAggregatorsOwnRecordsGoToTheHistory(t *testing.T) {
	var told []feed.LogRecord
	l := open(t, load(t, aggregatorSection), "log_aggregator", Aggregator, Options{Feed: func(r feed.LogRecord) { told = append(told, r) }})
	l.Logger("log_aggregator").Info("own")
	if len(told) != 1 || told[0].Message != "own" || told[0].Published {
		t.Errorf("got %+v on the feed, want the record, not marked as published", told)
	}
}

func TestABatchThatCannotBeWrittenIsCounted(t *testing.T) {
	var told []feed.LogRecord
	var alerts []string
	o := Options{Feed: func(r feed.LogRecord) { told = append(told, r) }, Alert: func(_, text string) { alerts = append(alerts, text) }, Settle: func(_, how string) { alerts = append(alerts, how) }}
	l := open(t, load(t, strings.Replace(aggregatorSection, "filename: bad.log", "filename: /dev/full", 1)), "log_aggregator", Aggregator, o)
	records := make([]Relayed, 7)
	for i := range records {
		records[i] = Relayed{Time: time.Now(), Level: 20 + 20*(i%2), LoggerName: "w", Message: "m"}
	}
	l.Relay(records)
	l.Relay(records)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := l.err.String(); !strings.Contains(got, "log file /dev/full cannot be written") || !strings.HasSuffix(got, "log file /dev/full is closed; 6 records are not in it\n") {
		t.Errorf("got %q", got)
	}
	if len(alerts) != 2 || !strings.Contains(alerts[0], "/dev/full cannot be written") || !strings.Contains(alerts[0], "no space left") ||
		alerts[1] != "it is closed: nothing is logged to it any more" {
		t.Errorf("got the alerts %q, want one that names the file and the error, and its end", alerts)
	}
	if len(told) != 2 || told[0].Published || told[1].Published {
		t.Errorf("got %+v on the feed, want two records for the history", told)
	}
	want(t, "lines of the other file", fmt.Sprint(strings.Count(l.file(t, "info.log"), "\n")), "14")
}
