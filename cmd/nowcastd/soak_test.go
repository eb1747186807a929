//go:build soak

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/demo"
)

// soakDays is how often the recorded day is played, unless SOAK_DAYS says otherwise; SOAK is how long all of it takes.
const (
	soakDays = 100
	soakTime = time.Hour
)

// TestSoak plays the recorded day many times over under `nowcastd up`, with hangups, rotations of the log files and edits of
// the rules all the time, and wants the recorded answers and launches each day, and memory, descriptors, threads and
// children that do not grow.
func TestSoak(t *testing.T) {
	days, whole := soakDays, soakTime
	if n, err := strconv.Atoi(os.Getenv("SOAK_DAYS")); err == nil {
		days = n
	}
	if d, err := time.ParseDuration(os.Getenv("SOAK")); err == nil {
		whole = d
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SOAK_SEED=%d", seed)
	s, day := newDay(t)
	distribute(t, s)
	s.up()
	k := &soak{s: s, day: day, random: rand.New(rand.NewPCG(seed, 1)), rules: s.read("next_workers.star")}
	n := 0
	// Days without a pause, until manager and aggregator have all that they keep in memory.
	for ; k.launches() < engine.KeepLaunches || k.records(t) < history.DefaultKeep; n++ {
		k.play(t, n)
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("after %d days to begin with: %v", n, k.sample(t))
	k.pause = whole / time.Duration(days*len(day.Steps))
	var samples []map[string]holding
	for day := range days {
		k.play(t, n+day)
		samples = append(samples, k.sample(t))
		if day%10 == 9 || day == days-1 {
			t.Logf("day %d: %v", day+1, samples[day])
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d hangups, %d rotations, %d edits of the rules", k.hangups, k.rotations, k.edits)
	flat(t, samples)
}

// distribute makes the day's configuration one with a publisher and an aggregator, as the production system has.
func distribute(t *testing.T, s *system) {
	t.Helper()
	text := s.read(filepath.Base(s.config))
	begin, end := strings.Index(text, "\nlogging:"), strings.Index(text, "\nmessage registry:")
	if begin < 0 || end < begin {
		t.Fatalf("no logging before message registry in\n%s", text)
	}
	var aggregator strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(text[begin+1:end], "logging:\n")) {
		aggregator.WriteString("  " + strings.ReplaceAll(line, "%(name)s", "%(logger_name)s"))
	}
	text = text[:begin] + fmt.Sprintf(`
logging:
  aggregator:
%s
  publisher:
    version: 1
    handlers:
      zmq_pub: {class: zmq.log.handlers.PUBHandler, level: DEBUG}
    root: {level: DEBUG, handlers: [zmq_pub]}
`, aggregator.String()) + text[end:]
	ports := fmt.Sprintf("  ports:\n    logging: {message_broker: %d, manager: %d, scheduler: %d, workers: [%d, %d]}\n",
		freePort(t), freePort(t), freePort(t), freePort(t), freePort(t))
	text = strings.Replace(text, "  ports:\n", ports, 1)
	s.write(filepath.Base(s.config), text)
	s.must("check", s.config)
}

// soak is a day that is played again and again.
type soak struct {
	s      *system
	day    *demo.Day
	random *rand.Rand
	pause  time.Duration // between two messages
	rules  string        // as they were

	hangups, rotations, edits int
}

// play plays the day once and compares the answers, the checklist before it is cleared, and the number of launches.
func (k *soak) play(t *testing.T, n int) {
	t.Helper()
	before := k.launches()
	r := wire.NewRequester(wire.TCP("127.0.0.1", k.s.port))
	defer r.Close() // each day's is a connection of the broker's
	for i, step := range k.day.Steps {
		k.disturb(t)
		if step.Message.Type == "clear checklist" {
			k.sameChecklist(t, n)
		}
		if reply := ask(t, r, step.Message); reply.Type != step.Reply {
			t.Errorf("day %d, message %d, %s: %s: got the reply %s, want %s", n+1, i+1, step.Message.Source, step.Message.Type, reply.Type, step.Reply)
		}
		time.Sleep(k.pause) // the length of the day, not a wait for something
	}
	want := k.day.Count()
	k.s.eventually(fmt.Sprintf("the launches of day %d", n+1), func() bool { return k.launches()-before >= int64(want) })
	if got := k.launches() - before; got != int64(want) {
		t.Errorf("day %d: got %d launches, want %d", n+1, got, want)
	}
}

// sameChecklist compares the checklist with the recorded one, apart from what the rotations of this day and the end of the day
// before have put there.
func (k *soak) sameChecklist(t *testing.T, n int) {
	t.Helper()
	got := mapping(t, k.s.must("checklist", k.s.config))
	rest := pyyaml.NewMap(got.Len())
	for key, value := range got.All() {
		if key != "log rotation" {
			rest.Set(key, value)
		}
	}
	if diff := cmp.Diff(string(pyyaml.Encode(k.day.Checklist)), string(pyyaml.Encode(rest))); diff != "" {
		t.Errorf("checklist of day %d (-want +got):\n%s", n+1, diff)
	}
}

// launches returns the number of the newest launch.
func (k *soak) launches() int64 {
	var newest int64
	for _, l := range k.s.status().Launches {
		newest = max(newest, l.ID)
	}
	return newest
}

// records returns how many log records were written to the history.
func (k *soak) records(t *testing.T) (n int) {
	t.Helper()
	segments, _ := filepath.Glob(filepath.Join(k.s.dir, "logs", ".nowcast", "logs", "*.log"))
	for _, file := range segments {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(text, []byte("\n"))
	}
	return n
}

// disturb does now and then what an operator may do at any time.
func (k *soak) disturb(t *testing.T) {
	t.Helper()
	switch k.random.IntN(40) {
	case 0, 1:
		daemons := k.daemons(t)
		for _, name := range []string{"up", "broker", "manager", "scheduler", "log-aggregator"} {
			if pid, ok := daemons[name]; ok && k.random.IntN(2) == 0 {
				k.hangups++
				syscall.Kill(pid, syscall.SIGHUP)
			}
		}
	case 2:
		k.rotations++
		k.s.must("worker", "rotate_logs", k.s.config)
	case 3:
		k.edits++
		k.s.write("next_workers.star", k.rules+"\ndef broken(:\n")
	case 4, 5:
		k.edits++
		k.s.write("next_workers.star", k.rules+fmt.Sprintf("\n# edit %d\n", k.edits))
	}
}

// daemons are the process ids by sub-command.
func (k *soak) daemons(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, pid := range processes(t, k.s.config) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if args := strings.Split(string(text), "\x00"); len(args) > 2 && slices.Contains([]string{"up", "broker", "manager", "scheduler", "log-aggregator"}, args[1]) {
			found[args[1]] = pid
		}
	}
	return found
}

// holding is what a process holds.
type holding struct {
	MB                             float64
	Descriptors, Threads, Children int
}

func (u holding) String() string {
	return fmt.Sprintf("%.0f MB, %d descriptors, %d threads, %d children", u.MB, u.Descriptors, u.Threads, u.Children)
}

func (k *soak) sample(t *testing.T) map[string]holding {
	t.Helper()
	all := map[string]holding{}
	for name, pid := range k.daemons(t) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Errorf("%s ended: %v", name, err)
			continue
		}
		var u holding
		for line := range bytes.Lines(status) {
			f := strings.Fields(string(line))
			switch f[0] {
			case "VmRSS:":
				kb, _ := strconv.ParseFloat(f[1], 64)
				u.MB = kb / 1024
			case "Threads:":
				u.Threads, _ = strconv.Atoi(f[1])
			}
		}
		fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		u.Descriptors = len(fds)
		children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		for _, file := range children {
			text, _ := os.ReadFile(file)
			u.Children += len(strings.Fields(string(text)))
		}
		all[name] = u
	}
	return all
}

// flat compares the last fifth of the samples with the first, by their medians.
func flat(t *testing.T, samples []map[string]holding) {
	t.Helper()
	fifth := max(1, len(samples)/5)
	early, late := samples[:fifth], samples[len(samples)-fifth:]
	for name := range samples[len(samples)-1] {
		for _, m := range []struct {
			what  string
			of    func(holding) float64
			slack float64
		}{
			{"MB of memory", func(u holding) float64 { return u.MB }, max(6, 0.15*middle(early, name, func(u holding) float64 { return u.MB }))}, // the collector lets it go up and down
			{"descriptors", func(u holding) float64 { return float64(u.Descriptors) }, 2},
			{"threads", func(u holding) float64 { return float64(u.Threads) }, 3},
			{"children", func(u holding) float64 { return float64(u.Children) }, 0},
		} {
			was, is := middle(early, name, m.of), middle(late, name, m.of)
			if is > was+m.slack {
				t.Errorf("%s: got %.0f %s at the end, %.0f at the beginning, want no more than %.0f above", name, is, m.what, was, m.slack)
			}
		}
	}
}

func middle(samples []map[string]holding, name string, of func(holding) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s[name]))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
