package logging

import (
	"strings"
	"testing"

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
