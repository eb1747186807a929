package logging

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// burstFile is a log file of a daemon and what is in it.
func burstFile(t *testing.T, bursts bool) (f *file, written func() int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.log")
	f = &file{path: path, format: &formatter{}, bursts: bursts, trouble: &trouble{what: path, say: func(_ int, text string) { t.Error(text) }}}
	return f, func() int {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
}

func emitAll(f *file, level, n int) {
	for range n {
		f.emit(&record{time: time.Now(), level: level, message: "x"})
	}
}

func TestFewLinesAreWrittenAtOnceAndThoseOfABurstSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, written := burstFile(t, true)
		defer f.close()
		emitAll(f, 20, burstFrom)
		if got := written(); got != burstFrom {
			t.Errorf("got %d lines, want the first %d at once", got, burstFrom)
		}
		emitAll(f, 20, 100)
		if got := written(); got != burstFrom {
			t.Errorf("got %d lines, want the rest of the burst to wait", got)
		}
		time.Sleep(burstTime)
		synctest.Wait()
		if got := written(); got != burstFrom+100 {
			t.Errorf("got %d lines after %v, want all %d", got, burstTime, burstFrom+100)
		}
		emitAll(f, 20, 1)
		if got := written(); got != burstFrom+101 {
			t.Errorf("got %d lines, want the next one at once, as the burst is over", got)
		}
	})
}

func TestWhatDoesNotWaitTakesTheBurstWithIt(t *testing.T) {
	for name, hurry := range map[string]func(*file){
		"a warning":     func(f *file) { emitAll(f, warning, 1) },
		"another batch": func(f *file) { f.emitLines(&lines{text: []byte("x\n"), ends: []int{2}, at: time.Now()}) },
		"the end": func(f *file) {
			if err := f.close(); err != nil {
				panic(err)
			}
		},
		"too many": func(f *file) { emitAll(f, 20, burstSize) },
	} {
		t.Run(name, func(t *testing.T) {
			f, written := burstFile(t, true)
			defer f.close()
			emitAll(f, 20, burstFrom+10)
			hurry(f)
			if got := written(); got < burstFrom+10 {
				t.Errorf("got %d lines, want all %d", got, burstFrom+10)
			}
		})
	}
}

func TestAWorkerLeavesNoLineWaiting(t *testing.T) {
	f, written := burstFile(t, false)
	defer f.close()
	emitAll(f, 20, 100)
	if got := written(); got != 100 {
		t.Errorf("got %d lines, want 100", got)
	}
}

func TestLinesOfABurstThatCannotBeWrittenAreCounted(t *testing.T) {
	f, _ := burstFile(t, true)
	said := ""
	f.trouble.say = func(_ int, text string) { said = text }
	emitAll(f, 20, burstFrom+10)
	f.mu.Lock()
	f.f.Close()
	f.flush()
	f.mu.Unlock()
	if got := f.trouble.lost.Load(); got != 10 || said == "" {
		t.Errorf("got %d lines counted as lost and %q said, want 10 and what is wrong", got, said)
	}
}
