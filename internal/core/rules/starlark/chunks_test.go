package starlark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
)

var testNow = time.Date(2031, 5, 18, 2, 30, 0, 0, time.UTC)

// open writes rules to a file and opens them.
func open(t testing.TB, text string, config *pyyaml.Map, log *slog.Logger) (*Rules, string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chunk.star")
	write(t, file, text)
	r, err := Open(Options{
		File: file, Config: config, Logger: log, Now: func() time.Time { return testNow },
		Limits: Limits{Steps: 200_000, Time: 20 * time.Second},
	})
	return r, file, err
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func mustOpen(t testing.TB, text string) *Rules {
	t.Helper()
	r, _, err := open(t, text, pyyaml.MapOf("list", []pyyaml.Value{}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var wanted = regexp.MustCompile(`### (.*)$`)

// TestMistakesAreReportedOnTheirLine runs testdata/errors.star, where each expected error stands beside its cause.
func TestMistakesAreReportedOnTheirLine(t *testing.T) {
	text, err := os.ReadFile("testdata/errors.star")
	if err != nil {
		t.Fatal(err)
	}
	start := 1
	for chunk := range strings.SplitSeq(string(text), "---\n") {
		first := start
		start += strings.Count(chunk, "\n") + 1
		t.Run(fmt.Sprintf("line %d", first), func(t *testing.T) { runChunk(t, chunk, first) })
	}
}

func runChunk(t *testing.T, chunk string, first int) {
	wantLine, want := 0, ""
	for i, line := range strings.Split(chunk, "\n") {
		if m := wanted.FindStringSubmatch(line); m != nil {
			wantLine, want = i+1, m[1]
		}
	}
	err := evaluate(t, chunk)
	var e *rules.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want the error %q", err, want)
	}
	if !regexp.MustCompile(want).MatchString(e.Message) {
		t.Errorf("got %q, want it to match %q", e.Message, want)
	}
	atLine := e.Line
	if atLine == 0 {
		return // a value has no place of its own, nor has what is not there
	}
	if atLine != wantLine || filepath.Base(e.File) != "chunk.star" {
		t.Errorf("got %s:%d, want chunk.star:%d (errors.star:%d)", e.File, atLine, wantLine, first+wantLine-1)
	}
	if !strings.HasPrefix(e.Error(), fmt.Sprintf("%s:%d", e.File, e.Line)) {
		t.Errorf("got %q, want file:line first", e.Error())
	}
}

func evaluate(t *testing.T, chunk string) error {
	r, _, err := open(t, chunk, pyyaml.MapOf("list", []pyyaml.Value{"x"}), quiet())
	if err != nil {
		return err
	}
	m := message.Message{Source: "w", Type: "success", Payload: pyyaml.MapOf("host", "salish", "n", int64(3))}
	checklist := pyyaml.MapOf("runs", pyyaml.MapOf("nowcast", pyyaml.MapOf("date", "2031-05-17")))
	_, err = r.After(context.Background(), m, checklist)
	return err
}

// TestRulesReadValuesAsPythonDoes runs the assertions of testdata/values.star.
func TestRulesReadValuesAsPythonDoes(t *testing.T) {
	yaml, err := os.ReadFile("testdata/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := pyyaml.Decode(yaml)
	if err != nil {
		t.Fatal(err)
	}
	values := v.(*pyyaml.Map)
	text, err := os.ReadFile("testdata/values.star")
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := open(t, string(text), values, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, worker := range r.Functions() {
		_, err := r.After(context.Background(), message.Message{Source: worker, Type: "success", Payload: v}, values)
		var e *rules.Error
		if errors.As(err, &e) {
			t.Errorf("%v\n%s", err, e.Backtrace)
		}
	}
}

func TestAMissingFileIsToldFromAMistake(t *testing.T) {
	_, err := Open(Options{File: "testdata/none.star", Logger: quiet()})
	var e *rules.Error
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) {
		t.Errorf("got %v, want a rules error that is fs.ErrNotExist", err)
	}
	_, _, err = open(t, `load("none.star", "x")`, nil, quiet())
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is loaded and missing: got %v, want a mistake in the file that loads it", err)
	}
}

func TestWhatARuleSaysGoesToTheLog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, _, err := open(t, `
def after_w(msg, config, checklist):
    print("one", 1)
    log.debug("two")
    log.warning("three", None)
    log.error("four")
    for i in range(2000):
        log.info("five")
`, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.After(context.Background(), message.Message{Source: "w"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`level=INFO msg="one 1" rule=after_w`, `level=DEBUG msg=two`, `level=WARN msg="three None"`, `level=ERROR msg=four`,
		`level=WARN msg="this rule says too much`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %s in the log, got\n%.500s", want, out.String())
		}
	}
	if got := strings.Count(out.String(), "five"); got > 1000 {
		t.Errorf("got %d lines, want at most 1000", got)
	}
}
