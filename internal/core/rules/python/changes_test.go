package python

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/pyyaml"
)

// following tells how many keys the helper's checklist has and how long its values are, how many calls have seen this copy of
// it, and which process the helper is.
const following = `
import os
from nemo_nowcast import NextWorker
seen = {}

def after_w(msg, config, checklist):
    calls = seen[id(checklist)] = seen.get(id(checklist), []) + [checklist] # which keeps its id from being another's
    return NextWorker("m", [len(checklist), sum(map(len, checklist.values())), len(calls), os.getpid()])
`

// change is what the manager does with a message that no rule is asked about: here one with 100 kB for a key of its own.
func (b *bench) change(key int) {
	ch := b.checklist.Report("big", pyyaml.MapOf(fmt.Sprint(key), strings.Repeat("v", 100_000)))
	b.checklist.Apply(ch)
	b.Changed(ch)
}

func TestTheHelpersChecklistFollows(t *testing.T) {
	b := opened(t, following)
	pid := b.live.cmd.Process.Pid
	has := func(payload pyyaml.Value, keys, lengths, calls int) {
		t.Helper()
		if got, want := b.launches("w", payload), fmt.Sprint(keys, lengths, calls, pid); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	key := 0
	changes := func(n int) {
		t.Helper()
		for range n {
			b.change(key)
			key++
			if len(b.frames) > mostWaiting {
				t.Fatalf("%d bytes wait for the next call, want %d at most", len(b.frames), mostWaiting)
			}
		}
	}
	has("x", 1, 1, 1) // which sends the whole
	for call := range 6 {
		changes(20) // 2 MB
		has("x", 2, key+1, call+2)
	}
	changes(50) // 5 MB, more than waits: the whole is sent
	has("yy", 2, key+2, 1)
	changes(20) // to a checklist of 17 MB
	has("yy", 2, key+2, 2)
	changes(120) // more than twice as much as waits
	has("yy", 2, key+2, 1)
}

func TestChangesDoNotWaitForTheHelper(t *testing.T) {
	b := opened(t, following)
	pid := b.launches("w", "x")[len("1 1 1 "):]
	stopped, _ := strconv.Atoi(pid)
	syscall.Kill(stopped, syscall.SIGSTOP)
	for i := range 120 { // 12 MB are more than any pipe takes
		b.change(i)
	}
	syscall.Kill(stopped, syscall.SIGCONT)
	if got, want := b.launches("w", "x"), "2 121 1 "+pid; got != want {
		t.Errorf("got %q, want %q from the helper that was stopped meanwhile", got, want)
	}
	if said := b.said.String(); strings.Contains(said, "is started again") {
		t.Errorf("got the log\n%s\nwant that the helper was left alone", said)
	}
}
