package migrate

import (
	"fmt"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// ours are keys that NEMO_Nowcast does not know and the daemons here read, and what they mean. An old file may have them all the same,
// for its workers.
var ours = []struct {
	in      string // path of the mapping that may have it; * is each entry
	key     string
	meaning string
}{
	{"", "state", "where the state database is"},
	{"", "state dir", "the directory of the state"},
	{"", "history", "how much history is kept"},
	{"", "alerts", "where alerts are sent"},
	{"", "log history", "how much of the log the log aggregator keeps"},
	{"", "clear checklist", "what becomes of clear checklist while workers run"},
	{"", "waiting workers", "what becomes of workers that wait in vain"},
	{"", "barrier time limit", "how long a barrier waits before it is an alert"},
	{"", "rule time limit", "how long a rule may take"},
	{"", "message size limit", "how large a message may be"},
	{"run", "slots", "how many launches run on this host at once"},
	{"run/enabled hosts/*", "slots", "how many launches run on that host at once"},
	{"zmq", "bind", "the address that the broker binds"},
	{"message registry/workers/*", "policy", "retries, time limits and the like, if it is a mapping"},
	{"message registry/workers/*", "command", "the command that starts the worker"},
	{"scheduled workers/*/*", "cron", "when the worker is launched"},
	{"scheduled workers/*/*", "timezone", "the time zone of at and cron"},
	{"scheduled workers/*/*", "missed", "what becomes of a launch that was missed"},
}

// ownKeys finds them. Nothing says whose they are, so nobody is told to delete them.
func (x *examination) ownKeys() {
	for _, o := range ours {
		steps := strings.Split(o.in, "/")
		if o.in == "" {
			steps = nil
		}
		x.find(x.Config.Values, steps, nil, func(m *pyyaml.Map, path []string) {
			v, there := m.Get(o.key)
			if _, mapping := v.(*pyyaml.Map); !there || o.key == "policy" && !mapping {
				return
			}
			x.about(Differ, fmt.Sprintf("%s has a meaning here: %s", o.key, o.meaning),
				"if it is your workers' own, give theirs another name", append(path[:len(path):len(path)], o.key)...)
		})
	}
}

// isOurs tells whether a path of keys leads to one of ours, or below it.
func isOurs(path string) bool {
	keys := strings.Split(path, ": ")
	for _, o := range ours {
		want := strings.Split(strings.TrimPrefix(o.in+"/"+o.key, "/"), "/")
		same := len(keys) >= len(want)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == "*" || want[i] == keys[i]
		}
		if same {
			return true
		}
	}
	return false
}

// find calls f for each mapping that the steps lead to, with the keys that lead there as far as they are keys.
func (x *examination) find(v pyyaml.Value, steps, path []string, f func(*pyyaml.Map, []string)) {
	if list, ok := v.([]pyyaml.Value); ok && len(steps) > 0 {
		for _, e := range list {
			x.find(e, steps[1:], path, func(m *pyyaml.Map, _ []string) { f(m, path) })
		}
		return
	}
	m, ok := v.(*pyyaml.Map)
	switch {
	case !ok || m == nil:
	case len(steps) == 0:
		f(m, path)
	default:
		for key, value := range m.All() {
			if text, isText := key.(string); isText && (steps[0] == "*" || steps[0] == text) {
				x.find(value, steps[1:], append(path[:len(path):len(path)], text), f)
			}
		}
	}
}
