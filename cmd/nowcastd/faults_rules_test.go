package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/faults"
)

var ruleFaults = []fault{
	{7, "rules: mistakes, loops, 10,001 workers, cut", 7, badRules},
}

// badRule is a rules file that must not stop the manager, and what the alert about it says.
type badRule struct {
	text  string
	alert string // kind
	live  bool   // it can be loaded: what is wrong shows when it is called
}

func badRulesFiles(r *rand.Rand) []badRule {
	broken := func(result string) string {
		return strings.Replace(faults.Rules, `[NextWorker("recorder", args=[str(msg.payload["n"])] + msg.payload.get("how", []))]`, result, 1)
	}
	return []badRule{
		{faults.Rules[:len(faults.Rules)/3+r.IntN(20)], "rules not loaded", false}, // half-written
		{"def after_reporter(msg\n", "rules not loaded", false},
		{"", "", true}, // no functions: the reply says so
		{broken(`1 // 0`), "rule error", true},
		{broken(`[x for x in range(1000000000)]`), "rule error", true},
		{broken(`[NextWorker("recorder") for i in range(10001)]`), "rule error", true},
		{broken(`[NextWorker("recorder", host="nowhere")]`), "", true}, // whatever it says: it is no success
	}
}

// badRules puts bad rules in the place of good ones: I7, the manager goes on, an operator is told, and with the good ones again
// all is as before.
func badRules(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	var wrong []string
	files := badRulesFiles(r)
	for i := range n {
		f := files[i%len(files)]
		w.Write("next_workers.star", f.text)
		if f.alert == "rules not loaded" { // the good ones stay in use
			w.Once()
		} else {
			w.OnceUnrecorded()
		}
		if f.alert != "" {
			told := func() bool {
				return slices.ContainsFunc(w.Alerts(), func(a engine.Alert) bool { return a.Kind == f.alert })
			}
			if !within(10*time.Second, told) {
				wrong = append(wrong, fmt.Sprintf("I8: no alert %q for the rules\n%s", f.alert, f.text))
			}
		}
		time.Sleep(upTo(r, 20*time.Millisecond))
		w.Write("next_workers.star", faults.Rules)
		w.Once()
	}
	if len(m.Deaths())+len(m.Endings()) > 0 {
		wrong = append(wrong, fmt.Sprintf("I7: the manager ended: %v %v", m.Deaths(), m.Endings()))
	}
	report := w.Finish()
	report.Broken = append(report.Broken, wrong...)
	return report
}
