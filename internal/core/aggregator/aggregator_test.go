package aggregator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/wire"
)

// places are the files, the history and the feed of a test.
type places struct {
	mu      sync.Mutex
	files   []logging.Relayed
	history []feed.LogRecord
	live    []feed.LogRecord
	alerts  []engine.Alert
	settled []string
	log     bytes.Buffer
	blocked sync.Mutex // held while the disk hangs
}

func (p *places) Relay(r []logging.Relayed) {
	p.blocked.Lock()
	defer p.blocked.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files = append(p.files, r...)
}

func (p *places) Add(r []feed.LogRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.history = append(p.history, r...)
}

func (p *places) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *places) options() Options {
	return Options{
		Name: "log_aggregator", Host: "here", Files: p, History: p, Logger: slog.New(slog.NewTextHandler(p, nil)),
		Local: func(address string) bool { return address == "127.0.0.1" },
		Publish: func(r feed.LogRecord) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.live = append(p.live, r)
		},
		Alert: func(a engine.Alert) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.alerts = append(p.alerts, a)
		},
		Settle: func(key, _ string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.settled = append(p.settled, key)
		},
	}
}

// see reads what has come to the places so far.
func (p *places) see(f func(p *places)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

func (p *places) logged() (text string) {
	p.see(func(p *places) { text = p.log.String() })
	return text
}

func (p *places) written() (lines []string) {
	p.see(func(p *places) {
		for _, r := range p.files {
			lines = append(lines, fmt.Sprintf("%d [%s] %s", r.Level, r.LoggerName, r.Message))
		}
	})
	return lines
}

// start runs an aggregator until stop is called.
func start(t testing.TB, o Options) (a *Aggregator, stop func()) {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Run(ctx) })
	return a, func() { cancel(); running.Wait() }
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

// publisher is a socket that publishes frames.
type publisher struct {
	t    testing.TB
	conn *wire.Conn
	Publisher
}

func publish(t testing.TB, name string, kind wire.Kind) *publisher {
	t.Helper()
	conn, err := wire.Open(wire.Options{Kind: kind, Bind: []string{"tcp://127.0.0.1:*"}, SendQueue: -1, Linger: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &publisher{t, conn, Publisher{name, "127.0.0.1", wire.Port(conn.Endpoints()[0])}}
}

func (p *publisher) send(frames ...string) {
	p.t.Helper()
	var f wire.Frames
	for _, frame := range frames {
		f = append(f, []byte(frame))
	}
	if err := p.conn.Send(f); err != nil {
		p.t.Fatal(err)
	}
}

// joined says something until it has come through, and forgets it.
func (p *publisher) joined(at *places) {
	p.t.Helper()
	line := fmt.Sprintf("10 [%s] joined", p.Name)
	eventually(p.t, "the subscription of "+p.Name, func() bool {
		p.send(p.Name+".DEBUG", "joined\n")
		return slices.Contains(at.written(), line)
	})
	p.send(p.Name+".DEBUG", "settled\n")
	eventually(p.t, "the last of it", func() bool { return slices.Contains(at.written(), fmt.Sprintf("10 [%s] settled", p.Name)) })
	at.see(func(at *places) { at.files, at.history, at.live = nil, nil, nil })
}

func TestFramesOfEveryKindHurtNobody(t *testing.T) {
	at := &places{}
	p := publish(t, "python", wire.Pub)
	o := at.options()
	o.Publishers = []Publisher{p.Publisher}
	_, stop := start(t, o)
	defer stop()
	p.joined(at)
	long := strings.Repeat("long ", 10<<20/5)
	for _, test := range []struct {
		name   string
		frames []string
		want   string // in the files; "" nothing
		log    string // in the aggregator's own log
	}{
		{"a usual record", []string{"sleep.INFO", "slept\n"}, "20 [sleep] slept", ""},
		{"lines, and one newline at the end of it", []string{"sleep.ERROR", "a\nb\n\n"}, "40 [sleep] a\nb\n", ""},
		{"no newline at the end, as after a traceback", []string{"sleep.CRITICAL", "a\n\ntrace"}, "50 [sleep] a\n\ntrace", ""},
		{"dots in the name", []string{"nowcast.workers.sleep.WARNING", "x\n"}, "30 [nowcast.workers.sleep] x", ""},
		{"a subtopic", []string{"sleep.INFO.sub.topic", "x\n"}, "20 [sleep] x", ""},
		{"colons", []string{"a::b.INFO.c::d", "x::y\n"}, "20 [a::b] x::y", ""},
		{"a level without a name", []string{"sleep.Level 25", "x\n"}, "25 [sleep] x", ""},
		{"an unknown level", []string{"sleep.NOTICE", "x\n"}, "30 [sleep] x", `records of sleep come with the level \"NOTICE\"`},
		{"it again", []string{"sleep.NOTICE", "y\n"}, "30 [sleep] y", ""},
		{"no level", []string{"sleep", "x\n"}, "30 [sleep] x", ""},
		{"nothing at all", []string{"", ""}, "30 [] ", ""},
		{"not UTF-8", []string{"sl\xffep.INFO", "\xe9t\xe9 \u00fc\n"}, `20 [sl\xffep] \xe9t\xe9 ü`, ""},
		{"control characters", []string{"sleep.INFO", "\x1b[31mred\x00\a\r\n"}, "20 [sleep] \x1b[31mred\x00\a\r", ""},
		{"one frame", []string{"sleep.INFO"}, "", `a message of 1 frames from 127.0.0.1 was dropped`},
		{"three frames", []string{"sleep.INFO", "a", "b"}, "", ""},
		{"a long line", []string{"sleep.INFO", long}, "20 [sleep] " + long, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			logged := len(at.logged())
			at.see(func(at *places) { at.files = nil })
			p.send(test.frames...)
			p.send("good.INFO", "good\n")
			want := []string{test.want, "20 [good] good"}
			if test.want == "" {
				want = want[1:]
			}
			eventually(t, "the good record", func() bool { return len(at.written()) >= len(want) })
			if diff := cmp.Diff(want, at.written()); diff != "" {
				t.Errorf("(-want +got):\n%.2000s", diff)
			}
			if got := at.logged()[logged:]; (test.log == "") != (got == "") || !strings.Contains(got, test.log) {
				t.Errorf("got the log %q, want %q", got, test.log)
			}
		})
	}
	eventually(t, "the long line in the history", func() bool {
		return slices.ContainsFunc(at.history, func(r feed.LogRecord) bool { return strings.HasSuffix(r.Message, "bytes more)") })
	})
}

func event(t testing.TB, source, epoch string, seq uint64, records ...feed.LogRecord) feed.Event {
	t.Helper()
	body, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return feed.Event{Topic: "log." + source + ".INFO", Source: source, Stream: feed.StreamLog, Epoch: epoch, Seq: seq, Body: body}
}

func TestEveryRecordIsOnceInEveryPlace(t *testing.T) {
	at := &places{}
	python, ours := publish(t, "python", wire.Pub), publish(t, "ours", wire.XPub)
	o := at.options()
	o.Publishers = []Publisher{python.Publisher, ours.Publisher}
	events := make(chan []feed.Event)
	o.Events = events
	o.Local = func(string) bool { return true }
	_, stop := start(t, o)
	defer stop()
	python.joined(at)
	ours.joined(at)
	python.send("python.INFO", "from Python\n")
	ours.send("ours.INFO", "ours\n")
	events <- []feed.Event{
		event(t, "ours", "e", 1, feed.LogRecord{Name: "ours", Message: "ours", PID: 7, Published: true}),
		event(t, "sleep", "e", 1, feed.LogRecord{Time: time.Unix(1, 5), Level: slog.LevelError, Name: "sleep", Message: "no port"}),
		event(t, "log_aggregator", "e", 1, feed.LogRecord{Name: "log_aggregator", Message: "own"}),
		event(t, "log_aggregator", "e", 2, feed.LogRecord{Name: "python", Message: "from Python", Published: true}), // comes back
	}
	eventually(t, "all records", func() bool { return len(at.written()) == 3 && len(at.history) >= 4 })
	stop()
	sorted := func(texts []string) string { slices.Sort(texts); return strings.Join(texts, "; ") }
	if got, want := sorted(at.written()), "20 [ours] ours; 20 [python] from Python; 40 [sleep] no port"; got != want {
		t.Errorf("files: got %s, want %s", got, want)
	}
	var kept, live []string
	for _, r := range at.history {
		kept = append(kept, fmt.Sprintf("%s %s %d", r.Host, r.Message, r.PID))
	}
	for _, r := range at.live {
		live = append(live, fmt.Sprintf("%s %s %v", r.Name, r.Message, r.Published))
	}
	if got, want := sorted(kept), " no port 0;  ours 7;  own 0; here from Python 0"; got != want {
		t.Errorf("history: got %s, want %s", got, want)
	}
	if got, want := sorted(live), "python from Python true"; got != want {
		t.Errorf("feed: got %s, want %s", got, want)
	}
	for _, r := range at.files {
		if r.LoggerName == "sleep" && !r.Time.Equal(time.Unix(1, 5)) {
			t.Errorf("got the time %v of a record that has one", r.Time)
		}
	}
}

func TestAPublisherOfOursOnAnotherHostIsNotOnTheFeed(t *testing.T) {
	at := &places{}
	p := publish(t, "remote", wire.XPub)
	o := at.options()
	o.Publishers, o.Local = []Publisher{p.Publisher}, func(string) bool { return false }
	_, stop := start(t, o)
	p.joined(at)
	p.send("remote.INFO", "x\n")
	eventually(t, "the record", func() bool { return len(at.written()) == 1 })
	stop()
	if len(at.history) != 1 || len(at.live) != 1 || at.history[0].Host != "127.0.0.1" {
		t.Errorf("got the history %+v and the feed %+v, want the record, from 127.0.0.1, in both", at.history, at.live)
	}
}

func TestWithLocalLoggingNothingIsWritten(t *testing.T) {
	at := &places{}
	o := at.options()
	o.Files = nil
	events := make(chan []feed.Event)
	o.Events = events
	_, stop := start(t, o)
	events <- []feed.Event{event(t, "manager", "e", 1, feed.LogRecord{Name: "manager", Message: "x"})}
	stop()
	if len(at.files) != 0 || len(at.history) != 1 {
		t.Errorf("got %d lines and %d records in the history, want 0 and 1", len(at.files), len(at.history))
	}
}

func TestWhatIsLostIsCountedAndSaid(t *testing.T) {
	at := &places{}
	p := publish(t, "noisy", wire.Pub)
	o := at.options()
	o.Publishers, o.queueBytes = []Publisher{p.Publisher}, 100_000
	_, stop := start(t, o)
	p.joined(at)
	at.blocked.Lock() // the disk hangs
	const sent = 20_000
	for i := range sent {
		p.send("noisy.INFO", fmt.Sprintf("%d %s\n", i, strings.Repeat("x", 100)))
	}
	lost := func() (n int) {
		for line := range strings.Lines(at.logged()) {
			if _, after, ok := strings.Cut(line, `msg="`); ok && strings.Contains(line, "records of noisy were lost") {
				var one int
				fmt.Sscan(after, &one)
				n += one
			}
		}
		return n
	}
	eventually(t, "the alert", func() bool { return strings.Contains(at.logged(), "noisy were lost") && len(at.alerts) == 1 })
	at.blocked.Unlock()
	eventually(t, "the end of the account", func() bool { return len(at.written())+lost() == sent })
	stop()
	if n := lost(); n == 0 || len(at.written())+n != sent {
		t.Errorf("got %d written and %d lost, want %d together", len(at.written()), n, sent)
	}
	if got := at.alerts[0]; got.Kind != "log records lost" || !strings.Contains(got.Message, "noisy") {
		t.Errorf("got the alert %+v", got)
	}
}

func TestWhatHasArrivedIsWrittenBeforeTheEnd(t *testing.T) {
	at := &places{}
	a, err := New(at.options())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		a.queue.put(work{records: []feed.LogRecord{{Name: "sleep", Message: fmt.Sprint(i)}}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Run(ctx)
	if len(at.files) != 100 || len(at.history) != 100 {
		t.Errorf("got %d lines and %d records in the history, want 100 of each", len(at.files), len(at.history))
	}
}

func TestSubscriptionsFollowTheConfiguration(t *testing.T) {
	at := &places{}
	one, two := publish(t, "one", wire.Pub), publish(t, "two", wire.Pub)
	o := at.options()
	o.Publishers = []Publisher{one.Publisher}
	a, stop := start(t, o)
	defer stop()
	one.joined(at)
	if err := a.Subscribe([]Publisher{two.Publisher}); err != nil {
		t.Fatal(err)
	}
	two.joined(at)
	one.send("one.INFO", "too late\n")
	two.joined(at)
	for _, want := range []string{
		fmt.Sprintf("subscribed to 127.0.0.1 port %d for all messages from one", one.Port),
		fmt.Sprintf("subscribed to 127.0.0.1 port %d for all messages from two", two.Port),
		fmt.Sprintf("no longer subscribed to 127.0.0.1 port %d for messages from one", one.Port),
	} {
		if strings.Count(at.logged(), want) != 1 {
			t.Errorf("got the log\n%s\nwant once %q", at.logged(), want)
		}
	}
	if strings.Contains(strings.Join(at.written(), "\n"), "too late") {
		t.Error("got a record of a publisher that was left")
	}
}

func TestAWrongAddressChangesNoSubscription(t *testing.T) {
	at := &places{}
	one, two := publish(t, "one", wire.Pub), publish(t, "two", wire.Pub)
	o := at.options()
	o.Publishers = []Publisher{one.Publisher, {"other", one.Host, one.Port}}
	a, stop := start(t, o)
	defer stop()
	one.joined(at)
	before := at.logged()
	if err := a.Subscribe([]Publisher{two.Publisher, {"wrong", "127.0.0.1", -1}}); err == nil || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v, want an error that names the publisher", err)
	}
	one.joined(at)
	two.send("two.INFO", "not wanted\n")
	one.joined(at)
	if got := at.logged(); got != before || strings.Contains(strings.Join(at.written(), ""), "not wanted") {
		t.Errorf("got the log %q and the records %q", got, at.written())
	}
}

func TestPublishersAreReadFromTheConfiguration(t *testing.T) {
	got := Publishers("salish", map[string][]string{"workers": {"5562", "arbutus:5563"}, "manager": {"5561"}})
	want := []Publisher{{"manager", "salish", 5561}, {"workers", "salish", 5562}, {"workers", "arbutus", 5563}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLostEventsAreReportedAndRepeatedOnesIgnored(t *testing.T) {
	at := &places{}
	o := at.options()
	events := make(chan []feed.Event)
	o.Events = events
	_, stop := start(t, o)
	bad := event(t, "b", "e", 1)
	bad.Body = json.RawMessage(`"x"`)
	r := func(m string) feed.LogRecord { return feed.LogRecord{Name: "a", Message: m, Published: true} }
	events <- []feed.Event{
		event(t, "a", "e1", 7, r("first seen")), event(t, "a", "e1", 8, r("next")), event(t, "a", "e1", 8, r("next")),
		event(t, "a", "e2", 1, r("another life")), event(t, "a", "e1", 12, r("three are missing")), bad,
	}
	stop()
	var got []string
	for _, r := range at.history {
		got = append(got, r.Message)
	}
	if want := "first seen,next,another life,three are missing"; strings.Join(got, ",") != want {
		t.Errorf("got %s, want %s", got, want)
	}
	log := at.logged()
	if strings.Count(log, "\n") != 2 || !strings.Contains(log, "source=a events=3") || !strings.Contains(log, "cannot be read") {
		t.Errorf("got log %q, want a line about 3 events of a and one about what is no record", log)
	}
}

func TestAFloodIsNotSentToTheConsoles(t *testing.T) {
	at := &places{}
	o := at.options()
	l := live{o: &o}
	now := time.Unix(1000, 0)
	l.send(make([]feed.LogRecord, livePerSecond-1), now)
	l.send(make([]feed.LogRecord, 10), now.Add(time.Millisecond))
	l.send(make([]feed.LogRecord, 10), now.Add(2*time.Millisecond))
	if n := len(at.live); n != livePerSecond+1 || !strings.Contains(at.live[livePerSecond].Message, "are not shown here") {
		t.Errorf("got %d records, want %d and then one that says that there are more", n, livePerSecond)
	}
	l.send(make([]feed.LogRecord, 1), now.Add(time.Second))
	if len(at.live) != livePerSecond+2 {
		t.Errorf("in the next second: got %d records, want %d", len(at.live), livePerSecond+2)
	}
}

func TestLossesAreSaidOnceASecondAndAsAnAlertOnceAMinuteUntilTheyAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &places{}
		o := at.options()
		l := newLosses(&o)
		var running sync.WaitGroup
		running.Go(l.report)
		l.add(map[string]int{"noisy": 3})
		time.Sleep(50 * time.Millisecond) // what follows never comes at the moment at which it is said, which is once a second from now
		for range 130 * 10 {              // 130 seconds
			l.add(map[string]int{"noisy": 3})
			time.Sleep(100 * time.Millisecond)
		}
		l.gap("deaf", 7)
		time.Sleep(time.Second)
		l.gap("deaf", 7) // within the same minute
		time.Sleep(9 * time.Minute)
		settled := func() (all []string) {
			at.see(func(p *places) { all = slices.Clone(p.settled) })
			return all
		}
		if all := settled(); len(all) > 0 {
			t.Errorf("settled too early: %q", all)
		}
		time.Sleep(2 * time.Minute)
		if want := []string{lostAlert, gapAlert}; !slices.Equal(settled(), want) {
			t.Errorf("settled %q, want %q", settled(), want)
		}
		l.close()
		running.Wait()
		if n := strings.Count(at.logged(), "\n"); n < 125 || n > 135 {
			t.Errorf("got %d lines, want one a second", n)
		}
		if n := len(at.alerts); n != 4 || at.alerts[3].Key != gapAlert || !strings.HasPrefix(at.alerts[3].Message, "7 events with log records never came") {
			t.Errorf("got the alerts %+v, want 3 of records that were lost and one of 7 events", at.alerts)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, topic := range []string{"sleep.INFO", "a.b.c.ERROR.sub", "x", "", ".", "..INFO", "a.Level 25", "a.Level x", "\xff.\xfe", "a::b.DEBUG.c::d"} {
		f.Add(topic, "text\n", 2)
	}
	f.Fuzz(func(t *testing.T, topic, text string, frames int) {
		m := wire.Collected{Topic: topic, Text: text, Frames: frames}
		r, ok := parseRecord(&m)
		if ok != (frames == 2) {
			t.Fatalf("%d frames: got %v", frames, ok)
		}
		if r.name != valid(r.name) || r.message != valid(r.message) || len(r.name) > longestName {
			t.Fatalf("got %+v, want UTF-8", r)
		}
		if want := strings.TrimSuffix(text, "\n"); ok && valid(want) == want && r.message != want {
			t.Fatalf("got %q, want %q", r.message, want)
		}
	})
}
