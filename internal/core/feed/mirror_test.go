package feed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
)

// desk is a mirror with a clock that the test moves.
type desk struct {
	*Mirror
	now time.Time
}

func newDesk(o MirrorOptions) *desk {
	d := &desk{now: time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)}
	o.Now = func() time.Time { return d.now }
	d.Mirror = NewMirror(o)
	return d
}

func event(source, stream, epoch string, seq uint64, body any) Event {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return Event{Topic: stream, Source: source, Stream: stream, Epoch: epoch, Seq: seq, Body: text}
}

func launched(epoch string, seq uint64, ids ...int64) Event {
	var body []launch.Launch
	for _, id := range ids {
		body = append(body, launch.Launch{ID: id, State: launch.Running})
	}
	return event(SourceManager, StreamLaunch, epoch, seq, body)
}

func snapshotAt(epoch string, seq uint64, ids ...int64) Snapshot {
	s := Snapshot{Source: SourceManager, Epoch: epoch, Seq: map[string]uint64{StreamLaunch: seq}}
	for _, id := range ids {
		s.Launches = append(s.Launches, launch.Launch{ID: id, State: launch.Running})
	}
	return s
}

func beat(epoch string, seq uint64, last uint64) Event {
	e := event(SourceManager, StreamDaemon, epoch, seq, Heartbeat{Name: SourceManager, Every: 2 * time.Second})
	e.Last = map[string]uint64{StreamLaunch: last}
	return e
}

func (d *desk) set(t *testing.T, s Snapshot) {
	t.Helper()
	if err := d.SetSnapshot(s); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) want(t *testing.T, needs bool, ids ...int64) {
	t.Helper()
	var got []int64
	for _, l := range d.Launches() {
		got = append(got, l.ID)
	}
	if diff := cmp.Diff(got, ids); diff != "" {
		t.Errorf("launches, got (-) want (+):\n%s", diff)
	}
	if need := d.NeedSnapshot(); (len(need) > 0) != needs {
		t.Errorf("got need of a snapshot from %v, want need: %v", need, needs)
	}
}

func TestMirrorFollowsOneSource(t *testing.T) {
	for name, play := range map[string]func(t *testing.T, d *desk){
		"a new mirror needs a snapshot": func(t *testing.T, d *desk) {
			d.want(t, true)
		},
		"events from before the snapshot are dropped, later ones are applied": func(t *testing.T, d *desk) {
			d.Apply([]Event{launched("A", 6, 1), launched("A", 7, 2), launched("A", 8, 3)})
			d.want(t, true)
			d.set(t, snapshotAt("A", 7, 1, 2))
			d.want(t, false, 3, 2, 1)
		},
		"a snapshot older than the first event is asked for again": func(t *testing.T, d *desk) {
			d.Apply([]Event{launched("A", 8, 3)})
			d.set(t, snapshotAt("A", 6, 1))
			d.want(t, true, 1)
			d.set(t, snapshotAt("A", 8, 1, 2, 3))
			d.want(t, false, 3, 2, 1)
		},
		"an event that comes twice is applied once": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 0))
			d.Apply([]Event{launched("A", 1, 1), launched("A", 1, 1), launched("A", 2, 2)})
			d.want(t, false, 2, 1)
			if got := d.Counts().Ignored; got != 1 {
				t.Errorf("got %d ignored events, want 1", got)
			}
		},
		"after a gap nothing is applied until the snapshot comes": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 0))
			d.Apply([]Event{launched("A", 1, 1), launched("A", 3, 3), launched("A", 4, 4)})
			d.want(t, true, 1)
			d.set(t, snapshotAt("A", 3, 1, 2, 3))
			d.want(t, false, 4, 3, 2, 1)
			if got := d.Counts().Gaps; got != 1 {
				t.Errorf("got %d gaps, want 1", got)
			}
		},
		"a heartbeat shows that the last event was lost": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 4))
			d.Apply([]Event{beat("A", 1, 4)})
			d.want(t, false)
			d.Apply([]Event{beat("A", 2, 5)})
			d.want(t, true)
		},
		"a heartbeat that came before the snapshot shows that the snapshot is too old": func(t *testing.T, d *desk) {
			d.Apply([]Event{beat("A", 1, 5)})
			d.set(t, snapshotAt("A", 4))
			d.want(t, true)
		},
		"a late answer to an earlier question does not turn back the clock": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{launched("A", 2, 2)})
			d.set(t, snapshotAt("A", 1, 1))
			d.want(t, false, 2, 1)
		},
		"a restart is noticed by an event": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{launched("B", 1, 2)})
			d.want(t, true, 1)
			d.set(t, snapshotAt("B", 0, 1))
			d.want(t, false, 2, 1)
		},
		"a restart is noticed by a heartbeat": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{beat("B", 1, 0)})
			d.want(t, true, 1)
			d.set(t, snapshotAt("B", 0, 1))
			d.want(t, false, 1)
		},
		"an answer of the process before the restart does not hide the restart": func(t *testing.T, d *desk) {
			d.Apply([]Event{launched("B", 1, 2)})
			d.set(t, snapshotAt("A", 9, 1))
			d.want(t, true, 1)
			d.set(t, snapshotAt("B", 1, 1, 2))
			d.want(t, false, 2, 1)
		},
		"the same if only a heartbeat was heard of the new one": func(t *testing.T, d *desk) {
			d.Apply([]Event{beat("B", 1, 0)})
			d.set(t, snapshotAt("A", 9, 1))
			d.want(t, true, 1)
		},
		"the last words of a process that was replaced are ignored": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.set(t, snapshotAt("B", 0, 1))
			d.Apply([]Event{launched("A", 2, 7), beat("A", 9, 9)})
			d.want(t, false, 1)
		},
		"if it goes on to speak it is asked after some time": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.set(t, snapshotAt("B", 0, 1))
			d.now = d.now.Add(dismissal)
			d.Apply([]Event{beat("A", 9, 1)})
			d.want(t, true, 1)
			d.set(t, snapshotAt("B", 0, 1))
			d.want(t, true, 1)
			d.set(t, snapshotAt("B", 0, 1))
			d.want(t, false, 1)
		},
		"a change that cannot be read leads to a snapshot": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{event(SourceManager, StreamLaunch, "A", 2, "nonsense")})
			d.want(t, true, 1)
		},
		"a checklist change that cannot be read leads to a snapshot": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{event(SourceManager, StreamChecklist, "A", 1, []ChecklistChange{{Op: "set", YAML: "]["}})})
			d.want(t, true, 1)
		},
		"a stream of a later version is passed over": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{event(SourceManager, "tide", "A", 1, 1), event(SourceManager, "tide", "A", 2, 1)})
			d.want(t, false, 1)
		},
		"another daemon cannot change the launches": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			d.Apply([]Event{event("scheduler", StreamLaunch, "A", 2, []launch.Launch{{ID: 9}})})
			d.want(t, false, 1)
		},
		"a snapshot of somebody else is refused": func(t *testing.T, d *desk) {
			if err := d.SetSnapshot(Snapshot{Source: "scheduler"}); err == nil {
				t.Error("got no error")
			}
			d.want(t, true)
		},
		"a snapshot whose checklist cannot be read changes nothing": func(t *testing.T, d *desk) {
			d.set(t, snapshotAt("A", 1, 1))
			bad := snapshotAt("A", 2, 1, 2)
			for _, bad.Checklist = range []string{"][", "a list", "[1]"} {
				if err := d.SetSnapshot(bad); err == nil {
					t.Errorf("got no error for checklist %q", bad.Checklist)
				}
			}
			d.want(t, false, 1)
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, newDesk(MirrorOptions{})) })
	}
}

func TestOldFinishedLaunchesAreForgottenFirst(t *testing.T) {
	d := newDesk(MirrorOptions{Finished: 2})
	s := snapshotAt("A", 0, 1, 2)
	s.Launches = append(s.Launches, launch.Launch{ID: 3, State: launch.Failed}, launch.Launch{ID: 4, State: launch.Lost})
	d.set(t, s)
	d.want(t, false, 4, 3, 2, 1)
	d.Apply([]Event{event(SourceManager, StreamLaunch, "A", 1, []launch.Launch{{ID: 2, State: launch.Succeeded}, {ID: 5, State: launch.Running}})})
	d.want(t, false, 5, 4, 3, 1)
	if _, ok := d.Launch(2); ok {
		t.Error("launch 2 is the oldest finished one of three, got it, want it forgotten")
	}
}

func TestADaemonIsSilentAfterThreeMissedHeartbeats(t *testing.T) {
	d := newDesk(MirrorOptions{})
	h := Heartbeat{Name: "broker", PID: 7, Every: 2 * time.Second}
	d.Apply([]Event{event("broker", StreamDaemon, "A", 1, h)})
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {6 * time.Second, false}, {6*time.Second + 1, true}} {
		b, _ := d.Daemon("broker")
		if got := b.Silent(d.now.Add(c.after)); got != c.want {
			t.Errorf("after %v got silent %v, want %v", c.after, got, c.want)
		}
	}

	h.Stopped = true
	d.Apply([]Event{event("broker", StreamDaemon, "A", 2, h)})
	if b, _ := d.Daemon("broker"); !b.Stopped || b.Silent(d.now.Add(time.Hour)) {
		t.Errorf("after its goodbye got %+v, want stopped and not silent", b)
	}
	h.PID, h.Stopped = 8, false
	d.Apply([]Event{event("broker", StreamDaemon, "B", 1, h)})
	h.PID, h.Stopped = 7, true
	d.Apply([]Event{event("broker", StreamDaemon, "A", 2, h)})
	if b, _ := d.Daemon("broker"); b.Stopped || b.PID != 8 {
		t.Errorf("after a late goodbye of its predecessor got %+v, want the new one, running", b)
	}
	if got := len(d.NeedSnapshot()); got != 1 {
		t.Errorf("a broker's heartbeats satisfied the need of a snapshot: got %d sources, want 1", got)
	}
}

func TestAgeIsSinceTheSourceWasHeardOf(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.Apply([]Event{event("broker", StreamDaemon, "A", 1, Heartbeat{Name: "broker"})})
	if _, ok := d.Age(d.now); ok || !d.AsOf().IsZero() {
		t.Error("the manager was never heard of, got an age")
	}
	d.Apply([]Event{beat("A", 1, 0)})
	if got, _ := d.Age(d.now.Add(12 * time.Second)); got != 12*time.Second {
		t.Errorf("got age %v, want 12s", got)
	}
}

func TestAlertsWithoutANumberStandSideBySide(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.set(t, snapshotAt("A", 0))
	at := func(second int, kind string) engine.Alert {
		return engine.Alert{Time: d.now.Add(time.Duration(second) * time.Second), Kind: kind}
	}
	d.Apply([]Event{
		event(SourceManager, StreamAlert, "A", 1, at(1, "a")),
		event(SourceManager, StreamAlert, "A", 2, at(2, "b")),
		event(SourceManager, StreamAlert, "A", 3, at(1, "c")),
	})
	if diff := cmp.Diff(d.Alerts(), []Raised{{SourceManager, at(1, "c")}, {SourceManager, at(2, "b")}}); diff != "" {
		t.Errorf("alerts, got (-) want (+):\n%s", diff)
	}
}

func TestAlertsOfAllDaemonsAreSortedByTimeAndReplacedByID(t *testing.T) {
	d := newDesk(MirrorOptions{Alerts: 3})
	at := func(id int64, second int, kind string) engine.Alert {
		return engine.Alert{ID: id, Time: d.now.Add(time.Duration(second) * time.Second), Kind: kind}
	}
	s := snapshotAt("A", 0)
	s.Alerts = []engine.Alert{at(1, 0, "a"), at(2, 4, "b")}
	d.set(t, s)
	d.Apply([]Event{
		event("scheduler", StreamAlert, "X", 1, at(1, 2, "c")),
		event(SourceManager, StreamAlert, "A", 1, at(3, 3, "d")),
		event(SourceManager, StreamAlert, "A", 2, at(3, 3, "e")),
		event("scheduler", StreamAlert, "X", 2, "nonsense"),
	})
	if diff := cmp.Diff(d.Alerts(), []Raised{{"scheduler", at(1, 2, "c")}, {SourceManager, at(3, 3, "e")}, {SourceManager, at(2, 4, "b")}}); diff != "" {
		t.Errorf("alerts, got (-) want (+):\n%s", diff)
	}
	d.set(t, snapshotAt("B", 0))
	if diff := cmp.Diff(d.Alerts(), []Raised{{"scheduler", at(1, 2, "c")}}); diff != "" {
		t.Errorf("after a snapshot without alerts, got (-) want (+):\n%s", diff)
	}
}

func TestChecklistChangesAreCarriedOutAndRemembered(t *testing.T) {
	d := newDesk(MirrorOptions{})
	s := snapshotAt("A", 0)
	s.Checklist = "weather:\n  '06': done\nwaves: none\n"
	d.set(t, s)
	d.Apply([]Event{event(SourceManager, StreamChecklist, "A", 1, []ChecklistChange{
		{Author: "collect_weather", Op: "update", YAML: "weather:\n  '12': late\n  2031-05-17: yes\n"},
		{Author: "sue@salish", Op: "set", YAML: "waves: [1, .nan]\n"},
	})})
	text := string(pyyaml.Encode(d.Checklist()))
	if want := "waves:\n- 1\n- .nan\nweather:\n  '06': done\n  '12': late\n  2031-05-17: true\n"; text != want {
		t.Errorf("got checklist\n%swant\n%s", text, want)
	}
	date := pyyaml.Date{Year: 2031, Month: 5, Day: 17}
	if diff := cmp.Diff(d.Touched(), []Touch{
		{At: d.now, Author: "collect_weather", Op: "update", Key: "weather", Items: []pyyaml.Value{"12", date}},
		{At: d.now, Author: "sue@salish", Op: "set", Key: "waves"},
	}); diff != "" {
		t.Errorf("touched, got (-) want (+):\n%s", diff)
	}
	d.Apply([]Event{event(SourceManager, StreamChecklist, "A", 2, []ChecklistChange{{Op: "clear"}})})
	if got := d.Checklist().Len(); got != 0 {
		t.Errorf("after clear got %d keys, want 0", got)
	}
}

func TestRevisionsSayWhatChanged(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.set(t, snapshotAt("A", 0))
	before := d.Revisions()
	d.Apply([]Event{launched("A", 1, 1)})
	got := d.Revisions()
	before.Launches++
	if diff := cmp.Diff(got, before); diff != "" {
		t.Errorf("after one launch event, got (-) want (+):\n%s", diff)
	}
	d.Apply([]Event{launched("A", 1, 1), beat("A", 1, 1)})
	before.Daemons++
	if diff := cmp.Diff(d.Revisions(), before); diff != "" {
		t.Errorf("after a repeated event and a heartbeat, got (-) want (+):\n%s", diff)
	}
}

func TestWhatWaitsForASnapshotIsBounded(t *testing.T) {
	d := newDesk(MirrorOptions{})
	for seq := range uint64(3 * maxWaiting) {
		d.Apply([]Event{launched("A", seq+1, int64(seq+1))})
	}
	if got := len(d.follow.kept.events); got > maxWaiting {
		t.Errorf("got %d events waiting, want at most %d", got, maxWaiting)
	}
	d.set(t, snapshotAt("A", 2*maxWaiting, 1))
	if need := d.NeedSnapshot(); len(need) != 0 {
		t.Errorf("the snapshot and what was kept join, got need of another from %v", need)
	}
	d.Apply([]Event{launched("B", 1, 1)})
	for i := range 10 * maxRivals {
		d.Apply([]Event{launched(fmt.Sprint("C", i), 1, 1)})
	}
	if got := len(d.follow.rivals); got > maxRivals {
		t.Errorf("got %d rival epochs, want at most %d", got, maxRivals)
	}
}

func TestNonsenseFromStrangersIsCountedAndForgotten(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.set(t, snapshotAt("A", 0))
	d.Apply([]Event{
		{}, {Stream: StreamLog, Body: json.RawMessage(`{`)}, {Stream: StreamDaemon, Body: json.RawMessage(`[]`)},
		event("x", StreamDaemon, "", 0, Heartbeat{}), event("x", StreamAlert, "", 0, 1), event(strings.Repeat("x", 100), "", "", 0, nil),
	})
	c := d.Counts()
	if c.Malformed != 4 || c.Ignored != 2 {
		t.Errorf("got %+v, want 4 malformed and 2 ignored", c)
	}
	d.want(t, false)
}
