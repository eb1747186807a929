package feed

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// batches returns a function that tells what a logBatch has sent.
func batches(b *logBatch) func() [][]LogRecord {
	var all [][]LogRecord
	b.flush = func(records []LogRecord) { all = append(all, append([]LogRecord(nil), records...)) }
	return func() [][]LogRecord {
		b.mu.Lock() // which flush is called with
		defer b.mu.Unlock()
		return all
	}
}

func TestLogRecordsWaitTenMillisecondsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b logBatch
		sent := batches(&b)
		for i := range 3 {
			b.add(LogRecord{Time: time.Now(), Message: fmt.Sprint(i)})
		}
		time.Sleep(batchDelay - 1)
		synctest.Wait()
		if len(sent()) != 0 {
			t.Errorf("got %d batches before 10 ms, want 0", len(sent()))
		}
		time.Sleep(1)
		synctest.Wait()
		if len(sent()) != 1 || len(sent()[0]) != 3 {
			t.Fatalf("got batches %v after 10 ms, want one of 3 records", sent())
		}
		time.Sleep(time.Hour)
		b.add(LogRecord{Time: time.Now(), Message: "later"})
		time.Sleep(batchDelay)
		synctest.Wait()
		if len(sent()) != 2 {
			t.Errorf("got %d batches, want 2", len(sent()))
		}
	})
}

func TestALargeBatchIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no 10 ms pass
		var b logBatch
		sent := batches(&b)
		for range 2 {
			b.add(LogRecord{Message: strings.Repeat("x", batchBytes/2)})
		}
		if len(sent()) != 1 {
			t.Errorf("got %d batches, want 1", len(sent()))
		}
		b.add(LogRecord{Message: "last words"})
		b.close()
		b.add(LogRecord{Message: "from the grave"})
		if len(sent()) != 2 || len(sent()[1]) != 1 {
			t.Errorf("got batches %v after close, want the second with one record", sent())
		}
	})
}

func TestNoTwoRecordsOfAProcessHaveOneTime(t *testing.T) {
	var b logBatch
	sent := batches(&b)
	now := dawn
	for _, at := range []time.Time{now, now, now.Add(-time.Microsecond), now.Add(time.Second), now.Add(-time.Hour)} {
		b.add(LogRecord{Time: at})
	}
	b.close()
	var got []time.Duration
	for _, r := range sent()[0] {
		got = append(got, r.Time.Sub(now))
	}
	want := []time.Duration{0, 1, 2, time.Second, -time.Hour} // an hour back is a clock that was set, and is left alone
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-) want (+):\n%s", diff)
	}
}

func TestABatchBecomesOneEventPerTopic(t *testing.T) {
	in, out := sockets(t)
	events := startHub(t, in, out).subscribe(t, out, StreamLog)
	p := publisher(t, in, "manager", PublisherOptions{})
	for i, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug, slog.LevelInfo, slog.LevelError + 4} {
		p.Log(LogRecord{Time: dawn, Name: "manager", Level: level, Message: fmt.Sprint(i)})
	}
	got := collect(t, events, func(all []Event) bool { return len(all) >= 3 })
	var topics []string
	for _, e := range got {
		topics = append(topics, e.Topic)
	}
	if diff := cmp.Diff(topics, []string{"log.manager.INFO", "log.manager.DEBUG", "log.manager.CRITICAL"}); diff != "" {
		t.Errorf("topics, got (-) want (+):\n%s", diff)
	}
	m := NewMirror(MirrorOptions{})
	m.Apply(got)
	if diff := cmp.Diff(messages(m), []string{"0", "1", "2", "3"}); diff != "" {
		t.Errorf("messages in the mirror, got (-) want (+):\n%s", diff)
	}
}

func TestLevelsHavePythonsNames(t *testing.T) {
	for l, want := range map[slog.Level]string{-8: "DEBUG", -4: "DEBUG", 0: "INFO", 3: "INFO", 4: "WARNING", 8: "ERROR", 11: "ERROR", 12: "CRITICAL", 99: "CRITICAL"} {
		if got := LevelName(l); got != want {
			t.Errorf("level %d: got %s, want %s", l, got, want)
		}
	}
}
