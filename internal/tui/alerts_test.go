package tui

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// late is an alert that offers nothing.
func (s *scene) late(id int64, worker string) feed.Event {
	return s.event(feed.StreamAlert, engine.Alert{ID: id, Time: s.now, Kind: "late", Message: worker + " is late"})
}

func TestSeenAlertsAreShownAgain(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.press("a", "a")
	s.sees("hidden as seen: a shows them again")
	s.press("down")
	s.seesNot("rule error", "hidden as seen")

	s.press("a")
	s.sees("no new alert, 1 seen", "rule error, seen", `key "forecast2" not in dict`, "g rule again")
	s.seesNot("hide them")
	s.press("a")
	s.sees("7 launches")
	s.seesNot("rule error", "hidden as seen")

	s.press("a", "g")
	s.sees("Have the rule look at that message again")
	s.press("y")
	if diff := cmp.Diff([]call{{"manager", "evaluate", `{"message":17}`}}, s.peer.calls); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestSeenAlertsStandBelowNewOnes(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.press("a", "a")
	s.frame(time.Second, s.late(2, "run_NEMO"))
	s.sees("run_NEMO is late", "a in full")
	s.press("a")
	s.sees("1 new, newest first, and 1 seen", "a seen, hide them")
	s.inOrder("1 new, newest first", "run_NEMO is late", "rule error, seen")
	s.seesNot("late, seen", "g rule again") // g is about the first of the list
	s.press("g")
	s.sees("the newest alert offers nothing")
	s.frame(time.Second, s.late(3, "make_plots"))
	s.inOrder("2 new, newest first", "make_plots is late", "run_NEMO is late", "rule error, seen")
	s.press("a")
	s.seesNot("is late")
	s.press("a")
	s.inOrder("no new alert, 3 seen", "make_plots is late", "run_NEMO is late", "rule error, seen")
}

// The launches page has the crashed launch as a row: its alert is not in the header, but counted.
func TestTheHeaderCountsTheAlertsOfTheList(t *testing.T) {
	s := openMorning(t, 160, 30)
	s.frame(time.Second, s.event(feed.StreamAlert, engine.Alert{
		ID: 2, Time: s.now, Kind: "worker crashed", Message: "make_plots: exited", Offer: "relaunch", Args: []byte(`{"launch":5}`),
	}))
	for _, page := range []string{"1", "2", "3", "4"} {
		s.press(page)
		s.sees("a all 2")
		s.press("a")
		s.sees("2 alerts, newest first", "worker crashed", "rule error")
	}
}

func TestWhereGHasNothingToDoItSaysWhy(t *testing.T) {
	none := openMorning(t, 160, 30)
	quiet := morning()
	quiet.Alerts = nil
	none.snapshot(quiet)
	none.press("g")
	none.sees("there is no alert")

	row := openMorning(t, 160, 30)
	row.press("a", "a")
	row.frame(time.Second, row.event(feed.StreamAlert, engine.Alert{ID: 2, Time: row.now, Kind: "worker crashed", Offer: "relaunch", Args: []byte(`{"launch":5}`)}))
	row.press("g")
	row.sees("the alert is about a launch in this list: r relaunches it, a shows the alert")
}
