package logging

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
)

func TestCheckLooksIntoTheSectionForEveryRole(t *testing.T) {
	c := load(t, `logging:
  publisher:
    version: 1
    handlers:
      odd: {class: own.Handler}
      lost: {class: logging.FileHandler, filename: nowhere/x.log}
  aggregator:
    version: 1
    handlers:
      mail: {class: logging.handlers.SMTPHandler, mailhost: localhost, fromaddr: a@b, toaddrs: c@d, subject: s}
      text: {class: logging.handlers.RotatingFileHandler, filename: gone/nowcast.log}
      here: {class: logging.FileHandler, filename: here.log}
    root: {handlers: [nobody]}
`)
	wrong, warnings := Check(c)
	dir := filepath.Dir(c.File)
	places := func(errs config.Errors) (lines []string) {
		for _, e := range errs {
			lines = append(lines, strings.ReplaceAll(strings.TrimPrefix(e.Error(), c.File), dir, "DIR"))
		}
		return lines
	}
	want := []string{
		":11: logging: publisher: handlers: odd: class: is own.Handler, which is not known here: use one of ",
		`:19: logging: aggregator: root: handlers: has "nobody", which is not there: define it below handlers, or delete it here`,
	}
	got := places(wrong)
	for i := range got {
		got[i] = got[i][:min(len(got[i]), len(want[min(i, 1)]))]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if len(warnings) > 0 {
		t.Errorf("got warnings %v, want none", warnings)
	}
}

func TestCheckNamesDirectoriesThatDoNotExist(t *testing.T) {
	c := load(t, `logging:
  version: 1
  handlers:
    lost: {class: logging.FileHandler, filename: nowhere/x.log, delay: true}
    here: {class: logging.FileHandler, filename: here.log}
`)
	wrong, warnings := Check(c)
	want := c.File + ":10: logging: handlers: lost: filename: is in " + filepath.Join(filepath.Dir(c.File), "nowhere") +
		", which does not exist: make it, or correct filename"
	if got := wrong.Error(); got != want || len(warnings) > 0 {
		t.Errorf("got %q and %v, want %q", got, warnings, want)
	}
}

func TestTheAggregatorHasNoPortAndDoesNotClaimToWriteFiles(t *testing.T) {
	for _, tc := range []struct{ name, level, want string }{
		{"a console that shows everything", "DEBUG", "writing logging messages to console"},
		{"a console that shows nothing", "100", "logging messages are only shown by the console and `nowcastd logs`: no handler writes them"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := open(t, load(t, `logging:
  publisher:
    version: 1
    handlers:
      pub: {class: zmq.log.handlers.PUBHandler}
      screen: {class: logging.StreamHandler, level: `+tc.level+`}
      other: {class: logging.FileHandler, filename: other.log}
    root: {level: INFO, handlers: [pub, screen]}
    loggers: {other: {handlers: [other]}}
`), "log_aggregator", Daemon, Options{})
			want(t, "line", l.whereTo(l.tree.Load()), tc.want)
			l.Announce()
			if got := l.err.String(); strings.Contains(got, "not published") {
				t.Errorf("got %s\nwant no warning about publishing", got)
			}
		})
	}
}
