package logging

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/feed"
)

const benchSection = `
logging:
  version: 1
  formatters: {simple: {format: '%(asctime)s %(levelname)s [%(name)s] %(message)s'}}
  handlers:
    info: {class: logging.handlers.RotatingFileHandler, level: INFO, formatter: simple, filename: info.log}
    debug: {class: logging.handlers.RotatingFileHandler, level: DEBUG, formatter: simple, filename: debug.log}
  root: {level: %s, handlers: [info, debug]}
`

func BenchmarkRecord(b *testing.B) {
	count := 0
	for _, bench := range []struct {
		name, level string
		feed        func(feed.LogRecord)
	}{
		{"disabled", "INFO", nil},
		{"to one file", "DEBUG", nil},
		{"to one file and the feed", "DEBUG", func(feed.LogRecord) { count++ }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			l := open(b, load(b, strings.Replace(benchSection, "level: %s", "level: "+bench.level, 1)), "manager", Daemon, Options{Feed: bench.feed})
			logger := l.Logger("manager")
			b.ReportAllocs()
			for b.Loop() {
				logger.Debug("received message from make_plots: (success nowcast) plots for nowcast done")
			}
		})
	}
}

// BenchmarkRelay writes batches into two files that share a formatter; the baseline writes the same bytes with bufio.
func BenchmarkRelay(b *testing.B) {
	const batch = 1000
	c := load(b, strings.Replace(aggregatorSection, "root: {level: 15, handlers: [info, debug, bad, out, daily]}", "root: {level: DEBUG, handlers: [info, debug]}", 1))
	l := open(b, c, "log_aggregator", Aggregator, Options{})
	records := make([]Relayed, batch)
	at := time.Now()
	for i := range records {
		records[i] = Relayed{Time: at.Add(time.Duration(i) * 5 * time.Microsecond), Level: info, LoggerName: "make_forcing_links", Message: strings.Repeat("x", 100)}
	}
	report := func(b *testing.B) { b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "lines/s") }
	b.Run("relay", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l.Relay(records)
		}
		report(b)
	})
	line := []byte("2023-02-24 10:18:07,831 INFO [make_forcing_links] log_aggregator " + strings.Repeat("x", 100) + "\n")
	b.Run("bufio of the same bytes", func(b *testing.B) {
		var files []*bufio.Writer
		for _, name := range []string{"a", "b"} {
			f, err := os.Create(filepath.Join(b.TempDir(), name))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			files = append(files, bufio.NewWriterSize(f, batch*len(line)))
		}
		for b.Loop() {
			for _, w := range files {
				for range records {
					if _, err := w.Write(line); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		report(b)
	})
}

func BenchmarkPublish(b *testing.B) {
	l := open(b, loadPorts(b, publisherSection, fmt.Sprintf("manager: %d", freePort(b))), "manager", Daemon, Options{})
	logger := l.Logger("manager")
	b.ReportAllocs()
	for b.Loop() {
		logger.Info("received message from make_plots: (success nowcast) plots for nowcast done")
	}
}
