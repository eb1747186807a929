package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestThreadsOfLibzmqDoNotInterruptOurs looks at the threads that come with a Conn and with a Forwarder: those of libzmq, which names them,
// are scheduled in batch, and of ours, the one that made the socket among them, none is.
func TestThreadsOfLibzmqDoNotInterruptOurs(t *testing.T) {
	for name, start := range map[string]func(){
		"conn": func() { open(t, Options{Kind: Dealer, Connect: []string{TCP("127.0.0.1", 1)}}) },
		"forwarder": func() {
			journalled(t, journalPath(t), ForwarderOptions{})
		},
	} {
		before := threads(t)
		start()
		// They give themselves their names, when they first run.
		eventually(t, name+": libzmq has a thread for connections and one that ends sockets", func() bool {
			libzmqs := 0
			for task, comm := range threads(t) {
				if _, old := before[task]; !old && strings.HasPrefix(comm, "ZMQ") {
					libzmqs++
					if policy := policyOf(t, task); policy != batch {
						t.Fatalf("%s: %s is scheduled with policy %s, not %s", name, comm, policy, batch)
					}
				}
			}
			return libzmqs >= 2
		})
		for task, comm := range threads(t) {
			if !strings.HasPrefix(comm, "ZMQ") && policyOf(t, task) == batch {
				t.Errorf("%s: %s, a thread of ours, is scheduled in batch", name, comm)
			}
		}
	}
}

// batch is unix.SCHED_BATCH as proc(5) shows it.
var batch = string(rune('0' + unix.SCHED_BATCH))

// threads returns the names of the threads of this process.
func threads(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		if comm, err := os.ReadFile(name); err == nil { // else it has ended
			all[filepath.Dir(name)] = strings.TrimSpace(string(comm))
		}
	}
	return all
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
