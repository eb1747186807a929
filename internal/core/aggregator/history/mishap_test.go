package history

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

func TestASecondLogAggregatorIsKeptOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	first, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), dir+".lock") || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("got %v, want an error that names the file and says what to do", err)
	}
	first.Close()
	again, err := Lock(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	again.Close()
}

// TestAFileThatSomebodyRemovesCostsWhatItHad asks a History that has nothing in memory: what is found is in a file.
func TestAFileThatSomebodyRemovesCostsWhatItHad(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(path string) error
		want string
	}{
		{"it is removed", os.Remove, "2,3"},
		{"it is renamed", func(path string) error { return os.Rename(path, path+".old") }, "2,3"},
		{"it is emptied", func(path string) error { return os.Truncate(path, 0) }, "2,3"},
		{"another one is in its place", func(path string) error {
			os.Rename(path, path+".old")
			return os.WriteFile(path, bytes.Repeat([]byte("x\n"), 1000), 0o600)
		}, "2,3"},
		{"it is made longer", func(path string) error { return os.Truncate(path, 10_000) }, "1,2,3"}, // what comes is written where ours ends
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			h := open(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			h.Add([]feed.LogRecord{record(1, "a", "1")})
			path := h.segments[0].path
			if err := test.do(path); err != nil {
				t.Fatal(err)
			}
			h.Add([]feed.LogRecord{record(2, "a", "2")})
			h.Add([]feed.LogRecord{record(3, "a", "3")})
			if got := messages(all(t, open(t, Options{Dir: h.o.Dir}), control.LogsArgs{})); got != test.want {
				t.Errorf("got %s in the files, want %s", got, test.want)
			}
			wantLines := 0
			if !strings.HasPrefix(test.want, "1") {
				wantLines = 1
			}
			if got := log.String(); strings.Count(got, "level=WARN") != wantLines || wantLines > 0 && !strings.Contains(got, path) {
				t.Errorf("got the log\n%s\nwant %d warnings, with the name of the file", got, wantLines)
			}
		})
	}
}

// TestAWrongClockHidesNothing: the clock is a day ahead for a while, or behind, as that of a machine without a battery.
func TestAWrongClockHidesNothing(t *testing.T) {
	const hour = 3600
	for _, test := range []struct {
		name   string
		clocks []int // seconds, of record 0, 1, ...
	}{
		{"ahead at first", []int{24 * hour, 1, 2, 3}},
		{"ahead in between", []int{1, 24 * hour, 2, 3}},
		{"behind in between", []int{1, -24 * hour, 2, 3}},
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, ", restarts ", restarts), func(t *testing.T) {
				var now time.Time
				o := Options{Dir: filepath.Join(t.TempDir(), "logs"), Now: func() time.Time { return now }}
				h := open(t, o)
				var want []string
				for i, second := range test.clocks {
					now = begin.Add(time.Duration(second) * time.Second)
					if restarts {
						h.Close()
						h = open(t, o)
					}
					h.Add([]feed.LogRecord{record(second, "a", fmt.Sprint(i))})
					os.Chtimes(h.segments[len(h.segments)-1].path, now, now)
					if 0 <= second && second < hour {
						want = append(want, fmt.Sprint(i))
					}
				}
				for _, forward := range []bool{false, true} {
					args := control.LogsArgs{Since: begin, Until: begin.Add(hour * time.Second), Forward: forward}
					if got := messages(all(t, open(t, o), args)); got != strings.Join(want, ",") {
						t.Errorf("forward %v: got %s, want %s", forward, got, strings.Join(want, ","))
					}
				}
			})
		}
	}
}
