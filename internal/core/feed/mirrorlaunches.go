package feed

import (
	"slices"

	"nowcast/internal/core/launch"
)

// launches are the launches of a mirror: all unfinished ones, and the newest finished ones up to a limit.
type launches struct {
	limit    int
	byID     map[int64]*launch.Launch
	ids      []int64 // ascending
	finished int
	newest   []*launch.Launch // what readers were given; nil after a change
}

func newLaunches(limit int) launches {
	return launches{limit: limit, byID: map[int64]*launch.Launch{}}
}

// replace takes over the launches of a snapshot.
func (ls *launches) replace(all []launch.Launch) {
	*ls = newLaunches(ls.limit)
	ls.put(all)
}

// put adds launches, or takes their new states, and forgets the oldest finished ones beyond the limit.
func (ls *launches) put(all []launch.Launch) {
	ls.newest = nil
	for i := range all {
		l := &all[i]
		old := ls.byID[l.ID]
		if old == nil {
			ls.insert(l.ID)
		} else if old.State.Final() {
			ls.finished--
		}
		if l.State.Final() {
			ls.finished++
		}
		ls.byID[l.ID] = l.Clone() // not a pointer into all, which would keep a whole snapshot alive
	}
	ls.forget()
}

// insert adds an id. Ids count up, so nearly always it is the last one.
func (ls *launches) insert(id int64) {
	if n := len(ls.ids); n == 0 || ls.ids[n-1] < id {
		ls.ids = append(ls.ids, id)
		return
	}
	i, _ := slices.BinarySearch(ls.ids, id)
	ls.ids = slices.Insert(ls.ids, i, id)
}

func (ls *launches) forget() {
	if ls.finished <= ls.limit {
		return
	}
	ls.ids = slices.DeleteFunc(ls.ids, func(id int64) bool {
		if ls.finished <= ls.limit || !ls.byID[id].State.Final() {
			return false
		}
		delete(ls.byID, id)
		ls.finished--
		return true
	})
}

// changeLaunches carries out an event of the launch stream.
func (m *Mirror) changeLaunches(e *Event) error {
	var changed []launch.Launch
	if err := e.Decode(&changed); err != nil {
		return err
	}
	m.launches.put(changed)
	m.rev.Launches++
	return nil
}

// Launches returns all launches, newest first.
func (m *Mirror) Launches() []*launch.Launch {
	ls := &m.launches
	if ls.newest == nil {
		ls.newest = make([]*launch.Launch, 0, len(ls.ids))
		for _, id := range slices.Backward(ls.ids) {
			ls.newest = append(ls.newest, ls.byID[id])
		}
	}
	return ls.newest
}

// Launch returns a launch, and whether the mirror has one with this id.
func (m *Mirror) Launch(id int64) (*launch.Launch, bool) {
	l, ok := m.launches.byID[id]
	return l, ok
}
