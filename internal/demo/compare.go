package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
)

// Compare says in words how the launches that happened differ from the recorded ones, as multisets of module, arguments
// and host; nothing if they do not. What an operator launched besides counts as extra.
// A launch whose Decided is zero is taken to have been decided now.
func Compare(d *Day, happened []launch.Launch, now time.Time) []string {
	left := map[string]int{}
	for _, s := range d.Steps {
		for _, n := range s.Launches {
			left[n.String()]++
		}
	}
	var extra []string
	for _, l := range happened {
		t := l.Decided
		if t.IsZero() {
			t = now
		}
		name := recordedForm(l.NextWorker, t).String()
		if left[name] == 0 {
			extra = append(extra, "not in the recorded day: "+l.NextWorker.String())
			continue
		}
		left[name]--
	}
	var differences []string
	for _, name := range slices.Sorted(maps.Keys(left)) {
		switch n := left[name]; n {
		case 0:
		case 1:
			differences = append(differences, "missing: "+name)
		default:
			differences = append(differences, fmt.Sprintf("missing %d times: %s", n, name))
		}
	}
	slices.Sort(extra)
	return append(differences, extra...)
}

// recordedForm puts Yesterday where a launch decided at t has the day before. Rules ask for the time a little later or
// earlier than the launch is dated, so around midnight either day before will do.
func recordedForm(n launch.NextWorker, t time.Time) launch.NextWorker {
	days := []string{yesterday(t), yesterday(t.Add(-time.Minute)), yesterday(t.Add(time.Minute))}
	args := slices.Clone(n.Args)
	for i := 1; i < len(args); i++ {
		if args[i-1] == "--data-date" && slices.Contains(days, args[i]) {
			args[i] = Yesterday
		}
	}
	return launch.NextWorker{Module: n.Module, Args: args, Host: n.Host}
}

// Count returns how many launches were recorded.
func (d *Day) Count() int {
	n := 0
	for _, s := range d.Steps {
		n += len(s.Launches)
	}
	return n
}

// Resolve puts the day before now in the place of Yesterday.
func Resolve(n launch.NextWorker, now time.Time) launch.NextWorker {
	args := slices.Clone(n.Args)
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, Yesterday, yesterday(now))
	}
	return launch.NextWorker{Module: n.Module, Args: args, Host: n.Host}
}
