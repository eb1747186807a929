package engine

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

var registry = &config.Registry{Workers: map[string]config.Worker{
	"sleep":   {Name: "sleep", ChecklistKey: "sleepyhead", Types: map[string]string{"success": "sleep worker slept well", "need": "wants to know", "clear checklist": "clear it"}},
	"keyless": {Name: "keyless", Types: map[string]string{"success": "done", "crash": "crashed"}},
}}

func TestDecide(t *testing.T) {
	cl := checklist.New(pyyaml.MapOf("sleepyhead", pyyaml.MapOf("sleep time", int64(1)), "plain", "text"))
	for name, tc := range map[string]struct {
		msg     message.Message
		reply   message.Message
		change  *checklist.Change
		dump    bool
		cont    bool
		level   slog.Level
		logging string
	}{
		"step 1: a worker that is not registered is refused": {
			msg:     message.Message{Source: "stranger", Type: "success"},
			reply:   message.Message{Source: "manager", Type: "unregistered worker"},
			level:   slog.LevelError,
			logging: "message received from unregistered worker: stranger",
		},
		"step 1: a name that could forge a log line or steer a terminal is quoted": {
			msg:     message.Message{Source: "x\n2031 INFO [manager] \x1b[2J", Type: "success"},
			reply:   message.Message{Source: "manager", Type: "unregistered worker"},
			level:   slog.LevelError,
			logging: `message received from unregistered worker: "x\n2031 INFO [manager] \x1b[2J"`,
		},
		"step 2: a type that is not registered is refused": {
			msg:     message.Message{Source: "sleep", Type: "snored"},
			reply:   message.Message{Source: "manager", Type: "unregistered message type"},
			level:   slog.LevelError,
			logging: "unregistered message type received from sleep worker: snored",
		},
		"steps 3 and 4: clear checklist empties it after a dump": {
			msg:     message.Message{Source: "sleep", Type: "clear checklist"},
			reply:   message.Message{Source: "manager", Type: "checklist cleared"},
			change:  &checklist.Change{Op: checklist.Clear},
			dump:    true,
			level:   slog.LevelInfo,
			logging: "received message from sleep: (clear checklist) clear it\nchecklist cleared",
		},
		"step 5: need gets the value at the key": {
			msg:     message.Message{Source: "sleep", Type: "need", Payload: "plain"},
			reply:   message.Message{Source: "manager", Type: "ack", Payload: "text"},
			level:   slog.LevelDebug,
			logging: "received message from sleep: (need) wants to know",
		},
		"step 5: need of a missing key gets null and an error in the log": {
			msg:     message.Message{Source: "sleep", Type: "need", Payload: "no such"},
			reply:   message.Message{Source: "manager", Type: "ack"},
			level:   slog.LevelError,
			logging: "received message from sleep: (need) wants to know\nsleep needs the checklist key 'no such', which the checklist does not have: null was sent",
		},
		"step 5: need of something that cannot be a key gets null": {
			msg:     message.Message{Source: "sleep", Type: "need", Payload: []pyyaml.Value{"a"}},
			reply:   message.Message{Source: "manager", Type: "ack"},
			level:   slog.LevelError,
			logging: "received message from sleep: (need) wants to know\nsleep needs the checklist key ['a'], which the checklist does not have: null was sent",
		},
		"step 6a: a mapping updates the mapping that is there": {
			msg:     message.Message{Source: "sleep", Type: "success", Payload: pyyaml.MapOf("sleep time", int64(5))},
			reply:   message.Message{Source: "manager", Type: "ack"},
			change:  &checklist.Change{Op: checklist.Update, Key: "sleepyhead", Value: pyyaml.MapOf("sleep time", int64(5))},
			cont:    true,
			level:   slog.LevelInfo,
			logging: "received message from sleep: (success) sleep worker slept well\nchecklist updated with [sleepyhead] items from sleep worker",
		},
		"step 6a: anything else replaces": {
			msg:     message.Message{Source: "sleep", Type: "success", Payload: "zzz"},
			reply:   message.Message{Source: "manager", Type: "ack"},
			change:  &checklist.Change{Op: checklist.Set, Key: "sleepyhead", Value: "zzz"},
			cont:    true,
			level:   slog.LevelInfo,
			logging: "received message from sleep: (success) sleep worker slept well\nchecklist updated with [sleepyhead] items from sleep worker",
		},
		"step 6a: without a payload the checklist stays": {
			msg:     message.Message{Source: "sleep", Type: "success"},
			reply:   message.Message{Source: "manager", Type: "ack"},
			cont:    true,
			level:   slog.LevelDebug,
			logging: "received message from sleep: (success) sleep worker slept well",
		},
		"step 6a: without a checklist key the payload is kept under the worker's name": {
			msg:     message.Message{Source: "keyless", Type: "crash", Payload: true},
			reply:   message.Message{Source: "manager", Type: "ack"},
			change:  &checklist.Change{Op: checklist.Set, Key: "keyless", Value: true},
			cont:    true,
			level:   slog.LevelError,
			logging: "received message from keyless: (crash) crashed\nno checklist key in the message registry for keyless worker: its payload is kept under \"keyless\"; add a checklist key\nchecklist updated with [keyless] items from keyless worker",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := Decide(registry, tc.msg, cl)
			var texts []string
			highest := slog.LevelDebug
			for _, l := range d.Lines {
				texts = append(texts, l.Text)
				highest = max(highest, l.Level)
			}
			if got := strings.Join(texts, "\n"); got != tc.logging || highest != tc.level {
				t.Errorf("log got\n%v %s\nwant\n%v %s", highest, got, tc.level, tc.logging)
			}
			values := cmp.Comparer(func(a, b *pyyaml.Map) bool { return pyyaml.Equal(a, b) })
			if diff := cmp.Diff(tc.reply, d.Reply, values); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.change, d.Change, values); diff != "" {
				t.Errorf("change (-want +got):\n%s", diff)
			}
			if d.Dump != tc.dump || d.Continue != tc.cont {
				t.Errorf("got dump %v, continue %v; want %v, %v", d.Dump, d.Continue, tc.dump, tc.cont)
			}
		})
	}
}

func next(await string, modules ...string) launch.Next {
	n := launch.Next{Await: strings.Fields(await)}
	for _, m := range modules {
		n.Workers = append(n.Workers, launch.NextWorker{Module: m, Host: launch.Localhost})
	}
	return n
}

// play sends reports through Follow and returns what each launched.
func play(t *testing.T, steps []struct {
	worker string
	next   launch.Next
}) (launched []string, open []Barrier) {
	t.Helper()
	for i, s := range steps {
		var now []Requested
		now, open, _ = Follow(open, Report{Worker: s.worker, Type: "success", Message: int64(i), Time: time.Unix(0, 0)}, s.next, int64(i))
		launched = append(launched, names(now))
	}
	return launched, open
}

func TestFollow(t *testing.T) {
	type step = struct {
		worker string
		next   launch.Next
	}
	for name, tc := range map[string]struct {
		steps []step
		want  []string
		open  string
	}{
		"without a barrier what the rule returned is launched": {
			steps: []step{{"a", next("", "x", "y")}, {"b", next("")}},
			want:  []string{"[x, y]", "[]"},
		},
		"what comes with the set is launched at once, the rest when the last worker has reported, in order of arrival": {
			steps: []step{{"a", next("b c", "x")}, {"c", next("", "y")}, {"d", next("", "z")}, {"b", next("", "u", "v")}},
			want:  []string{"[x]", "[]", "[z]", "[y, u, v]"},
		},
		"a second report of the same worker is not held": {
			steps: []step{{"a", next("b c")}, {"b", next("", "x")}, {"b", next("", "y")}, {"c", next("")}},
			want:  []string{"[]", "[]", "[y]", "[x]"},
		},
		"the worker that opens a barrier may wait for itself": {
			steps: []step{{"a", next("a", "x")}, {"a", next("", "y")}},
			want:  []string{"[x]", "[y]"},
		},
		"a worker leaves every barrier and is held by the one opened last": {
			steps: []step{{"a", next("c d")}, {"b", next("c e")}, {"c", next("", "x")}, {"d", next("", "y")}, {"e", next("", "z")}},
			want:  []string{"[]", "[]", "[]", "[y]", "[x, z]"},
		},
		"a worker that is waited for may open a barrier, and its own workers are launched at once": {
			steps: []step{{"a", next("b")}, {"b", next("c", "x")}, {"c", next("", "y")}},
			want:  []string{"[]", "[x]", "[y]"},
		},
		"a barrier stays open while somebody is missing": {
			steps: []step{{"a", next("b c")}, {"b", next("", "x")}},
			want:  []string{"[]", "[]"},
			open:  "{'must finish': {c}, 'then launch': [x]}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, open := play(t, tc.steps)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("launched (-want +got):\n%s", diff)
			}
			var still []string
			for _, b := range open {
				still = append(still, describe(b))
			}
			if got := strings.Join(still, " "); got != tc.open {
				t.Errorf("open got %q, want %q", got, tc.open)
			}
		})
	}
}

func TestFollowDoesNotChangeWhatItIsGiven(t *testing.T) {
	_, before, _ := Follow(nil, Report{Worker: "a"}, next("b c"), 1)
	_, one, _ := Follow(before, Report{Worker: "b"}, next("", "x"), 2)
	_, other, _ := Follow(before, Report{Worker: "c"}, next("", "y"), 2)
	if got, want := describe(before[0])+describe(one[0])+describe(other[0]),
		"{'must finish': {b, c}, 'then launch': []}{'must finish': {c}, 'then launch': [x]}{'must finish': {b}, 'then launch': [y]}"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestABarrierMayNameInstances(t *testing.T) {
	type report struct {
		worker string
		launch int64
		args   string
	}
	for name, tc := range map[string]struct {
		await   []string
		reports []report
		missing string // after all of them; "" the barrier has opened
	}{
		"arguments say which launch is meant": {
			await:   []string{"run cluster forecast", "run cluster nowcast"},
			reports: []report{{"run", 1, "cluster hindcast"}, {"run", 2, "cluster nowcast --debug"}},
			missing: "run cluster forecast",
		},
		"all arguments must be there, in any order": {
			await:   []string{"run a b"},
			reports: []report{{"run", 1, "a"}, {"run", 2, "b c a"}},
		},
		"a report without a known launch has no arguments": {
			await:   []string{"run a"},
			reports: []report{{"run", 0, ""}},
			missing: "run a",
		},
		"a name that is there twice waits for two launches": {
			await:   []string{"run", "run"},
			reports: []report{{"run", 1, ""}, {"run", 1, ""}},
			missing: "run",
		},
		"and opens when another one reports": {
			await:   []string{"run", "run"},
			reports: []report{{"run", 1, ""}, {"run", 1, ""}, {"run", 2, ""}},
		},
		"reports of launches that are not known count each": {
			await:   []string{"run", "run"},
			reports: []report{{"run", 0, ""}, {"run", 0, ""}},
		},
		"the narrowest element that is met is taken away": {
			await:   []string{"run", "run a"},
			reports: []report{{"run", 1, "a"}},
			missing: "run",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, open, _ := Follow(nil, Report{Worker: "opener"}, launch.Next{Await: tc.await}, 1)
			for _, r := range tc.reports {
				_, open, _ = Follow(open, Report{Worker: r.worker, Launch: r.launch, Args: strings.Fields(r.args)}, launch.Next{}, 2)
			}
			missing := ""
			for _, b := range open {
				missing += strings.Join(b.Missing, ", ")
			}
			if missing != tc.missing {
				t.Errorf("got missing %q, want %q", missing, tc.missing)
			}
		})
	}
}
