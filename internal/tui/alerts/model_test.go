package alerts

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/tui/theme"
)

var noon = time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)

// item began n minutes before noon.
func item(id int64, key string, n int) Item {
	return Item{Incident: feed.Incident{ID: id, Source: "manager", Alert: engine.Alert{Key: key, Kind: key, Message: key, Time: noon.Add(-time.Duration(n) * time.Minute)}}}
}

func page(items ...Item) *Model {
	m := New(theme.New(theme.Options{NoColour: true}))
	m.SetSize(80, 20)
	m.Set(items, noon)
	return m
}

func (m *Model) keys() (keys []string) {
	for _, r := range m.rows {
		keys = append(keys, r.alert().Key)
	}
	return keys
}

func TestTheOrderIsWhoMustActThenTheNewest(t *testing.T) {
	end := noon.Add(-time.Minute)
	acknowledged, snoozed, expired, dealt, over := item(1, "acknowledged", 1), item(2, "snoozed", 2), item(3, "snooze is over", 30), item(4, "repeated", 4), item(5, "ended", 5)
	acknowledged.Acknowledged = &feed.Mark{}
	snoozed.Snoozed = &feed.Mark{Until: noon.Add(time.Second)}
	expired.Snoozed = &feed.Mark{Until: noon}
	dealt.InHand = "relaunched as 8, which is running"
	over.Ended = &end
	m := page(over, dealt, expired, snoozed, acknowledged, item(6, "new", 60), item(7, "newer", 6))
	want := []string{"newer", "snooze is over", "new", "acknowledged", "snoozed", "repeated", "ended"}
	if diff := cmp.Diff(want, m.keys()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := len(m.Fresh(noon)); got != 3 {
		t.Errorf("%d are fresh, want 3", got)
	}
}

// The alerter gives an alert its number, others come and go: what the operator is about to acknowledge stays under the cursor.
func TestTheCursorStaysWithItsAlert(t *testing.T) {
	m := page(item(0, "a", 10), item(0, "b", 20))
	m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	for _, items := range [][]Item{
		{item(1, "a", 10), item(2, "b", 20)},
		{item(3, "c", 5), item(1, "a", 10), item(2, "b", 20)},
		{item(2, "b", 20)},
	} {
		m.Set(items, noon)
		if got := m.Update(tea.KeyPressMsg{Code: 'a', Text: "a"}); got.Kind != Acknowledge || got.Item.Key != "b" || got.Item.ID != 2 {
			t.Errorf("of %d, a is about %+v, want b", len(items), got)
		}
	}
	m.Set(nil, noon)
	if got := m.Update(tea.KeyPressMsg{Code: 'a', Text: "a"}); got.Kind != Refuse {
		t.Errorf("without alerts a does %v", got)
	}
}

func TestConsequencesAreFoldedUntilTheyAreWanted(t *testing.T) {
	cause := item(1, "cause", 10)
	cause.Consequences = []engine.Alert{{Key: "one"}, {Key: "two"}}
	m := page(item(2, "other", 5), cause)
	space := tea.KeyPressMsg{Code: tea.KeySpace}
	m.Update(space) // of other, which has none
	m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	m.Update(space)
	m.Set([]Item{item(2, "other", 5), cause}, noon) // a new frame changes nothing
	if diff := cmp.Diff([]string{"other", "cause", "one", "two"}, m.keys()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	m.Update(space) // on a consequence: folds its cause, and goes there
	if diff := cmp.Diff([]string{"other", "cause"}, m.keys()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.scroll.Cursor != 1 {
		t.Errorf("the cursor is on row %d, want 1", m.scroll.Cursor)
	}
}

func TestOfEachPlaceTheNewestWordCounts(t *testing.T) {
	it := item(1, "a", 10)
	it.Sent = []feed.Sent{{To: "slack", Note: "503"}, {To: "mail"}, {To: "slack"}, {To: "mail", Note: "refused"}}
	if got, want := it.told(), "has not arrived at mail (refused); told slack"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAWorkersPackagesAreLeftOutOfTheTable(t *testing.T) {
	for message, want := range map[string]string{
		"nowcast.workers.make_plots nemo: exited":   "make_plots nemo: exited",
		"launch of nowcast.workers.make_plots died": "launch of nowcast.workers.make_plots died",
		"make_plots is late":                        "make_plots is late",
		"":                                          "",
	} {
		if got := brief(&engine.Alert{Worker: "make_plots", Message: message}); got != want {
			t.Errorf("%q is shown as %q, want %q", message, got, want)
		}
	}
	if got := brief(&engine.Alert{Message: "a. b"}); got != "a. b" {
		t.Errorf("without a worker it is %q", got)
	}
}
