package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/faults"
)

var ruleFaults = []fault{
	{7, "rules: mistakes, loops, 10,000 workers, cut", 9, badRules},
	{7, "rules in Python: exceptions, loops, exit, cut", 9, badPythonRules},
	{7, "rules half-written, under load", 6, halfWritten},
}

// badRule is a rules file that must not stop the manager, and what the alert about it says.
type badRule struct {
	text  string
	alert string // kind; "": it is not about the rules
}

func badRulesFiles(r *rand.Rand) []badRule {
	const right = `[NextWorker(msg.payload.get("worker", "recorder"), args=[str(msg.payload["n"])] + msg.payload.get("how", []))]`
	broken := func(result string) string { return strings.Replace(faults.Rules, right, result, 1) }
	return []badRule{
		{faults.Rules[:len(faults.Rules)/4+r.IntN(20)], "rules not loaded"}, // half-written
		{"def after_reporter(msg\n", "rules not loaded"},
		{"", "rules not loaded"}, // an editor has emptied it and not written yet
		{broken(`1 // 0`), "rule error"},
		{broken(`fail("no")`), "rule error"},
		{broken(`[x for x in range(1000000000)]`), "rule error"},
		{broken(`[NextWorker("recorder") for i in range(10000)]`), "rule error"},
		{broken(`[NextWorker("recorder", host="nowhere")]`), "worker crashed"},
		{broken(`[NextWorker("stranger")]`), "worker not registered"},
	}
}

// pythonFaultRules are faults.Rules in Python.
const pythonFaultRules = `
from nemo_nowcast import NextWorker

def after_reporter(msg, config, checklist):
    return [NextWorker(msg.payload.get("worker", "recorder"), args=[str(msg.payload["n"])] + msg.payload.get("how", []))]

def after_recorder(msg, config, checklist):
    return []

def after_pyrecorder(msg, config, checklist):
    return []
`

func badPythonFiles(r *rand.Rand) []badRule {
	const right = `[NextWorker(msg.payload.get("worker", "recorder"), args=[str(msg.payload["n"])] + msg.payload.get("how", []))]`
	broken := func(result string) string { return strings.Replace(pythonFaultRules, right, result, 1) }
	return []badRule{
		{pythonFaultRules[:len(pythonFaultRules)/3+r.IntN(20)], "rules not loaded"},
		{"import no_such_module_at_all\n", "rules not loaded"},
		{"", "rules not loaded"},
		{broken(`1 // 0`), "rule error"},
		{broken(`next(x for x in iter(int, 1))`), "rule error"}, // for ever
		{broken(`__import__("os")._exit(1)`), "rule error"},
		{broken(`[NextWorker("recorder") for i in range(10000)]`), "rule error"},
		{broken(`[NextWorker("recorder", host="nowhere")]`), "worker crashed"},
		{broken(`[NextWorker("stranger")]`), "worker not registered"},
	}
}

func badRules(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, func(o *faults.Options) { o.MoreSettings = "rule time limit: 300 ms\n" })
	return replaceRules(w, r, n, faults.Rules, badRulesFiles(r))
}

func badPythonRules(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, func(o *faults.Options) {
		o.RulesFile, o.Rules = "next_workers.py", pythonFaultRules
		o.MoreSettings = "python: /usr/bin/python3\nrule time limit: 500 ms\n"
		o.Env = []string{"PYTHONPATH=" + o.Dir, "PYTHONDONTWRITEBYTECODE=1"}
	})
	return replaceRules(w, r, n, pythonFaultRules, badPythonFiles(r))
}

// replaceRules puts bad rules in the place of good ones: I7, the manager goes on, an operator is told, and with the good ones again
// all is as before.
func replaceRules(w *faults.World, r *rand.Rand, n int, good string, files []badRule) *faults.Report {
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	var wrong []string
	for i := range n {
		f := files[i%len(files)]
		before := w.Alerts()
		w.WriteRules(f.text)
		if f.alert == "rules not loaded" { // the good ones stay in use
			w.Once()
		} else {
			w.OnceUnrecorded()
		}
		told := func() bool {
			return slices.ContainsFunc(w.Alerts(), func(a engine.Alert) bool {
				return a.Kind == f.alert && !slices.ContainsFunc(before, func(b engine.Alert) bool { return a.ID == b.ID && a.Count == b.Count })
			})
		}
		if !within(told) {
			wrong = append(wrong, fmt.Sprintf("I8: no alert %q for the rules\n%s", f.alert, f.text))
		}
		time.Sleep(upTo(r, 20*time.Millisecond))
		w.WriteRules(good)
		w.Once()
	}
	if len(m.Deaths())+len(m.Endings()) > 0 {
		wrong = append(wrong, fmt.Sprintf("I7: the manager ended: %v %v", m.Deaths(), m.Endings()))
	}
	report := w.Finish()
	report.Broken = append(report.Broken, wrong...)
	return report
}

// halfWritten has an editor write the rules in place and in pieces, again and again, under load: what cannot be loaded is never in use, so
// each report launches its worker.
func halfWritten(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(clients)
	file := filepath.Join(filepath.Dir(w.Config), "next_workers.star")
	for range n {
		serves(w)
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		// The first piece ends within the first function: at the end of one, it would be a right file that has less to say.
		cut := strings.Index(faults.Rules, "NextWorker") + r.IntN(60)
		f.WriteString("# written anew\n" + faults.Rules[:cut])
		time.Sleep(50*time.Millisecond + upTo(r, 100*time.Millisecond))
		f.WriteString(faults.Rules[cut:])
		f.Close()
	}
	serves(w)
	report := allAnswered(w.Finish())
	if len(m.Deaths())+len(m.Endings()) > 0 {
		report.Broken = append(report.Broken, fmt.Sprintf("I7: the manager ended: %v %v", m.Deaths(), m.Endings()))
	}
	return report
}
