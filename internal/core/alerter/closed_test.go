package alerter

import (
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

func (w *world) closes(id int64) feed.Incident {
	w.t.Helper()
	i, err := w.Close(w.t.Context(), control.Request{Author: "sue@salish"}, control.IncidentArgs{Incident: id, Note: "done by hand"})
	if err != nil {
		w.t.Fatal(err)
	}
	return i.(feed.Incident)
}

func TestAnIncidentThatAnOperatorClosed(t *testing.T) {
	bubble(t, "does not begin again for the same alert, nor does what followed from it", func(t *testing.T, w *world) {
		w.start()
		cause, consequence := trouble(1), trouble(2)
		consequence.Because = cause.Key
		w.managers(cause, false)
		w.managers(consequence, false)
		w.pass(time.Minute)
		w.wants("begun worker crashed: run_NEMO 1ns")
		i := w.closes(1)
		if i.Open() || i.End != "closed by sue@salish: done by hand" || i.Closed == nil || i.Closed.Author != "sue@salish" {
			t.Errorf("got %+v", i)
		}
		if !strings.Contains(w.file(), `"end":"closed by sue@salish: done by hand"`) {
			t.Errorf("it is answered but not in the file\n%s", w.file())
		}
		w.pass(time.Minute)
		w.wants("ended")
		w.pass(time.Hour)
		w.stop()
		w.start()
		w.pass(time.Hour)
		if open := w.open(); len(open) != 0 {
			t.Errorf("open are %q", open)
		}
		w.managers(over(cause, "launch 18 succeeded"), false)
		w.managers(over(consequence, "launch 18 succeeded"), false)
		w.pass(time.Hour)
		w.wants()
		if _, err := w.Close(t.Context(), control.Request{}, control.IncidentArgs{Incident: 1}); err == nil || !strings.Contains(err.Error(), "closed by sue@salish") {
			t.Errorf("closed once more: got %v", err)
		}
		again := trouble(3)
		again.Key = cause.Key
		w.managers(again, false)
		w.pass(time.Minute)
		w.wants("begun worker crashed: run_NEMO 3ns")
	})
	bubble(t, "is another one, if the trouble is back at once", func(t *testing.T, w *world) {
		w.start()
		first := trouble(1)
		w.managers(first, false)
		w.pass(time.Minute)
		w.closes(1)
		w.managers(over(first, "launch 18 succeeded"), false)
		w.pass(10 * time.Second)
		again := trouble(2)
		again.Key = first.Key
		w.managers(again, false)
		w.pass(time.Minute)
		w.wants("begun", "ended", "begun worker crashed: run_NEMO 2ns")
		if i := w.incidents[len(w.incidents)-1]; i.ID != 2 || i.Closed != nil {
			t.Errorf("got %+v", i)
		}
	})
	bubble(t, "explains nothing any more", func(t *testing.T, w *world) {
		w.start()
		cause, later := trouble(1), trouble(2)
		w.managers(cause, false)
		w.pass(time.Minute)
		w.closes(1)
		later.Because = cause.Key
		w.managers(later, false)
		w.pass(time.Minute)
		w.wants("begun", "ended", "begun worker crashed: run_NEMO 2ns")
	})
	bubble(t, "before anybody was told of it, is told to nobody", func(t *testing.T, w *world) {
		w.start()
		w.managers(trouble(1), false)
		w.pass(time.Second)
		w.closes(1)
		w.pass(time.Hour)
		w.wants()
	})
}

func TestAnIncidentIsOfTheKindThatItsAlertIs(t *testing.T) {
	bubble(t, "the newest", func(t *testing.T, w *world) {
		w.start()
		a := trouble(1)
		w.managers(a, false)
		w.pass(time.Minute)
		a.Kind, a.Message = "worker failed", "reported failure"
		w.managers(a, false)
		w.pass(time.Minute)
		if open := w.open(); len(open) != 1 || open[0] != "worker failed: reported failure" {
			t.Errorf("open are %q", open)
		}
	})
}

func TestTheDaemonsThatThereIsWorkForAreExpected(t *testing.T) {
	bubble(t, "a scheduler without a schedule is not, nor an aggregator without anything to aggregate", func(t *testing.T, w *world) {
		w.o.Needs = Needs{}
		w.silent[scheduler], w.silent[logAggregator] = true, true
		w.start()
		w.pass(time.Hour)
		w.wants()
		if err := w.Reload(t.Context(), w.o.Config, nil, Needs{Scheduler: true}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.wants("begun daemon down: scheduler does not run")
		if err := w.Reload(t.Context(), w.o.Config, nil, Needs{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.wants("ended over: daemon down: scheduler")
	})
	bubble(t, "an aggregator that was there is", func(t *testing.T, w *world) {
		w.o.Needs = Needs{}
		w.start()
		w.set(func() { w.silent[logAggregator] = true })
		w.pass(time.Minute)
		w.wants("begun daemon down: log_aggregator")
	})
	bubble(t, "a manager of another make is one", func(t *testing.T, w *world) {
		w.o.Config.Ping = "https://hc.example/uuid"
		w.silent["manager"], w.peers = true, 1
		w.start()
		w.pass(time.Hour)
		w.wants()
		if n := len(w.pings); n == 0 || strings.Contains(strings.Join(w.pings, " "), "/fail") {
			t.Errorf("pinged %q", w.pings)
		}
		w.set(func() { w.peers = 0 })
		w.pass(time.Minute)
		w.wants("begun daemon down: manager")
	})
	bubble(t, "a manager of ours that hangs is none", func(t *testing.T, w *world) {
		w.peers = 1
		w.start()
		w.set(func() { w.silent["manager"] = true })
		w.pass(time.Minute)
		w.wants("begun daemon down: manager")
	})
}
