package feed

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"nowcast/internal/core/engine"
)

// said makes an event.
func said(t *testing.T, source, stream string, seq uint64, last map[string]uint64, body any) Event {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return Event{Topic: stream, Source: source, Stream: stream, Epoch: "1", Seq: seq, Time: time.Unix(int64(seq), 0).UTC(), Last: last, Body: text}
}

// openAlerts returns the keys of those that are open.
func openAlerts(m *Mirror) string {
	var keys []string
	for _, a := range m.Alerts() {
		if a.Open() {
			keys = append(keys, a.Key)
		}
	}
	return fmt.Sprint(keys)
}

func TestAHeartbeatHasAllAlertsOfItsDaemon(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	at := time.Unix(0, 0).UTC()
	a, b := engine.Alert{Key: "a", Time: at}, engine.Alert{Key: "b", Time: at}
	beat := func(seq uint64, source string, alerts ...engine.Alert) Event {
		return said(t, source, StreamDaemon, seq, nil, Heartbeat{Name: source, Every: 2 * time.Second, Alerts: alerts})
	}
	for _, c := range []struct {
		name  string
		event Event
		want  string
	}{
		{"one is raised", said(t, "scheduler", StreamAlert, 1, nil, a), "[a]"},
		{"and is in the heartbeat", beat(1, "scheduler", a), "[a]"},
		{"another daemon's say nothing of it", beat(1, "log_aggregator"), "[a]"},
		{"one whose event was lost", beat(2, "scheduler", a, b), "[a b]"},
		{"one whose end was lost", beat(3, "scheduler", b), "[b]"},
		{"the manager's are in its snapshot", beat(1, SourceManager), "[b]"},
		{"the daemon is started again, and has it again", beat(4, "scheduler", engine.Alert{Key: "b", Time: at.Add(time.Hour)}), "[b]"},
		{"and then no more", beat(5, "scheduler"), "[]"},
	} {
		m.Apply([]Event{c.event})
		if got := openAlerts(m); got != c.want {
			t.Errorf("%s: open are %s, want %s", c.name, got, c.want)
		}
	}
	before := m.Revisions().Alerts
	m.Apply([]Event{beat(6, "scheduler")})
	if m.Revisions().Alerts != before {
		t.Error("a heartbeat that says nothing new counts as a change")
	}
}

func TestTheManagersProcessHasAlertsBesideThoseOfItsState(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	snapshot := Snapshot{Source: SourceManager, Epoch: "1", Seq: map[string]uint64{}, Checklist: "{}\n", Alerts: []engine.Alert{{ID: 7, Key: "crash"}, {Key: "state store"}}}
	beat := func(seq uint64, alerts ...engine.Alert) {
		m.Apply([]Event{said(t, SourceManager, StreamDaemon, seq, nil, Heartbeat{Name: SourceManager, Alerts: alerts})})
	}
	want := func(what, want string) {
		t.Helper()
		if got := openAlerts(m); got != want {
			t.Errorf("%s: open are %s, want %s", what, got, want)
		}
	}
	if err := m.SetSnapshot(snapshot); err != nil {
		t.Fatal(err)
	}
	beat(1, engine.Alert{Key: "not reloaded"})
	want("a heartbeat", "[state store not reloaded crash]")
	if err := m.SetSnapshot(snapshot); err != nil {
		t.Fatal(err)
	}
	want("another snapshot", "[state store not reloaded crash]")
	beat(2)
	want("a heartbeat without it", "[state store crash]")
}

func TestOpenAlertsAreKeptBeforeThoseThatEnded(t *testing.T) {
	m := NewMirror(MirrorOptions{Alerts: 3})
	for n := range 5 {
		a := engine.Alert{Key: fmt.Sprint(n), Time: time.Unix(int64(n), 0)}
		if n == 2 || n == 3 {
			a.Ended = &a.Time
		}
		m.Apply([]Event{said(t, "scheduler", StreamAlert, uint64(n+1), nil, a)})
	}
	if got := openAlerts(m); got != "[0 1 4]" {
		t.Errorf("got %s, want those that are open", got)
	}
}

func TestAStandbyTakesNobodysPlace(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	m.Apply([]Event{said(t, SourceManager, StreamDaemon, 1, nil, Heartbeat{Name: SourceManager, Host: "opal"})})
	rival := said(t, SourceManager, StreamDaemon, 1, nil, Heartbeat{Name: SourceManager, Host: "salish", Standby: "opal"})
	rival.Epoch = "2"
	m.Apply([]Event{rival})
	if d, _ := m.Daemon(SourceManager); d.Host != "opal" {
		t.Errorf("the manager is on %s now", d.Host)
	}
	if d, known := m.Daemon(SourceManager + " standby"); !known || d.Host != "salish" {
		t.Errorf("got the standby %+v", d)
	}
}

func TestIncidentsNeedAnAnswerUntilTheyAreCertain(t *testing.T) {
	now := time.Unix(100, 0)
	m := NewMirror(MirrorOptions{Now: func() time.Time { return now }})
	step := func(what string, events []Event, need bool, want int) {
		t.Helper()
		now = now.Add(time.Second)
		m.Apply(events)
		if all, _ := m.Incidents(); m.NeedIncidents() != need || len(all) != want {
			t.Errorf("%s: got %d incidents, need %v; want %d, %v", what, len(all), m.NeedIncidents(), want, need)
		}
	}
	incidents := func(n int) []Incident { return make([]Incident, n) }
	beat := func(seq, last uint64) []Event {
		return []Event{said(t, SourceAlerter, StreamDaemon, seq, map[string]uint64{StreamIncident: last}, Heartbeat{Name: SourceAlerter})}
	}
	step("at first", nil, true, 0)
	step("an event has all", []Event{said(t, SourceAlerter, StreamIncident, 1, nil, incidents(2))}, false, 2)
	step("it says so", beat(1, 1), false, 2)
	step("one was missed", beat(2, 2), true, 2)
	m.SetIncidents(incidents(3), now.Add(-time.Hour))
	step("an old answer", nil, true, 2)
	m.SetIncidents(incidents(3), now.Add(time.Millisecond))
	step("an answer", nil, false, 3)
	step("it comes late after all", []Event{said(t, SourceAlerter, StreamIncident, 1, nil, incidents(9))}, false, 3)
	step("of somebody else", []Event{said(t, "scheduler", StreamIncident, 5, nil, incidents(9))}, false, 3)
}

func TestAMirrorOfSomeStreamsMissesNothingOfOthers(t *testing.T) {
	m := NewMirror(MirrorOptions{Streams: []string{StreamAlert}})
	if err := m.SetSnapshot(Snapshot{Source: SourceManager, Epoch: "1", Seq: map[string]uint64{StreamAlert: 1, StreamLaunch: 5}, Checklist: "{}\n"}); err != nil {
		t.Fatal(err)
	}
	m.Apply([]Event{said(t, SourceManager, StreamDaemon, 1, map[string]uint64{StreamAlert: 1, StreamLaunch: 900}, Heartbeat{Name: SourceManager})})
	if len(m.NeedSnapshot()) > 0 {
		t.Error("it asks for launches that nobody sends it")
	}
	m.Apply([]Event{said(t, SourceManager, StreamDaemon, 2, map[string]uint64{StreamAlert: 2, StreamLaunch: 900}, Heartbeat{Name: SourceManager})})
	if len(m.NeedSnapshot()) == 0 {
		t.Error("it does not ask though it has missed an alert")
	}
}
