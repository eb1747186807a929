package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

// Severity says what a finding asks of the reader.
type Severity string

// The severities.
const (
	Wrong   Severity = "error"   // it will go wrong when the message comes
	Suspect Severity = "warning" // it may be meant so
	Note    Severity = "note"    // it could not be checked
)

// Finding is one thing that Check has to say.
type Finding struct {
	Severity Severity `json:"severity"`
	Worker   string   `json:"worker"`
	Type     string   `json:"type,omitempty"` // message type; "" if the finding is about all of them
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Text     string   `json:"text"` // what is wrong, and what to do
}

// String is the finding as a line of text that starts with its place.
func (f Finding) String() string {
	where := f.File
	if where != "" && f.Line > 0 {
		where += fmt.Sprintf(":%d", f.Line)
	}
	if where != "" {
		where += ": "
	}
	return fmt.Sprintf("%s%s: %s", where, f.Severity, f.Text)
}

// Check compares rules with a configuration, without launching anything: every registered worker has its rule, every
// rule can be called with each of the worker's registered message types, and what it returns can be launched.
//
// A rule is called with a null payload and an empty checklist, and again with placeholders in both if the
// language can do that (Prober). A rule that only fails without data is noted and not blamed. What depends on particular
// values in payload or checklist is not seen.
func Check(ctx context.Context, cfg *config.Config, e Evaluator) []Finding {
	c := &checker{cfg: cfg, functions: e.Functions(), seen: map[Finding]bool{}}
	c.functionsMatchRegistry(e.Module())
	for _, o := range explore(ctx, cfg.Registry, e) {
		c.failures(o)
		for _, n := range o.next {
			c.launches(o, n)
		}
	}
	return c.found
}

type checker struct {
	cfg       *config.Config
	functions []string
	found     []Finding
	seen      map[Finding]bool
}

func (c *checker) add(f Finding) {
	if !c.seen[f] {
		c.seen[f] = true
		c.found = append(c.found, f)
	}
}

// functionsMatchRegistry looks for workers without a rule and rules without a worker.
func (c *checker) functionsMatchRegistry(module string) {
	for _, worker := range sortedWorkers(c.cfg.Registry) {
		if !slices.Contains(c.functions, worker) {
			f := Finding{Severity: Suspect, Worker: worker, File: module}
			wrong := false
			if f.Text, wrong = config.NoRule(worker, module); wrong {
				f.Severity = Wrong
			}
			c.add(f)
		}
	}
	for _, worker := range c.functions {
		if _, ok := c.cfg.Registry.Workers[worker]; !ok {
			c.add(Finding{Severity: Suspect, Worker: worker, File: module, Text: fmt.Sprintf(
				"after_%s is never called: there is no %s in the message registry", worker, worker)})
		}
	}
}

// failures reports a rule that failed. Without data it may have failed for want of data; with placeholders it may have
// failed because they are not the real thing.
func (c *checker) failures(o outcome) {
	switch {
	case o.plain != nil && !o.needsData():
		c.failed(o, Wrong, "fails for", o.plain)
	case o.probed != nil && aboutPlaceholder(o.probed):
		c.failed(o, Note, "could not be followed to its end for", o.probed)
	case o.probed != nil:
		c.failed(o, Suspect, "fails when everything it asks for is there, for", o.probed)
	case o.plain != nil && !o.prober:
		c.failed(o, Note, "could not be checked, because it needs a payload or checklist, for", o.plain)
	}
}

func aboutPlaceholder(err error) bool {
	text := err.Error()
	return strings.Contains(text, "placeholder") || isPlaceholder(text) || strings.Contains(text, "fail:")
}

func (c *checker) failed(o outcome, s Severity, how string, err error) {
	f := Finding{Severity: s, Worker: o.worker, Type: o.typ}
	text := err.Error()
	var e *Error
	if errors.As(err, &e) {
		f.File, f.Line, text = e.File, e.Line, e.Message
	}
	f.Text = fmt.Sprintf("after_%s %s %q: %s", o.worker, how, o.typ, text)
	c.add(f)
}

func (c *checker) launches(o outcome, n launch.Next) {
	for _, w := range n.Workers {
		f := Finding{Severity: Wrong, Worker: o.worker, Type: o.typ}
		name := w.Name()
		switch _, registered := c.cfg.Registry.Workers[name]; {
		case isPlaceholder(w.Module):
		case !registered:
			f.Text = fmt.Sprintf("after_%s launches %s for %q, but %s is not in the message registry: its messages would be refused",
				o.worker, w.Module, o.typ, name)
			c.add(f)
		}
		if _, known := c.cfg.Hosts[w.Host]; w.Host != launch.Localhost && !known && !isPlaceholder(w.Host) {
			f.Text = fmt.Sprintf("after_%s launches %s on %s for %q, which is not in run: enabled hosts", o.worker, name, w.Host, o.typ)
			c.add(f)
		}
	}
	for _, element := range n.Await {
		name, _ := launch.Awaited(element)
		if _, ok := c.cfg.Registry.Workers[name]; !ok && !isPlaceholder(name) {
			c.add(Finding{Severity: Wrong, Worker: o.worker, Type: o.typ, Text: fmt.Sprintf(
				"after_%s waits for %s after %q, but %s is not in the message registry: the barrier would never end",
				o.worker, name, o.typ, name)})
		}
	}
}

// isPlaceholder tells whether a text came from a Probe.
func isPlaceholder(text string) bool { return strings.ContainsRune(text, '<') }
