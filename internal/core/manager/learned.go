package manager

import (
	"context"
	"maps"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/policy"
)

// mostKinds bounds how many kinds of launches are known; a rule may make up arguments.
const mostKinds = 5000

// learned is how long the newest launches of each kind took that succeeded, newest last.
type learned map[string]*samples

type samples struct {
	took []time.Duration
	last time.Time // when one was added
}

func (ls learned) add(n launch.NextWorker, took time.Duration, now time.Time) {
	k := policy.Kind(n)
	s := ls[k]
	if s == nil {
		ls.makeRoom()
		s = &samples{}
		ls[k] = s
	}
	s.took = append(s.took[max(0, len(s.took)-policy.Most+1):], took)
	s.last = now
}

// makeRoom forgets the kinds that have not come for the longest time.
func (ls learned) makeRoom() {
	if len(ls) < mostKinds {
		return
	}
	kinds := slices.SortedFunc(maps.Keys(ls), func(a, b string) int { return ls[a].last.Compare(ls[b].last) })
	for _, k := range kinds[:mostKinds/10] {
		delete(ls, k)
	}
}

// usual is how long such launches usually take, nil if too few are known.
func (ls learned) usual(n launch.NextWorker) *launch.Usual {
	if s := ls[policy.Kind(n)]; s != nil {
		return policy.Learn(s.took)
	}
	return nil
}

// wellKnown is how many successful launches of a worker, among those that a manager remembers, are enough to ask no further.
const wellKnown = 20

// learn takes what is usual from the launches that an earlier manager left, and from the history for workers that are seldom
// among them. Without the history nothing is wrong but that less is known.
func (m *Manager) learn(ctx context.Context) {
	known := map[string][]launch.Run{} // by worker, oldest first
	for _, id := range sortedIDs(m.launches) {
		l := m.launches[id]
		m.noteLaunch(l)
		if l.State == launch.Succeeded && l.Ended != nil {
			m.policies.success[l.Name()] = later(m.policies.success[l.Name()], *l.Ended)
			if l.Started != nil {
				known[l.Name()] = append(known[l.Name()], launch.Run{Args: l.Args, Took: l.Ended.Sub(*l.Started)})
			}
		}
	}
	for _, worker := range slices.Sorted(maps.Keys(m.Config.Registry.Workers)) {
		runs := known[worker]
		if len(runs) < wellKnown && len(m.finished) >= engine.KeepLaunches && m.Durations != nil {
			past, err := m.Durations(ctx, worker, policy.Most)
			if err != nil {
				m.Log.Warn("how long launches usually take is not known yet: the history could not be read", "worker", worker, "err", err)
			} else {
				runs = past
			}
		}
		for _, r := range runs {
			m.policies.learned.add(launch.NextWorker{Module: worker, Args: r.Args}, r.Took, m.policies.began)
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
