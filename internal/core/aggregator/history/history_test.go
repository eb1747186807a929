package history

import (
	"bytes"
	gocmp "cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

var begin = time.Date(2021, 5, 17, 5, 40, 0, 0, time.UTC)

func record(second int, name string, message string) feed.LogRecord {
	return feed.LogRecord{Time: begin.Add(time.Duration(second) * time.Second), Name: name, Message: message}
}

func open(t testing.TB, o Options) *History {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "logs")
	}
	if o.Limit == 0 {
		o.Limit = 1 << 30
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := Open(o)
	t.Cleanup(func() { h.Close() })
	return h
}

func ask(t testing.TB, h *History, args control.LogsArgs) feed.LogPage {
	t.Helper()
	p, err := h.Logs(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// all pages through everything that args selects.
func all(t testing.TB, h *History, args control.LogsArgs) []feed.LogRecord {
	t.Helper()
	var found []feed.LogRecord
	for range 100_000 {
		p := ask(t, h, args)
		if args.Forward {
			found = append(found, p.Records...)
			args.After = p.Newer
		} else {
			found = append(slices.Clip(p.Records), found...)
			args.Before = p.Older
			if p.Older != "" && p.Reached.IsZero() {
				t.Fatal("got a page with more before it that does not say how far back it goes")
			}
		}
		if args.After == "" && args.Before == "" {
			return found
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

func messages(records []feed.LogRecord) string {
	var m []string
	for _, r := range records {
		m = append(m, r.Message)
	}
	return strings.Join(m, ",")
}

// text is a message with whatever a line must not break at.
func text(random *rand.Rand) string {
	words := []string{"Launching", "make_plots", "ERROR", "no such file", "\n", "\t", `\`, `\n`, `\x1b`, "\x1b[31m", "\r", "Überlauf", "ÜBERLAUF", "日本", "2031-05-17", "\x00", "\u2028", "é", ""}
	var b strings.Builder
	for range random.IntN(12) {
		b.WriteString(words[random.IntN(len(words))])
		b.WriteString([]string{" ", ""}[random.IntN(2)])
	}
	return b.String()
}

// write adds records in batches. before is told the last of each.
func write(h *History, random *rand.Rand, n int, before func(feed.LogRecord)) (records []feed.LogRecord) {
	for i := range n {
		records = append(records, feed.LogRecord{
			Time:  begin.Add(time.Duration(i)*time.Second + time.Duration(random.IntN(3_000))*time.Millisecond),
			Level: slog.Level(4 * (random.IntN(5) - 1)), Name: []string{"manager", "a.b", "make_plots", "tab\tbed"}[random.IntN(4)],
			Host: []string{"", "salish"}[random.IntN(2)], PID: random.IntN(3), Message: text(random),
		})
		if l := int64(random.IntN(4)); !records[i].Time.Before(launched(l)) {
			records[i].Launch = l
		}
	}
	for rest := records; len(rest) > 0; {
		n := min(1+random.IntN(40), len(rest))
		before(rest[n-1])
		h.Add(rest[:n])
		rest = rest[n:]
	}
	return records
}

func question(random *rand.Rand) control.LogsArgs {
	args := control.LogsArgs{Last: 100 + random.IntN(500), Forward: random.IntN(2) == 0}
	pick := func(of ...string) string {
		if random.IntN(2) == 0 {
			return ""
		}
		return of[random.IntN(len(of))]
	}
	args.Name = pick("manager", "a.b", "tab\tbed", "nobody")
	args.Search = pick("launching", "LAUNCHING M", "such", "\n", "\\", "n", `\n`, "überlauf", "Ü", "日", "\x1b", "31m", "2031-05", "x1b", "\x00")
	if random.IntN(3) == 0 {
		args.Launch = int64(random.IntN(4))
		args.Worker = pick("manager", "a.b", "tab\tbed", "nobody")
		if args.From = launched(args.Launch); random.IntN(2) == 0 {
			args.To = args.From.Add(time.Duration(random.IntN(1000)) * time.Second)
		}
	}
	if random.IntN(3) == 0 {
		level := slog.Level(4 * (random.IntN(5) - 1))
		args.Level = &level
	}
	if random.IntN(2) == 0 {
		args.Since = begin.Add(time.Duration(random.IntN(3000)) * time.Second)
	}
	if random.IntN(2) == 0 {
		args.Until = begin.Add(time.Duration(random.IntN(3000)) * time.Second)
	}
	return args
}

// TestEveryQuestionIsAnsweredAsByLookingAtEachRecord compares with the plainest filter there is. Memory is small, so that most is
// read from files, and segments are small, so that there are several.
func TestEveryQuestionIsAnsweredAsByLookingAtEachRecord(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), "logs")
	now := begin
	h := open(t, Options{Dir: dir, Keep: 100, segment: 100_000, Now: func() time.Time { return now }})
	records := write(h, random, 3000, func(last feed.LogRecord) { now = last.Time.Add(5 * time.Second) })
	if n := len(h.segments); n < 3 {
		t.Fatalf("got %d segments, want several", n)
	}
	compare := func(h *History) {
		for range 50 {
			args := question(random)
			want := []feed.LogRecord{}
			for _, r := range records {
				if (args.Name == "" || r.Name == args.Name) && ofLaunch(args, r) && (args.Level == nil || r.Level >= *args.Level) &&
					!r.Time.Before(args.Since) && (args.Until.IsZero() || !r.Time.After(args.Until)) &&
					strings.Contains(strings.ToLower(r.Message), strings.ToLower(args.Search)) {
					want = append(want, r)
				}
			}
			got := all(t, h, args)
			byText := func(a, b feed.LogRecord) int {
				return gocmp.Or(a.Time.Compare(b.Time), gocmp.Compare(a.PID, b.PID), strings.Compare(a.Name, b.Name), strings.Compare(a.Message, b.Message))
			}
			slices.SortFunc(got, byText)
			slices.SortFunc(want, byText)
			if diff := cmp.Diff(want, append([]feed.LogRecord{}, got...)); diff != "" {
				t.Fatalf("%+v: (-want +got):\n%.3000s", args, diff)
			}
		}
	}
	compare(h)
	again := open(t, Options{Dir: dir, Keep: 100, segment: 100_000}) // the first one was not closed, as after kill -9
	compare(again)
}

// launched is when a launch of write's began.
func launched(n int64) time.Time { return begin.Add(time.Duration(n) * 700 * time.Second) }

// ofLaunch tells whether a record is of the launch that is asked for.
func ofLaunch(args control.LogsArgs, r feed.LogRecord) bool {
	switch {
	case args.Launch == 0:
		return true
	case r.Launch == 0 && args.Worker != "" && args.Worker == r.Name:
		return !r.Time.Before(args.From) && (args.To.IsZero() || !r.Time.After(args.To))
	}
	return r.Launch == args.Launch
}

func TestAPageHasTheNewestInTheOrderOfTimeAndSaysWhetherThereIsMore(t *testing.T) {
	h := open(t, Options{Keep: 3})
	for i := range 10 {
		h.Add([]feed.LogRecord{record(10*i+5, "a", fmt.Sprint(i)), record(10*i, "b", fmt.Sprint(i, "b"))})
	}
	p := ask(t, h, control.LogsArgs{Last: 4})
	if got := messages(p.Records); got != "8b,8,9b,9" {
		t.Errorf("got %s", got)
	}
	p = ask(t, h, control.LogsArgs{Last: 3, Before: p.Older})
	if got := messages(p.Records); got != "6b,7b,7" {
		t.Errorf("before: got %s", got)
	}
	if p = ask(t, h, control.LogsArgs{Name: "a"}); p.Older != "" || len(p.Records) != 10 {
		t.Errorf("got %d records and the cursor %q, want all 10 and none", len(p.Records), p.Older)
	}
	if p = ask(t, h, control.LogsArgs{Last: 2, Forward: true}); messages(p.Records) != "0b,0" || p.Newer == "" {
		t.Errorf("forward: got %s and the cursor %q", messages(p.Records), p.Newer)
	}
	if p = ask(t, h, control.LogsArgs{Name: "nobody"}); p.Records == nil {
		t.Error("got nil, which is null in JSON, want a list")
	}
	if _, err := h.Logs(t.Context(), control.LogsArgs{Before: "x"}); err == nil || !strings.Contains(err.Error(), `"x" is not a place`) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsHalfALineIsPassedOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	h := open(t, Options{Dir: dir})
	h.Add([]feed.LogRecord{record(1, "a", "one"), record(2, "a", "two")})
	h.Close()
	file := h.segments[0].path
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	line := appendLine(nil, &feed.LogRecord{Time: begin, Name: "a", Message: "garbage"})
	for _, garbage := range [][]byte{[]byte("garbage\n"), bytes.Repeat([]byte("\t"), 9), {'\n', 0, 0, 0, '\n'}, line[5:], bytes.Repeat([]byte("x"), 3*blockSize), {'\n'}, line[:len(line)-4]} {
		f.Write(garbage)
	}
	f.Close()
	h = open(t, Options{Dir: dir})
	h.Add([]feed.LogRecord{record(3, "a", "three")})                                                            // the line that was cut does not swallow it
	for want, args := range map[string]control.LogsArgs{"garb,one,two,three": {}, "one,three": {Search: "e"}} { // half a message still is a record
		for _, args.Forward = range []bool{false, true} {
			if got := messages(all(t, h, args)); got != want {
				t.Errorf("%+v: got %s, want %s", args, got, want)
			}
		}
	}
	if got := messages(all(t, open(t, Options{Dir: dir}), control.LogsArgs{})); !strings.HasSuffix(got, "three") {
		t.Errorf("after another restart: got %s", got)
	}
}

func TestTheOldestAreRemovedWhenAllTakeTooMuch(t *testing.T) {
	const limit = 400_000
	h := open(t, Options{Limit: limit, Keep: 10})
	for i := range 2000 {
		h.Add([]feed.LogRecord{record(i, "a", fmt.Sprint(i)+strings.Repeat("x", 1000))})
		if i%100 == 0 {
			if size := onDisk(t, h.o.Dir); size > limit {
				t.Fatalf("after %d records: got %d bytes, want at most %d", i, size, limit)
			}
		}
	}
	got := all(t, h, control.LogsArgs{})
	if n := len(got); n < 200 || n > 400 || got[n-1].Time != begin.Add(1999*time.Second) {
		t.Errorf("got %d records up to %v, want the newest, in 3 or 4 segments of 100", n, got[n-1].Time)
	}
	h.SetLimit(limit / 4)
	for i := range 200 {
		h.Add([]feed.LogRecord{record(3000+i, "a", strings.Repeat("x", 1000))})
	}
	if size := onDisk(t, h.o.Dir); size > limit/4 {
		t.Errorf("with a lower limit: got %d bytes, want at most %d", size, limit/4)
	}
}

func onDisk(t *testing.T, dir string) (size int64) {
	t.Helper()
	found, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found {
		size += s.size
	}
	return size
}

// TestPagesGoOnWhileRecordsArriveAndSegmentsAreRemoved pages through a history that is written to and cut at the same time.
func TestPagesGoOnWhileRecordsArriveAndSegmentsAreRemoved(t *testing.T) {
	h := open(t, Options{Limit: 200_000, Keep: 50})
	add := func(from, n int) {
		for i := range n {
			h.Add([]feed.LogRecord{record(from+i, "a", fmt.Sprint(from+i, strings.Repeat(" x", 50)))})
		}
	}
	add(0, 1500)
	var work sync.WaitGroup
	work.Go(func() { add(1500, 3000) })
	for reader := range 3 {
		work.Go(func() {
			for range 20 {
				got := all(t, h, control.LogsArgs{Last: 100, Forward: reader == 0})
				for i := 1; i < len(got); i++ {
					if got[i].Time.Sub(got[i-1].Time) != time.Second && !(reader == 0 && got[i].Time.After(got[i-1].Time)) {
						t.Errorf("got %v after %v, want each once, without a gap", got[i].Time, got[i-1].Time)
						return
					}
				}
				if len(got) == 0 {
					t.Error("got no records")
				}
			}
		})
	}
	work.Wait()
}

func TestAFullDiskIsSaidOnceAndTheNewestStayInMemory(t *testing.T) {
	var log bytes.Buffer
	parent := filepath.Join(t.TempDir(), "logs")
	if err := os.WriteFile(parent, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	h := open(t, Options{Dir: parent, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	log.Reset()
	for i := range 30 {
		h.Add([]feed.LogRecord{record(i, "a", fmt.Sprint(i))})
	}
	for _, forward := range []bool{false, true} {
		if got := all(t, h, control.LogsArgs{Last: 7, Forward: forward}); len(got) != 30 {
			t.Errorf("forward %v: got %s, want all 30", forward, messages(got))
		}
	}
	os.Remove(parent)
	h.Add([]feed.LogRecord{record(30, "a", "30")})
	if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), "written again") || !strings.Contains(log.String(), "=30") {
		t.Errorf("got the log\n%s\nwant a line when it began and one when it was over, with 30 records", log.String())
	}
	if got := all(t, h, control.LogsArgs{Last: 7}); len(got) != 31 {
		t.Errorf("got %s, want all 31", messages(got))
	}
}

func TestAVeryLongMessageIsCut(t *testing.T) {
	h := open(t, Options{})
	h.Add([]feed.LogRecord{record(1, "a", "short"), record(2, "a", strings.Repeat("ü\x00", 1<<20))})
	again := open(t, Options{Dir: h.o.Dir})
	for _, h := range []*History{h, again} {
		got := all(t, h, control.LogsArgs{})
		if len(got) != 2 || got[0].Message != "short" || got[1].Message != feed.CutMessage(strings.Repeat("ü\x00", 1<<20)) {
			t.Errorf("got %d records, the last ending in %q", len(got), got[len(got)-1].Message[len(got[len(got)-1].Message)-40:])
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "a\tb\nc\\d\r\x00\x7f", `\`, `\x`, `\x1`, `\xzz`, "ü"} {
		f.Add(s, "name", int64(7))
	}
	f.Fuzz(func(t *testing.T, message, name string, launch int64) {
		want := feed.LogRecord{Time: begin, Level: slog.LevelWarn, Name: name, Host: "h", PID: 3, Launch: launch, Message: message}
		line := appendLine(nil, &want)
		if bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("got %q, want one line", line)
		}
		if got, ok := parseLine(line[:len(line)-1]); !ok || got != want {
			t.Fatalf("got %+v, %v; want %+v", got, ok, want)
		}
		parseLine([]byte(message)) // must not panic
	})
}

// BenchmarkSearch looks for what is not there in some 300 MB.
func BenchmarkSearch(b *testing.B) {
	h := open(b, Options{Limit: 2 << 30})
	var batch []feed.LogRecord
	for i := range 1000 {
		batch = append(batch, record(i, "make_plots", fmt.Sprint(i, " received message from make_plots: (success nowcast) plots done /results/2031-05-17")))
	}
	for range 2000 {
		h.Add(batch)
	}
	level := slog.LevelError
	bytes := int64(0)
	for _, s := range h.segments {
		bytes += s.size
	}
	for name, args := range map[string]control.LogsArgs{
		"text": {Search: "Not There"}, "often": {Search: "2031", Name: "nobody"}, "name": {Name: "nobody"}, "level": {Level: &level}, "unicode": {Search: "Ü"}, "last 200": {Last: 200, Before: h.end().String()},
	} {
		b.Run(name, func(b *testing.B) {
			if args.Last == 0 {
				b.SetBytes(bytes)
			}
			for b.Loop() {
				for args := args; ; {
					p := ask(b, h, args)
					if args.Before = p.Older; args.Before == "" || args.Last > 0 {
						break
					}
				}
			}
		})
	}
}
