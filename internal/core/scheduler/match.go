package scheduler

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// match returns for each entry the index of what is known of it, -1 if nothing is. A name such as sleep#2 tells nothing: it is another
// entry's once one before it is deleted. So an entry is known by what it launches and when, equal ones by their order; and
// if nothing else launches the same, neither then nor now, by that alone. In any other case a guess might hold what is to
// be launched, or launch what an operator holds.
func match(entries []*entry, known []record) []int {
	now, then := map[string]int{}, map[string]int{} // how many launch a command
	for _, e := range entries {
		now[e.Command]++
	}
	for _, r := range known {
		then[r.Command]++
	}
	own, taken := make([]int, len(entries)), make([]bool, len(known))
	for i, e := range entries {
		own[i] = -1
		alone := now[e.Command] == 1 && then[e.Command] == 1
		for k, r := range known {
			if !taken[k] && r.Command == e.Command && (alone || r.Schedule == e.schedule()) {
				own[i], taken[k] = k, true
				break
			}
		}
	}
	return own
}

// take makes entries of what the configuration says and of what is known. It returns what match does.
func (s *Scheduler) take(schedule []config.Scheduled, known []record) (own []int) {
	s.entries = nil
	for i := range schedule {
		s.entries = append(s.entries, newEntry(&schedule[i]))
	}
	own = match(s.entries, known)
	names := map[string]string{} // now, by what they were
	for i, e := range s.entries {
		r := record{}
		if own[i] >= 0 {
			r = known[own[i]]
			names[r.ID] = e.ID
		}
		e.remember(r, s.Now().UTC())
		for _, w := range e.wrong {
			s.Log.Error("nothing is launched for an entry of the schedule: " + w.Error())
		}
	}
	s.giveKeys()
	s.correctOffers(names)
	for k, r := range known {
		if r.Held != "" && !slices.Contains(own, k) {
			s.dropHold(r)
		}
	}
	return own
}

// giveKeys gives new entries their keys. They are made of what an entry launches and when, so that a lost state file changes none, and differ
// for equal entries, which are launched each.
func (s *Scheduler) giveKeys() {
	for _, e := range s.entries {
		if e.Key != "" {
			continue
		}
		hash := fnv.New64a()
		fmt.Fprintf(hash, "%s\n%s", e.Command, e.schedule())
		base := fmt.Sprintf("%s-%016x", launch.Name(e.worker.Module), hash.Sum64())
		key := base
		for n := 2; slices.ContainsFunc(s.entries, func(other *entry) bool { return other.Key == key }); n++ {
			key = fmt.Sprintf("%s-%d", base, n)
		}
		e.Key = key
	}
}

// correctOffers makes alerts offer to run the entries that they are about, under the names that these have now.
func (s *Scheduler) correctOffers(names map[string]string) {
	for i := range s.alerts {
		a := &s.alerts[i]
		var args control.EntryArgs
		if a.Offer != control.CmdRunNow || json.Unmarshal(a.Args, &args) != nil {
			continue
		}
		if name := names[args.Entry]; name != "" {
			a.Args = entryArgs(name)
		} else {
			a.Offer, a.Args = "", nil
		}
		s.Alerts.Raise(*a)
	}
}

// dropHold says that an entry which an operator held is gone. Whatever stands in its place now is due.
func (s *Scheduler) dropHold(r record) {
	module, _, _ := strings.Cut(r.Command, " ")
	text := fmt.Sprintf("the hold by %s of %s (%s, %s) has ended: the configuration has no such entry any more. If another one stands in its place, "+
		"it is not held: hold it with nowcastd schedule hold CONFIG ENTRY", r.Held, r.ID, r.Command, r.Schedule)
	s.Log.Warn(text)
	s.raise(engine.Alert{Key: "hold ended " + r.Key, Kind: "hold ended", Worker: launch.Name(module), Message: text})
}

// records returns what is known of the entries, in the order of the file.
func (s *Scheduler) records() []record {
	all := make([]record, len(s.entries))
	for i, e := range s.entries {
		all[i] = e.record
	}
	return all
}
