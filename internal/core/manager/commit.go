package manager

import (
	"maps"
	"slices"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/wire"
)

// turn is what was applied since the last commit: what it changes, and what must happen once that is durable.
type turn struct {
	effects  engine.Effects
	changes  []feed.ChecklistChange
	changed  map[int64]*launch.Launch
	barriers []engine.Barrier // all that are open; nil: they are as before
	start    []*launch.Launch // decided: recorded as starting next
	ready    []*launch.Launch // recorded as starting: may be started
	replies  []wire.Frames
	answers  []func()   // to operators
	then     []func()   // whatever else must not be done before
	notices  []notice   // reports that people outside may want to know of
	lost     error      // given up, and why: it stands in the place of a turn that did not become durable
	file     *fileWrite // the checklist file, to be replaced once the turn is durable; nil: it is not, or not now
}

// notice is a report that continues the day.
type notice struct{ worker, typ string }

// log has something logged once the turn is durable. A manager whose state is not its own any more must not tell what did not happen.
func (t *turn) log(say func()) { t.then = append(t.then, say) }

func (m *Manager) turn() *turn { return &turn{changed: map[int64]*launch.Launch{}} }

// maxPending is how many messages may be applied while one commit is on its way.
const maxPending = 4096

func (t *turn) size() int {
	if t == nil {
		return 0
	}
	return len(t.effects.Messages)
}

// add puts a later turn behind t.
func (t *turn) add(later *turn) {
	e, l := &t.effects, &later.effects
	e.Messages = append(e.Messages, l.Messages...)
	e.Barriers = append(e.Barriers, l.Barriers...)
	e.Released = append(e.Released, l.Released...)
	for _, a := range l.Alerts {
		t.alert(a)
	}
	e.Operations = append(e.Operations, l.Operations...)
	if l.Base != nil {
		e.Base = l.Base
	}
	t.changes = append(t.changes, later.changes...)
	maps.Copy(t.changed, later.changed)
	if later.barriers != nil {
		t.barriers = later.barriers
	}
	t.start = append(t.start, later.start...)
	t.ready = append(t.ready, later.ready...)
	t.replies = append(t.replies, later.replies...)
	t.answers = append(t.answers, later.answers...)
	t.then = append(t.then, later.then...)
	t.notices = append(t.notices, later.notices...)
}

// submit has a turn made durable: now if the committer is free and it is no time to gather, else together with what comes
// until then.
func (m *Manager) submit(t *turn) {
	if m.lost != nil {
		return // it is built on what was given up
	}
	if m.pending == nil {
		m.pending = t
	} else {
		m.pending.add(t)
	}
	m.commitIfGathered()
}

// commitNow ends a wait and hands what is pending to the committer if that is free. With nothing pending the wait goes on, for those
// who will be back.
func (m *Manager) commitNow() {
	if m.inCommit || m.pending == nil {
		return
	}
	m.gathering = gathering{}
	t := m.pending
	m.pending = nil
	for _, id := range sortedIDs(t.changed) {
		// A copy: the next messages change the launch while this is written.
		t.effects.Launches = append(t.effects.Launches, t.changed[id].Clone())
	}
	m.addBase(t)
	if len(t.changes) > 0 {
		t.file = m.file.changed(m.checklist, m.seq)
	}
	m.inCommit = true
	m.slow = time.After(slowCommit)
	m.toCommit <- t
}

// complete does what had to wait until a turn was durable: it acknowledges, tells everybody, and launches.
func (m *Manager) complete(t *turn) {
	m.inCommit, m.slow = false, nil
	if t.lost != nil {
		m.lost, m.pending = t.lost, nil // what is pending was built on it
		return
	}
	if m.trouble != nil {
		m.trouble = nil
		m.storeTroubleOver()
	}
	if t.file != nil {
		m.file.done(t.file)
	}
	m.gathering = gatherAfter(len(t.replies), m.pending.size())
	m.commitIfGathered() // the disk works while we talk
	if len(t.replies) > 0 {
		if err := m.Requests.Send(t.replies...); err != nil {
			m.Log.Error("replies could not be sent to the message broker", "err", err)
		}
		fault.Point("acked")
	}
	m.publish(t)
	for _, answer := range t.answers {
		answer()
	}
	for _, do := range t.then {
		do()
	}
	for _, n := range t.notices {
		m.Notify(n.worker, n.typ)
	}
	m.waiting = append(m.waiting, t.ready...)
	m.marking -= len(t.ready)
	m.decided = append(m.decided, t.start...)
	if next := m.turn(); len(m.decided) > 0 {
		if m.admit(next); len(next.changed) > 0 {
			m.submit(next)
		}
	}
	m.forget()
}

// drain waits until everything that was applied is durable and told. It returns false if that cannot be made durable for now.
func (m *Manager) drain() bool {
	if m.trouble != nil {
		return false
	}
	for m.commitNow(); m.inCommit; m.commitNow() {
		select {
		case t := <-m.committed:
			m.complete(t)
		case err := <-m.failing:
			m.storeTrouble(err)
			return false
		case <-m.slow:
			m.storeTrouble(errSlow)
			return false
		}
	}
	return m.lost == nil
}

// finish is drain at the end of Run, when the committer gives up what it cannot make durable.
func (m *Manager) finish() {
	for m.commitNow(); m.inCommit; m.commitNow() {
		m.complete(<-m.committed)
	}
}

// addBase adds the whole checklist to the effects when the changes since the last base outweigh it, so that a start
// reads little and the cost is shared by the changes.
func (m *Manager) addBase(t *turn) {
	if m.sinceBase > max(1<<20, m.baseSize) {
		m.base(t)
	}
}

func (m *Manager) base(t *turn) {
	text := m.checklist.AppendText(nil)
	t.effects.Base = &engine.Base{Message: m.seq, YAML: text}
	m.sinceBase, m.baseSize = 0, len(text)
}

func (m *Manager) publish(t *turn) {
	if len(t.changes) > 0 {
		m.Feed.Publish(feed.StreamChecklist, t.changes)
	}
	if len(t.effects.Launches) > 0 {
		m.Feed.Publish(feed.StreamLaunch, t.effects.Launches)
	}
	if t.barriers != nil {
		m.Feed.Publish(feed.StreamBarrier, t.barriers)
	}
	for _, a := range t.effects.Alerts {
		m.Feed.Publish(feed.StreamAlert, a)
	}
}

func sortedIDs(ls map[int64]*launch.Launch) []int64 { return slices.Sorted(maps.Keys(ls)) }
