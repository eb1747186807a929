package rules_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/starlark"
)

// toy is a registry with three workers and one remote host.
func toy() *config.Config {
	types := map[string]string{"success": "", "failure": "", "crash": ""}
	withNeed := map[string]string{"success a": "", "success b": "", "need": "", "clear checklist": ""}
	return &config.Config{
		Registry: config.Registry{Workers: map[string]config.Worker{
			"fetch": {Name: "fetch", Types: types},
			"run":   {Name: "run", Types: withNeed},
			"plot":  {Name: "plot", Types: types},
		}},
		Hosts: map[string]config.Host{"salish": {Name: "salish"}},
	}
}

func open(t *testing.T, text string) rules.Evaluator {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.star")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := starlark.Open(starlark.Options{File: file, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const good = `
def after_fetch(msg, config, checklist):
    if msg.type != "success":
        return []
    host = msg.payload["host"]
    return [NextWorker("m.run", args=["a", msg.payload["date"]], host=host), NextWorker("m.plot")], set(["plot", "run"])

def after_run(msg, config, checklist):
    if "done" in checklist:
        return [NextWorker("m.plot", args=[checklist["done"]])]
    return [NextWorker("m.run", args=["b"], host="salish")]

def after_plot(msg, config, checklist):
    return None
`

func TestCheckIsSilentAboutGoodRules(t *testing.T) {
	if got := rules.Check(context.Background(), toy(), open(t, good)); len(got) > 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestCheckFinds(t *testing.T) {
	for _, c := range []struct {
		name, rules string // rules that take the place of after_plot and after_fetch
		want        []string
	}{
		{"a worker without a rule", "", []string{"error: no function after_plot, but plot is in the message registry"}},
		{"a rule without a worker", "def after_plot(m, c, l): pass\ndef after_plots(m, c, l): pass",
			[]string{"warning: after_plots is never called"}},
		{"a worker that is not registered", "def after_plot(m, c, l): return [NextWorker('m.publish')]",
			[]string{`error: after_plot launches m.publish for "success", but publish is not in the message registry`}},
		{"a host that is not known", "def after_plot(m, c, l): return [NextWorker('m.run', host='mars')]",
			[]string{`error: after_plot launches run on mars for "success", which is not in run: enabled hosts`}},
		{"a barrier that never ends", "def after_plot(m, c, l): return [], set(['publish'])",
			[]string{`error: after_plot waits for publish after "success"`}},
		{"a rule that fails for one type", "def after_plot(m, c, l):\n  if m.type == 'crash': fail('no plan')\n",
			[]string{`rules.star:14: error: after_plot fails for "crash": fail: no plan`}},
		{"a result of the wrong shape", "def after_plot(m, c, l): return 3",
			[]string{`error: after_plot fails for "success": returned int 3`}},
		{"a mistake that only shows with data", "def after_plot(m, c, l):\n  if m.payload:\n    return [NextWorker('m.run', args=[1])]\n",
			[]string{`warning: after_plot fails when everything it asks for is there, for "success": NextWorker m.run: args[0] is int 1`}},
		{"a rule that placeholders cannot follow", "def after_plot(m, c, l):\n  n = int(m.payload['n'])\n",
			[]string{`note: after_plot could not be followed to its end for "success"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := good[:strings.Index(good, "def after_plot")] + c.rules + "\n"
			var got []string
			for _, f := range rules.Check(context.Background(), toy(), open(t, text)) {
				got = append(got, f.String())
			}
			all := strings.Join(got, "\n")
			for _, want := range c.want {
				if !strings.Contains(all, want) {
					t.Errorf("got\n%s\nwant in it %q", all, want)
				}
			}
			if len(got) == 0 || len(got) > 3 {
				t.Errorf("got %d findings, want one for each type at most:\n%s", len(got), all)
			}
		})
	}
}

// pythonRules passes for rules in a Python module.
type pythonRules struct{ rules.Evaluator }

func (pythonRules) Module() string { return "nowcast.next_workers" }

func TestAWorkerWithoutAPythonRuleIsAWarning(t *testing.T) {
	empty := "def after_fetch(m, c, l): pass\ndef after_run(m, c, l): pass\n"
	got := rules.Check(context.Background(), toy(), pythonRules{open(t, empty)})
	want := `nowcast.next_workers: warning: no function after_plot, but plot is in the message registry; its reports are answered with "no after_worker function"`
	if len(got) != 1 || !strings.HasPrefix(got[0].String(), want) {
		t.Errorf("got %v, want only %s", got, want)
	}
}

func TestGraphFindsLaunchesThatNeedData(t *testing.T) {
	got, blind := rules.Graph(context.Background(), toy(), open(t, good))
	barrier := []string{"plot", "run"}
	want := []rules.Edge{
		{From: "fetch", Type: "success", To: launch.NextWorker{Module: "m.run", Args: []string{"a", "<payload[date]>"}, Host: "<payload[host]>"}, Await: barrier},
		{From: "fetch", Type: "success", To: launch.NextWorker{Module: "m.plot", Args: []string{}, Host: "localhost"}, Await: barrier},
		{From: "run", Type: "success a", To: launch.NextWorker{Module: "m.run", Args: []string{"b"}, Host: "salish"}},
		{From: "run", Type: "success a", To: launch.NextWorker{Module: "m.plot", Args: []string{"<checklist[done]>"}, Host: "localhost"}},
		{From: "run", Type: "success b", To: launch.NextWorker{Module: "m.run", Args: []string{"b"}, Host: "salish"}},
		{From: "run", Type: "success b", To: launch.NextWorker{Module: "m.plot", Args: []string{"<checklist[done]>"}, Host: "localhost"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(blind) > 0 {
		t.Errorf("blind: got %v, want none", blind)
	}
}

func TestGraphSaysWhereItIsBlind(t *testing.T) {
	_, blind := rules.Graph(context.Background(), toy(), open(t, "def after_plot(m, c, l):\n  return [NextWorker('m.run')] if int(m.payload) else []\n"))
	if diff := cmp.Diff([]string{"plot: success", "plot: crash", "plot: failure"}, blind); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheGraphIsDrawn(t *testing.T) {
	edges, _ := rules.Graph(context.Background(), toy(), open(t, good))
	for name, c := range map[string]struct {
		write func(*strings.Builder) error
		want  string
	}{
		"as text": {func(b *strings.Builder) error { return rules.WriteText(b, edges) }, `fetch
  success
    waits for plot, run
    -> run a <payload[date]> on <payload[host]>
    -> plot
run
  success a
    -> run b on salish
    -> plot <checklist[done]>
  success b
    -> run b on salish
    -> plot <checklist[done]>
`},
		"as DOT": {func(b *strings.Builder) error { return rules.WriteDOT(b, edges) }, `digraph nowcast {
  rankdir=LR;
  node [shape=box];
  "fetch" -> "run" [label="success", style=dashed];
  "fetch" -> "plot" [label="success", style=dashed];
  "run" -> "run" [label="success a\nsuccess b"];
  "run" -> "plot" [label="success a\nsuccess b"];
}
`},
		"as Mermaid": {func(b *strings.Builder) error { return rules.WriteMermaid(b, edges) }, `flowchart LR
  w_fetch[fetch] -.->|"success"| w_run[run]
  w_fetch[fetch] -.->|"success"| w_plot[plot]
  w_run[run] -->|"success a<br>success b"| w_run[run]
  w_run[run] -->|"success a<br>success b"| w_plot[plot]
`},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := c.write(&b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
