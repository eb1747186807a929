package manager

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// failing is a world in which after_a has failed on three messages.
func failing(t *testing.T) *world {
	w := newWorld(t)
	w.rules.after["a"] = func(message.Message, *pyyaml.Map) (launch.Next, error) {
		return launch.Next{}, errors.New("next_workers.star:7: division by zero")
	}
	w.start(false)
	for range 3 {
		w.ask(report("a", nil))
	}
	return w
}

func TestTheRuleIsCalledAgainForEachMessageThatItFailedOn(t *testing.T) {
	w := failing(t)
	a, ok := w.alert("rule after_a")
	var args control.EvaluateArgs
	if err := json.Unmarshal(a.Args, &args); !ok || err != nil || args.Message != 1 || !slices.Equal(args.Also, []int64{2, 3}) || a.Count != 3 {
		t.Fatalf("got %+v %+v, want one alert that offers all three", a, args)
	}
	if r := w.do(a.Offer, string(a.Args)); r.OK {
		t.Error("the rule still fails, and the answer is that it does not")
	}
	w.stop()
	w.rule("a", launch.Next{Workers: []launch.NextWorker{{Module: "w.b", Host: launch.Localhost}}})
	w.start(false) // what is to be done survives the manager
	if r := w.do(a.Offer, `{"message":2}`); !r.OK {
		t.Error(r.Error)
	}
	if r := w.do(a.Offer, string(a.Args)); !r.OK { // an operator who has not seen that
		t.Error(r.Error)
	}
	w.eventually("three launches", func() bool { return w.count("start w.b") == 3 })
	if a, ok := w.alert("rule after_a"); ok {
		t.Errorf("all is done, and the alert is still open: %+v", a)
	}
	w.stop()
	if n := len(w.store.launches); n != 3 {
		t.Errorf("got %d launches, want one for each message", n)
	}
}

func TestANewDayEndsWhatTheRulesOfTheLastOneLeft(t *testing.T) {
	w := failing(t)
	w.ask(message.Message{Source: "sleep", Type: "clear checklist"})
	if a, ok := w.alert("rule after_a"); ok {
		t.Errorf("the alert is still open: %+v", a)
	}
}

func TestWhatCannotBeLaunchedOrHeardIsNamed(t *testing.T) {
	w := newWorld(t)
	w.rule("a", launch.Next{Workers: []launch.NextWorker{{Module: "w.stranger", Host: launch.Localhost}, {Module: "w.b", Host: "nowhere"}}})
	w.start(false)
	w.ask(report("a", nil))
	if a, ok := w.alert("not registered stranger"); !ok || a.Kind != "worker not registered" {
		t.Errorf("got %+v, want an alert about the worker that nobody knows", w.shown().Alerts)
	}
	if _, ok := w.alert("launch w.b on nowhere"); !ok {
		t.Errorf("got %+v, want an alert about the host that nobody knows", w.shown().Alerts)
	}
}
