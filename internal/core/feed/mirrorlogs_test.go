package feed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var dawn = time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)

func line(ms int, name, message string) LogRecord {
	return LogRecord{Time: dawn.Add(time.Duration(ms) * time.Millisecond), Name: name, Message: message}
}

func logged(source, epoch string, seq uint64, records ...LogRecord) Event {
	return event(source, StreamLog, epoch, seq, records)
}

func messages(m *Mirror) []string {
	var all []string
	for _, r := range m.Logs() {
		all = append(all, r.Message)
	}
	return all
}

func TestLogRecordsOfAllProcessesAreMergedByTime(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	m.Apply([]Event{logged("manager", "A", 1, line(1, "manager", "launching"), line(9, "manager", "acknowledged"))})
	m.Apply([]Event{
		logged("sleep", "B", 1, line(5, "sleep", "first")),
		logged("sleep", "B", 2, line(9, "sleep", "equal time, came later")),
		logged("manager", "A", 2, line(8, "manager", "delayed")),
	})
	if diff := cmp.Diff(messages(m), []string{"launching", "first", "delayed", "acknowledged", "equal time, came later"}); diff != "" {
		t.Errorf("got (-) want (+):\n%s", diff)
	}
	if got := m.LogTotal(); got != 5 {
		t.Errorf("got total %d, want 5", got)
	}
}

func TestMissedLogEventsAreCountedPerProcess(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	m.SetSnapshot(snapshotAt("A", 0))
	m.Apply([]Event{
		logged("w", "A", 7, line(0, "w", "joined late, which is no loss")),
		logged("w", "B", 1, line(1, "w", "another instance")),
		logged("w", "A", 8, line(2, "w", "8")),
		logged("w", "A", 8, line(2, "w", "8")),
		logged("w", "A", 11, line(3, "w", "9 and 10 are missing")),
		logged("w", "B", 3, line(4, "w", "2 is missing")),
	})
	if got := m.Counts(); got.MissedLogs != 3 || got.Ignored != 1 {
		t.Errorf("got %+v, want 3 missed and 1 ignored", got)
	}
	if len(m.NeedSnapshot()) != 0 {
		t.Error("lost log lines led to a snapshot")
	}
	for i := range 3 * maxLogSources {
		m.Apply([]Event{logged("w", fmt.Sprint("C", i), 1, line(5, "w", "short life"))})
	}
	if got := len(m.logs.seen); got > maxLogSources {
		t.Errorf("got %d processes remembered, want at most %d", got, maxLogSources)
	}
}

func TestHistoryIsAddedBeforeAndWithoutWhatIsThere(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	m.Apply([]Event{logged("w", "A", 1, line(2, "w", "both"), line(2, "w", "both"), line(4, "w", "live"))})
	m.AddHistory([]LogRecord{line(1, "w", "old"), line(2, "w", "both"), line(2, "w", "both"), line(2, "w", "both"), line(3, "v", "between")})
	if diff := cmp.Diff(messages(m), []string{"old", "both", "both", "both", "between", "live"}); diff != "" {
		t.Errorf("got (-) want (+):\n%s", diff)
	}
	revision := m.Revisions().Logs
	m.AddHistory(slices.Clone(m.Logs()))
	if got := len(m.Logs()); got != 6 || m.Revisions().Logs != revision {
		t.Errorf("the same history again: got %d records, revision %d, want 6 and %d", got, m.Revisions().Logs, revision)
	}
}

func TestOnlyTheNewestLogRecordsAreKept(t *testing.T) {
	for name, o := range map[string]MirrorOptions{
		"by number": {Logs: 100},
		"by size":   {LogBytes: 100 * (128 + 5)},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMirror(o)
			for i := range 1000 {
				m.Apply([]Event{logged("w", "A", uint64(i+1), line(i, "w", fmt.Sprintf("%05d", i)))})
				logs := m.Logs()
				if want := min(100, i+1); len(logs) != want {
					t.Fatalf("after %d records got %d, want %d", i+1, len(logs), want)
				}
				if got, want := logs[len(logs)-1].Message, fmt.Sprintf("%05d", i); got != want {
					t.Fatalf("got newest %s, want %s", got, want)
				}
			}
			if got := len(m.logs.records); got > 300 {
				t.Errorf("got %d records in memory, want about 100", got)
			}
			m.AddHistory([]LogRecord{line(-1, "w", "too old")})
			if got := m.Logs()[0].Message; got != "00900" {
				t.Errorf("old history pushed out newer records: got oldest %s, want 00900", got)
			}
		})
	}
}

func TestMergingEqualsSortingAsLongAsTheDisorderIsSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := NewMirror(MirrorOptions{Logs: 50_000})
	var all []LogRecord
	for i := range 5000 {
		all = append(all, line(i+random.IntN(200), "w", fmt.Sprint(i)))
	}
	seq := uint64(0)
	for rest := all; len(rest) > 0; {
		n := min(len(rest), 1+random.IntN(50))
		seq++
		m.Apply([]Event{logged("w", "A", seq, rest[:n]...)})
		rest = rest[n:]
	}
	got := m.Logs()
	if !slices.IsSortedFunc(got, byTime) || len(got) != len(all) {
		t.Errorf("got %d records, sorted: %v, want %d, sorted", len(got), slices.IsSortedFunc(got, byTime), len(all))
	}
	if m.logs.bytes != weigh(got) {
		t.Errorf("got %d bytes accounted, want %d", m.logs.bytes, weigh(got))
	}
}

func weigh(records []LogRecord) (n int) {
	for i := range records {
		n += records[i].weight()
	}
	return n
}

func BenchmarkMirrorTakes100kLogLines(b *testing.B) {
	var events []Event
	for i := range 200 {
		var records []LogRecord
		for j := range 500 {
			records = append(records, LogRecord{Time: dawn.Add(time.Duration(i*500+j) * time.Microsecond), Name: "make_plots",
				Message: "rendering figure surface_currents for 2031-05-17 06:30 into a file of some length.png", Host: "salish", PID: 12345, Launch: 77})
		}
		events = append(events, logged("make_plots", "A", uint64(i+1), records...))
	}
	b.ReportAllocs()
	for b.Loop() {
		m := NewMirror(MirrorOptions{})
		for i := range events {
			m.Apply(events[i : i+1])
		}
	}
}
