package feed

import (
	"strings"
	"testing"
	"time"
)

// scheduled is an event with entries of these names.
func scheduled(epoch string, seq uint64, names ...string) Event {
	return event(SourceScheduler, StreamSchedule, epoch, seq, named(names...))
}

func named(names ...string) []ScheduleEntry {
	entries := []ScheduleEntry{}
	for _, name := range names {
		entries = append(entries, ScheduleEntry{ID: name})
	}
	return entries
}

// schedulerBeat is a heartbeat of a scheduler that has published so many events of the schedule.
func schedulerBeat(epoch string, last uint64) Event {
	e := event(SourceScheduler, StreamDaemon, epoch, 1, Heartbeat{Name: SourceScheduler, Every: 2 * time.Second})
	e.Last = map[string]uint64{StreamSchedule: last}
	return e
}

func (d *desk) wantSchedule(t *testing.T, need bool, names ...string) {
	t.Helper()
	var got []string
	entries, _ := d.Schedule()
	for _, e := range entries {
		got = append(got, e.ID)
	}
	if strings.Join(got, " ") != strings.Join(names, " ") || d.NeedSchedule() != need {
		t.Errorf("got entries %v, need %v; want %v, %v", got, d.NeedSchedule(), names, need)
	}
}

func TestTheScheduleIsWhatTheSchedulerSaidLast(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.wantSchedule(t, true)
	if _, known := d.Schedule(); known || !d.ScheduleAsOf().IsZero() {
		t.Error("a schedule is known before the scheduler was heard")
	}
	d.Apply([]Event{scheduled("one", 3, "a", "b")})
	d.wantSchedule(t, false, "a", "b")
	d.Apply([]Event{scheduled("one", 2, "old"), scheduled("one", 3, "twice")})
	d.wantSchedule(t, false, "a", "b")
	d.Apply([]Event{scheduled("one", 9, "a")}) // each has all entries: a gap does not matter
	d.wantSchedule(t, false, "a")
	d.Apply([]Event{event("somebody", StreamSchedule, "x", 1, named("not his"))})
	d.wantSchedule(t, false, "a")
	bad := scheduled("one", 10)
	bad.Body = []byte(`{`)
	d.Apply([]Event{bad})
	d.wantSchedule(t, false, "a")
	if got := d.Counts(); got.Malformed != 1 || got.Ignored != 3 {
		t.Errorf("got %+v, want 1 malformed and 3 ignored", got)
	}
	d.Apply([]Event{scheduled("two", 1)})
	d.wantSchedule(t, false)
}

func TestAHeartbeatShowsThatAScheduleWasMissed(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.Apply([]Event{scheduled("one", 3, "a"), schedulerBeat("one", 3)})
	d.wantSchedule(t, false, "a")
	d.now = d.now.Add(time.Second)
	d.Apply([]Event{schedulerBeat("one", 4)})
	d.wantSchedule(t, true, "a")
	d.SetSchedule(named("a", "b"), d.now)
	d.wantSchedule(t, false, "a", "b")
	d.now = d.now.Add(time.Second)
	d.Apply([]Event{schedulerBeat("two", 0)}) // started anew, and has not said anything yet
	d.wantSchedule(t, true, "a", "b")
	d.SetSchedule(named("c"), d.now)
	d.wantSchedule(t, false, "c")
}

func TestAnAnswerNeverTakesThePlaceOfWhatIsNewer(t *testing.T) {
	d := newDesk(MirrorOptions{})
	asked := d.now
	d.now = d.now.Add(time.Second)
	d.Apply([]Event{scheduled("one", 1, "newer")})
	d.SetSchedule(named("older"), asked)
	d.wantSchedule(t, false, "newer")

	asked = d.now
	d.now = d.now.Add(time.Second)
	d.Apply([]Event{schedulerBeat("one", 2)}) // published after the question, maybe after the answer
	d.SetSchedule(named("answer"), asked)
	d.wantSchedule(t, true, "answer")
}

func TestTheScheduleSaysHowOldItIs(t *testing.T) {
	d := newDesk(MirrorOptions{})
	d.Apply([]Event{scheduled("one", 1, "a")})
	heard := d.now.Add(2 * time.Second)
	d.now = heard
	d.Apply([]Event{schedulerBeat("one", 1)})
	d.now = d.now.Add(2 * time.Second)
	d.Apply([]Event{schedulerBeat("one", 2), launched("x", 1, 1)}) // there is a newer one that we do not have
	if got := d.ScheduleAsOf(); !got.Equal(heard) {
		t.Errorf("the schedule is as of %v, want %v", got, heard)
	}
}
