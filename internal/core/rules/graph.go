package rules

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

// Edge is one launch that a rule decides: what a message leads to.
type Edge struct {
	From  string            `json:"from"` // worker that reports
	Type  string            `json:"type"` // message type
	To    launch.NextWorker `json:"to"`
	Await []string          `json:"await,omitempty"` // barrier that the same report opens
}

// Graph finds what launches what, by calling each rule with each registered message type as Check does: without data,
// and with placeholders that answer each lookup. It cannot see a launch that a rule makes only for particular values in
// payload or checklist, nor how often a loop over the payload goes round; it sees loops over the configuration in full.
// A date that a rule computes from a placeholder is shown as if today had been in its place.
// The blind are the (worker, type) pairs whose rule could not be called at all.
func Graph(ctx context.Context, cfg *config.Config, e Evaluator) (edges []Edge, blind []string) {
	for _, o := range explore(ctx, cfg.Registry, e) {
		if len(o.next) == 0 {
			blind = append(blind, o.worker+": "+o.typ)
		}
		var seen []string
		for _, n := range o.next {
			for _, w := range n.Workers {
				if !slices.Contains(seen, w.String()) {
					seen = append(seen, w.String())
					edges = append(edges, Edge{o.worker, o.typ, w, n.Await})
				}
			}
		}
	}
	return withoutHidden(edges), blind
}

// withoutHidden drops an edge with a placeholder if the same report has one without that differs only there: the
// two come from the same line of the rule.
func withoutHidden(edges []Edge) []Edge {
	return slices.DeleteFunc(slices.Clone(edges), func(a Edge) bool {
		return slices.ContainsFunc(edges, func(b Edge) bool { return hides(b, a) })
	})
}

func hides(plain, a Edge) bool {
	if plain.From != a.From || plain.Type != a.Type || plain.To.Module != a.To.Module || len(plain.To.Args) != len(a.To.Args) {
		return false
	}
	same := plain.To.Host == a.To.Host
	hidden := !same && isPlaceholder(a.To.Host)
	if !same && !hidden {
		return false
	}
	for i, arg := range a.To.Args {
		switch {
		case arg == plain.To.Args[i]:
		case isPlaceholder(arg) && !isPlaceholder(plain.To.Args[i]):
			hidden = true
		default:
			return false
		}
	}
	return hidden
}

// WriteText writes the graph for reading: each worker, its message types, and what they launch.
func WriteText(w io.Writer, edges []Edge) error {
	var b strings.Builder
	var from, typ string
	for _, e := range edges {
		if e.From != from {
			from, typ = e.From, ""
			b.WriteString(from + "\n")
		}
		if e.Type != typ {
			typ = e.Type
			b.WriteString("  " + typ + "\n")
			if len(e.Await) > 0 {
				b.WriteString("    waits for " + strings.Join(e.Await, ", ") + "\n")
			}
		}
		b.WriteString("    -> " + label(e.To) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func label(n launch.NextWorker) string {
	s := strings.Join(append([]string{n.Name()}, n.Args...), " ")
	if n.Host != launch.Localhost {
		s += " on " + n.Host
	}
	return s
}

// link is an arrow between two workers in a drawing: all edges between them are one.
type link struct {
	from, to string
	types    []string
	barrier  bool
}

func links(edges []Edge) []link {
	var all []link
	for _, e := range edges {
		i := slices.IndexFunc(all, func(l link) bool { return l.from == e.From && l.to == e.To.Name() })
		if i < 0 {
			all = append(all, link{from: e.From, to: e.To.Name()})
			i = len(all) - 1
		}
		if !slices.Contains(all[i].types, e.Type) {
			all[i].types = append(all[i].types, e.Type)
		}
		all[i].barrier = all[i].barrier || slices.ContainsFunc(e.Await, func(element string) bool {
			name, _ := launch.Awaited(element)
			return name == e.To.Name()
		})
	}
	return all
}

// WriteDOT writes the graph for Graphviz. An arrow to a worker that a barrier waits for is dashed.
func WriteDOT(w io.Writer, edges []Edge) error {
	var b strings.Builder
	b.WriteString("digraph nowcast {\n  rankdir=LR;\n  node [shape=box];\n")
	for _, l := range links(edges) {
		style := ""
		if l.barrier {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  %q -> %q [label=\"%s\"%s];\n", l.from, l.to, dotLines(l.types), style)
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func dotLines(types []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	quoted := make([]string, len(types))
	for i, t := range types {
		quoted[i] = escape.Replace(t)
	}
	return strings.Join(quoted, `\n`)
}

// WriteMermaid writes the graph as a Mermaid flowchart, which many web pages show. An arrow to a worker that a barrier
// waits for is dotted.
func WriteMermaid(w io.Writer, edges []Edge) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, l := range links(edges) {
		arrow := "-->"
		if l.barrier {
			arrow = "-.->"
		}
		types := strings.NewReplacer(`"`, "#quot;").Replace(strings.Join(l.types, "<br>"))
		fmt.Fprintf(&b, "  %s[%s] %s|\"%s\"| %s[%s]\n", mermaidID(l.from), l.from, arrow, types, mermaidID(l.to), l.to)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidID keeps names such as end, which mean something to Mermaid, apart from its own.
func mermaidID(name string) string {
	return "w_" + strings.NewReplacer("-", "_", ".", "_", "<", "", ">", "").Replace(name)
}
