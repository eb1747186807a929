package starlark

import (
	"context"
	"os"
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/rules"
)

// TestArrowSaysWhatThePythonPackageSays compares with testdata/arrow.txt: expressions that mean something in Python and in
// Starlark, each with what the Python package arrow 1.4.0 made of it.
func TestArrowSaysWhatThePythonPackageSays(t *testing.T) {
	text, err := os.ReadFile("testdata/arrow.txt")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(text)) {
		expr, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ->  ")
		if !ok {
			t.Fatalf("testdata/arrow.txt: no arrow in %q", line)
		}
		count++
		r := mustOpen(t, "def after_w(msg, config, checklist):\n    return [NextWorker("+expr+" + '.')]\n")
		next, err := r.After(context.Background(), message.Message{Source: "w"}, nil)
		if err != nil {
			t.Errorf("%s: got %v, want %s", expr, err, want)
			continue
		}
		if got := strings.TrimSuffix(next.Workers[0].Module, "."); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
	if count < 300 {
		t.Errorf("got %d expressions, want more than 300", count)
	}
}

func TestProbingNamesWhatARuleLooksAt(t *testing.T) {
	r := mustOpen(t, `
def after_w(msg, config, checklist):
    if "late" in checklist:
        return [NextWorker("m.hurry", [checklist["late"]["by"]])]
    host = list(msg.payload.keys())[0]
    run = msg.payload[host].get("run", "none")
    date = arrow.get(msg.payload["date"]).shift(days=1)
    return [NextWorker("m." + run, ["--host", host, "day-" + msg.payload["n"]], host=host)]
`)
	for _, c := range []struct {
		assume rules.Assumption
		want   string
	}{
		{rules.Everything, "m.hurry <checklist[late][by]>"},
		{rules.Nothing, "m.none --host <payload.keys[0]> day-<payload[n]> on <payload.keys[0]>"},
	} {
		next, err := r.Probe(context.Background(), "w", "success", c.assume)
		if err != nil || len(next.Workers) != 1 || next.Workers[0].String() != c.want {
			t.Errorf("assuming %v: got %v, %v, want %s", c.assume, next.Workers, err, c.want)
		}
	}
}
