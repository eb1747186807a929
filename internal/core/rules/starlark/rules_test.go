package starlark

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/rules"
)

func TestWhatRulesMayReturn(t *testing.T) {
	a := launch.NextWorker{Module: "m.a", Args: []string{}, Host: "localhost"}
	b := launch.NextWorker{Module: "m.b", Args: []string{"x", "y"}, Host: "salish"}
	const worker = `NextWorker("m.a")`
	const other = `NextWorker("m.b", ["x", "y"], host="salish")`
	for _, c := range []struct {
		name, expr string
		want       launch.Next
	}{
		{"None is nothing", "None", launch.Next{}},
		{"an empty list is nothing", "[]", launch.Next{}},
		{"a list keeps its order", "[" + other + ", " + worker + "]", launch.Next{Workers: []launch.NextWorker{b, a}}},
		{"a tuple of workers is a list", "(" + worker + ", " + other + ")", launch.Next{Workers: []launch.NextWorker{a, b}}},
		{"a list and a set open a barrier", "[" + worker + `], set(["c", "b", "c"])`, launch.Next{Workers: []launch.NextWorker{a}, Await: []string{"b", "c"}}},
		{"a list and a list open a barrier", "[], ['c', 'b']", launch.Next{Await: []string{"b", "c"}}},
		{"a barrier may name arguments", "[], ['c x', 'm.c  y z']", launch.Next{Await: []string{"c x", "c y z"}}},
		{"a barrier may count, by a number or by names", "[], ['b', ('c', 2), 'b']", launch.Next{Await: []string{"b", "b", "c", "c"}}},
		{"a barrier may name what is launched", "[" + other + "], [" + other + ", (" + worker + ", 2)]", launch.Next{Workers: []launch.NextWorker{b}, Await: []string{"a", "a", "b x y"}}},
		{"a barrier may be given by modules", "[], ['nowcast.workers.c']", launch.Next{Await: []string{"c"}}},
		{"an empty set is no barrier", "[" + worker + "], set()", launch.Next{Workers: []launch.NextWorker{a}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustOpen(t, "def after_w(msg, config, checklist):\n    return "+c.expr+"\n")
			got, err := r.After(context.Background(), message.Message{Source: "w"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Workers) == 0 {
				got.Workers = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWorkerWithoutAFunctionIsNoMistake(t *testing.T) {
	r := mustOpen(t, "def after_w(msg, config, checklist):\n    pass\n")
	if _, err := r.After(context.Background(), message.Message{Source: "v"}, nil); !errors.Is(err, rules.ErrNoFunction) {
		t.Errorf("got %v, want ErrNoFunction", err)
	}
	if diff := cmp.Diff([]string{"w"}, r.Functions()); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
}

func TestABarrierForAnUnknownWorkerIsWarnedOf(t *testing.T) {
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "r.star")
	write(t, file, "def after_w(msg, config, checklist):\n    return [], ['w', 'typo']\n")
	r, err := Open(Options{File: file, Logger: slog.New(slog.NewTextHandler(&out, nil)),
		Registry: &config.Registry{Workers: map[string]config.Worker{"w": {Name: "w"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.After(context.Background(), message.Message{Source: "w"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "after_w waits for typo") {
		t.Errorf("got %s, want one warning about typo", got)
	}
}

func TestARuleStopsWhenItIsNoLongerWanted(t *testing.T) {
	const loop = "def after_w(msg, config, checklist):\n    while True:\n        pass\n"
	file := filepath.Join(t.TempDir(), "r.star")
	write(t, file, loop)
	r, err := Open(Options{File: file, Logger: quiet(), Limits: Limits{Steps: 1 << 40, Time: 50 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.After(context.Background(), message.Message{Source: "w"}, nil)
	if err == nil || !strings.Contains(err.Error(), "longer than the limit of 50ms") {
		t.Errorf("at the time limit: got %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 10*time.Millisecond, errors.New("the manager is stopping"))
	defer cancel()
	_, err = r.After(ctx, message.Message{Source: "w"}, nil)
	if err == nil || !strings.Contains(err.Error(), "the manager is stopping") {
		t.Errorf("when the context ends: got %v", err)
	}
}

// reloads tells a watched set of rules apart by what they launch.
func version(t *testing.T, r *Rules) string {
	t.Helper()
	next, err := r.After(context.Background(), message.Message{Source: "w"}, nil)
	if err != nil || len(next.Workers) != 1 {
		t.Fatalf("got %v, %v", next, err)
	}
	return next.Workers[0].Module
}

func rule(module string) string {
	return "def after_w(msg, config, checklist):\n    return [NextWorker('" + module + "')]\n"
}

func TestAChangedFileIsLoadedAgain(t *testing.T) {
	var out bytes.Buffer
	r, file, err := open(t, rule("one"), nil, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if reloaded, err := r.Refresh(); reloaded || err != nil {
		t.Errorf("unchanged: got %v, %v, want no reload", reloaded, err)
	}
	write(t, file, rule("two")) // as long as before, and perhaps within the same tick of the file system
	if reloaded, err := r.Refresh(); !reloaded || err != nil {
		t.Errorf("changed: got %v, %v, want a reload", reloaded, err)
	}
	if got := version(t, r); got != "two" {
		t.Errorf("got the rules %q, want two", got)
	}
	if got, want := strings.Count(out.String(), "next workers module loaded from "+file), 2; got != want {
		t.Errorf("the log says %d times that the module was loaded, want %d", got, want)
	}
}

func TestABadFileNeverReplacesAGoodOne(t *testing.T) {
	for name, bad := range map[string]string{
		"a syntax error":                   "def after_w(:\n",
		"a rule with too few arguments":    "def after_w(msg):\n    pass\n",
		"a file that fails when it is run": rule("bad") + "fail('no')\n",
		"a file that never ends":           "while True:\n    pass\n",
		"a file of garbage":                "\x00\xff\xfe",
		"a file with zeros at its end":     rule("bad") + "\x00\x00",
		"an empty file":                    "",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			r, file, err := open(t, rule("good"), nil, slog.New(slog.NewTextHandler(&out, nil)))
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, bad)
			if reloaded, err := r.Refresh(); reloaded || err == nil {
				t.Fatalf("got %v, %v, want an error", reloaded, err)
			}
			if reloaded, err := r.Refresh(); reloaded || err == nil {
				t.Errorf("the same bad version again: got %v, %v, want the error as long as it lasts", reloaded, err)
			}
			if got := version(t, r); got != "good" {
				t.Errorf("got the rules %q, want good", got)
			}
			if got := strings.Count(out.String(), "level=ERROR"); got != 1 {
				t.Errorf("got %d ERROR lines, want 1", got)
			}
			write(t, file, rule("better"))
			if reloaded, err := r.Refresh(); !reloaded || err != nil || version(t, r) != "better" {
				t.Errorf("mended: got %v, %v, want a reload", reloaded, err)
			}
		})
	}
}

func TestAFileThatVanishesLeavesTheRules(t *testing.T) {
	r, file, err := open(t, rule("one"), nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if reloaded, err := r.Refresh(); reloaded || err == nil || version(t, r) != "one" {
		t.Errorf("got %v, %v, want an error and the old rules", reloaded, err)
	}
	write(t, file, rule("one"))
	if reloaded, err := r.Refresh(); !reloaded || err != nil {
		t.Errorf("back again: got %v, %v, want a reload", reloaded, err)
	}
}

func TestFilesThatAreLoadedAreWatchedToo(t *testing.T) {
	dir := t.TempDir()
	file, part := filepath.Join(dir, "main.star"), filepath.Join(dir, "part.star")
	write(t, file, "load('part.star', 'after_w')\nafter_v = after_w\ndef after_u(msg, config, checklist):\n    return after_w(msg, config, checklist)\n")
	write(t, part, rule("one"))
	r, err := Open(Options{File: file, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"u", "v"}, r.Functions()); diff != "" {
		t.Errorf("what is loaded stays private unless it is named again (-want +got):\n%s", diff)
	}
	write(t, part, rule("two"))
	if reloaded, err := r.Refresh(); !reloaded || err != nil {
		t.Fatalf("got %v, %v, want a reload", reloaded, err)
	}
	next, err := r.After(context.Background(), message.Message{Source: "u"}, nil)
	if err != nil || next.Workers[0].Module != "two" {
		t.Errorf("got %v, %v, want two", next, err)
	}
}
