package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestThreadsOfLibzmqDoNotInterruptOurs looks at all threads of this process: those of libzmq, which names them, are scheduled in batch,
// and ours, the one that made the socket among them, as usual.
func TestThreadsOfLibzmqDoNotInterruptOurs(t *testing.T) {
	c, err := Open(Options{Kind: Dealer, Connect: []string{TCP("127.0.0.1", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	names, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		t.Fatal(err)
	}
	libzmqs := 0
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		policy := policyOf(t, filepath.Dir(name))
		of := strings.HasPrefix(string(comm), "ZMQ")
		if of {
			libzmqs++
		}
		if want := map[bool]string{true: "3", false: "0"}[of]; policy != want && policy != "" {
			t.Errorf("%s of thread %s is scheduled with policy %s, not %s (%d is batch)", strings.TrimSpace(string(comm)), name, policy, want, unix.SCHED_BATCH)
		}
	}
	if libzmqs < 2 {
		t.Errorf("%d threads of libzmq; want one for its connections and one that ends sockets", libzmqs)
	}
}

// policyOf returns how a thread is scheduled, from the fields of proc(5), or "" if it has ended.
func policyOf(t *testing.T, task string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(task, "stat"))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return fields[41-3] // policy is the 41st, and the state behind the name the third
}
