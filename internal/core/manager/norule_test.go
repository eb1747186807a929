package manager

import (
	"strings"
	"testing"

	"nowcast/internal/core/launch"
)

func TestAReportWithoutARuleIsAnAlertUntilThereIsOneAndItIsCalled(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	if got := w.ask(report("b", nil)); got.Type != "no after_worker function" {
		t.Errorf("got %s, want no after_worker function", got.Type)
	}
	a, ok := w.alert("rule after_b")
	const want = "after_b failed on success: next_workers has no such function, so nothing was launched: add def after_b(msg, config, checklist), " +
		"which returns [] if nothing is to follow, then have the rule look at the message again"
	if !ok || a.Kind != "rule error" || a.Message != want {
		t.Fatalf("got %+v, want an alert that says %q", a, want)
	}
	if r := w.do(a.Offer, string(a.Args)); r.OK || !strings.Contains(r.Error, "could not find after_b") {
		t.Errorf("got %+v, want that there is still none", r)
	}
	w.rule("b", launch.Next{Workers: []launch.NextWorker{{Module: "w.awaken", Host: launch.Localhost}}})
	if r := w.do(a.Offer, string(a.Args)); !r.OK {
		t.Fatal(r.Error)
	}
	w.eventually("the launch", func() bool { return w.count("start w.awaken") == 1 })
	if a, ok := w.alert("rule after_b"); ok {
		t.Errorf("the alert is still open: %+v", a)
	}
}
