package aggregator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

var begin = time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)

func record(second int, name string, launch int64, message string) feed.LogRecord {
	return feed.LogRecord{Time: begin.Add(time.Duration(second) * time.Second), Name: name, Launch: launch, Message: message}
}

func event(t testing.TB, source, epoch string, seq uint64, records ...feed.LogRecord) feed.Event {
	t.Helper()
	body, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return feed.Event{Topic: "log." + source + ".INFO", Source: source, Stream: feed.StreamLog, Epoch: epoch, Seq: seq, Body: body}
}

// aggregate runs an Aggregator over the events, and returns it with what it logged.
func aggregate(t testing.TB, o Options, events ...feed.Event) (*Aggregator, string) {
	t.Helper()
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	in := make(chan []feed.Event, len(events))
	for _, e := range events {
		in <- []feed.Event{e}
	}
	close(in)
	o.Events = in
	a := New(o)
	if err := a.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, log.String()
}

func messages(records []feed.LogRecord) string {
	var m []string
	for _, r := range records {
		m = append(m, r.Message)
	}
	return strings.Join(m, ",")
}

func TestErrorsAreFoundBehindAnyNumberOfNewerLines(t *testing.T) {
	levels := []slog.Level{slog.LevelError + 4, slog.LevelDebug, slog.LevelError, slog.LevelWarn}
	var records []feed.LogRecord
	for i := range 304 {
		r := record(i, "manager", 0, fmt.Sprint(i))
		if i < len(levels) {
			r.Level = levels[i]
		}
		records = append(records, r)
	}
	a, _ := aggregate(t, Options{}, event(t, "manager", "e1", 1, records...))
	for want, level := range map[string]slog.Level{"0,2": slog.LevelError, "0,2,3": slog.LevelWarn} {
		// As it travels: a level is named in JSON.
		text, err := json.Marshal(control.LogsArgs{Last: 200, Level: &level})
		var args control.LogsArgs
		if err == nil {
			err = json.Unmarshal(text, &args)
		}
		if got := messages(a.Logs(args)); err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", text, got, err, want)
		}
	}
	info := slog.LevelInfo
	if got := len(a.Logs(control.LogsArgs{Level: &info})); got != 303 {
		t.Errorf("INFO and above: got %d records, want all but one, 303", got)
	}
}

func TestLogsSelectsTheNewestRecordsThatFit(t *testing.T) {
	a, _ := aggregate(t, Options{},
		event(t, "manager", "e1", 1, record(1, "manager", 0, "listening..."), record(4, "manager", 0, "Launching SLEEP")),
		event(t, "sleep", "e2", 1, record(2, "sleep", 7, "slept"), record(3, "sleep", 7, "done")),
		event(t, "sleep", "e3", 1, record(5, "sleep", 8, "slept again")),
	)
	for _, test := range []struct {
		name string
		args control.LogsArgs
		want string
	}{
		{"all, in order of time", control.LogsArgs{}, "listening...,slept,done,Launching SLEEP,slept again"},
		{"the last to arrive", control.LogsArgs{Last: 2}, "done,slept again"},
		{"of a logger", control.LogsArgs{Name: "sleep"}, "slept,done,slept again"},
		{"of a launch", control.LogsArgs{Launch: 7}, "slept,done"},
		{"since a time", control.LogsArgs{Since: begin.Add(4 * time.Second)}, "Launching SLEEP,slept again"},
		{"with a text, case ignored", control.LogsArgs{Search: "Sle"}, "slept,Launching SLEEP,slept again"},
		{"all at once, the last of these", control.LogsArgs{Name: "sleep", Search: "slept", Last: 1}, "slept again"},
		{"nothing", control.LogsArgs{Name: "nobody"}, ""},
		{"a number that makes no sense is none", control.LogsArgs{Last: -1, Name: "sleep", Launch: 8}, "slept again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := a.Logs(test.args)
			if diff := cmp.Diff(test.want, messages(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got == nil {
				t.Error("got nil, which is null in JSON, want a list")
			}
		})
	}
}

func TestWithoutANumberAThousandAreReturned(t *testing.T) {
	var records []feed.LogRecord
	for i := range 1500 {
		records = append(records, record(i, "a", 0, fmt.Sprint(i)))
	}
	a, _ := aggregate(t, Options{}, event(t, "a", "e", 1, records...))
	got := a.Logs(control.LogsArgs{})
	if len(got) != 1000 || got[0].Message != "500" || got[999].Message != "1499" {
		t.Errorf("got %d records from %s on, want 1000 from 500 on", len(got), got[0].Message)
	}
}

func TestTheOldestAreForgottenWhenThereAreTooMany(t *testing.T) {
	var events []feed.Event
	for i := range 50 {
		events = append(events, event(t, "a", "e", uint64(i+1), record(2*i, "a", 0, fmt.Sprint(2*i)), record(2*i+1, "a", 0, fmt.Sprint(2*i+1))))
	}
	a, _ := aggregate(t, Options{Keep: 3}, events...)
	if got := messages(a.Logs(control.LogsArgs{})); got != "97,98,99" {
		t.Errorf("got %s, want 97,98,99", got)
	}
}

func TestTheOldestAreForgottenWhenTheyTakeTooMuchMemory(t *testing.T) {
	var events []feed.Event
	for i := range 100 {
		events = append(events, event(t, "a", "e", uint64(i+1), record(i, "a", 0, fmt.Sprint(i)+strings.Repeat("x", 1000))))
	}
	a, _ := aggregate(t, Options{KeepBytes: 5000}, events...)
	got := a.Logs(control.LogsArgs{})
	if len(got) != 4 || !strings.HasPrefix(got[3].Message, "99x") {
		t.Errorf("got %d records, want the last 4 of some 1160 bytes", len(got))
	}
	if a.bytes > 5000 || a.bytes < 4000 {
		t.Errorf("got %d bytes, want some 4640", a.bytes)
	}
}

func TestAVeryLongMessageIsCutAndPushesNothingOut(t *testing.T) {
	a, _ := aggregate(t, Options{}, event(t, "a", "e", 1, record(1, "a", 0, "short"), record(2, "a", 0, strings.Repeat("ü", 1<<20))))
	got := a.Logs(control.LogsArgs{})
	if len(got) != 2 || got[0].Message != "short" {
		t.Fatalf("got %d records, want 2", len(got))
	}
	if m := got[1].Message; len(m) > longest+100 || !strings.HasSuffix(m, fmt.Sprintf("... (%d bytes more)", 2<<20-longest)) {
		t.Errorf("got %d bytes that end in %q", len(m), m[len(m)-40:])
	}
}

func TestLostEventsAreReportedAndRepeatedOnesIgnored(t *testing.T) {
	a, log := aggregate(t, Options{},
		event(t, "a", "e1", 7, record(1, "a", 0, "first seen")),
		event(t, "a", "e1", 8, record(2, "a", 0, "next")),
		event(t, "a", "e1", 8, record(2, "a", 0, "next")),
		event(t, "a", "e2", 1, record(3, "a", 0, "another life")),
		event(t, "a", "e1", 12, record(4, "a", 0, "three are missing")),
	)
	if got := messages(a.Logs(control.LogsArgs{})); got != "first seen,next,another life,three are missing" {
		t.Errorf("got %s", got)
	}
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "source=a events=3") {
		t.Errorf("got log %q, want one line about 3 events of a", log)
	}
}

func TestWhatIsNoRecordIsReported(t *testing.T) {
	bad := event(t, "a", "e", 1)
	bad.Body = json.RawMessage(`"x"`)
	other := event(t, "a", "e", 2, record(1, "a", 0, "x"))
	other.Stream = feed.StreamLaunch
	a, log := aggregate(t, Options{}, bad, other)
	if got := a.Logs(control.LogsArgs{}); len(got) != 0 || strings.Count(log, "log records cannot be read") != 1 {
		t.Errorf("got %v and log %q", got, log)
	}
}

func TestNumbersOfManyProcessesDoNotFillTheMemory(t *testing.T) {
	a := New(Options{Logger: slog.New(slog.DiscardHandler)})
	for i := range maxSources + 10 {
		a.take([]feed.Event{event(t, "a", fmt.Sprint(i), 1, record(i, "a", 0, "x"))})
	}
	if len(a.numbers) > maxSources {
		t.Errorf("got %d, want at most %d", len(a.numbers), maxSources)
	}
}

func TestRecordsMayBeAskedForWhileTheyArrive(t *testing.T) {
	in := make(chan []feed.Event)
	a := New(Options{Logger: slog.New(slog.DiscardHandler), Events: in, Keep: 100})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		defer close(in)
		for i := range 500 {
			in <- []feed.Event{event(t, "a", "e", uint64(i+1), record(i, "a", 0, fmt.Sprint(i)))}
		}
	})
	wg.Go(func() {
		for range 500 {
			got := a.Logs(control.LogsArgs{Last: 10})
			for i := 1; i < len(got); i++ {
				if got[i].Time.Before(got[i-1].Time) {
					t.Errorf("got %s, want them in order", messages(got))
					return
				}
			}
		}
	})
	wg.Wait()
	if got := messages(a.Logs(control.LogsArgs{Last: 2})); got != "498,499" {
		t.Errorf("got %s, want 498,499", got)
	}
}

func BenchmarkTake(b *testing.B) {
	a := New(Options{Logger: slog.New(slog.DiscardHandler)})
	var records []feed.LogRecord
	for i := range 100 {
		records = append(records, record(i, "manager", 0, "received message from make_plots: (success nowcast) plots done"))
	}
	e := event(b, "manager", "e", 0, records...)
	b.ReportMetric(100, "records/op")
	for b.Loop() {
		e.Seq++
		a.take([]feed.Event{e})
	}
}

func BenchmarkSearchInAFullHistory(b *testing.B) {
	a := New(Options{Logger: slog.New(slog.DiscardHandler)})
	for i := range DefaultKeep {
		a.keep([]feed.LogRecord{record(i, "manager", 0, "received message from make_plots: (success nowcast) plots done")})
	}
	for b.Loop() {
		a.Logs(control.LogsArgs{Search: "not there"})
	}
}
