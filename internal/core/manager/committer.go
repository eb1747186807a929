package manager

import (
	"context"
	"errors"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// committer makes turns durable and then replaces the checklist file, whose new text is written meanwhile, one turn after the other. It is the only user of the
// store while Run runs, but for commands, which drain first and lock reading. If ctx ends before a turn could be made durable, or the store is not
// ours any more, that turn and all that were built on it are given up: nothing of them is acknowledged, and who waits for them
// asks the next manager. The end of commits breaks off a commit that is on its way.
func (m *Manager) committer(ctx, commits context.Context) {
	var lost error
	tidy := time.NewTimer(pruneFirst)
	defer tidy.Stop()
	for {
		var t *turn
		select {
		case next, ok := <-m.toCommit:
			if !ok {
				return
			}
			t = next
		case <-tidy.C:
			if lost == nil {
				tidy.Reset(m.prune(commits))
			}
			continue
		}
		if lost == nil {
			written := t.file.begin(m.Store.Held())
			if lost = m.commit(ctx, commits, &t.effects); lost == nil {
				t.file.end(written)
			}
			<-written
		}
		if lost != nil {
			t = m.turn()
			t.lost = lost
		}
		m.committed <- t
	}
}

// commit tries until it succeeds or there is no use in it: no answer is better than one that is not true.
func (m *Manager) commit(ctx, commits context.Context, e *engine.Effects) error {
	if e.Empty() {
		return nil
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := m.Store.Commit(commits, e)
		if err == nil {
			passed(e)
			return nil
		}
		if m.Fatal != nil && m.Fatal(err) {
			return err
		}
		m.Log.Log(ctx, engine.LevelCritical, "state could not be made durable; nothing is acknowledged until it can be", "err", err, "again_in", wait)
		again := time.After(wait)
		select {
		case m.failing <- err: // tells the loop, if it listens
			select {
			case <-ctx.Done():
			case <-again:
			}
		case <-ctx.Done():
		case <-again:
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

// passed are the steps at which a test may have the manager die.
func passed(e *engine.Effects) {
	if len(e.Messages) > 0 {
		fault.Point("committed")
	}
	for _, l := range e.Launches {
		if l.State == launch.Running {
			fault.Point("recorded")
			break
		}
	}
}

// slowCommit is how long a commit takes before it is trouble.
const slowCommit = 5 * time.Second

var errSlow = errors.New("the disk or the database has not answered for 5 s; look whether it is overloaded, full, or gone")

// storeTrouble remembers that commits fail, and raises an alert when that begins. The alert cannot be stored, and has no number.
func (m *Manager) storeTrouble(err error) {
	if m.trouble == nil {
		m.troubled = engine.Alert{Key: stateStore, Time: m.Now().UTC(), Kind: "state store", Because: engine.BecauseOf(err), Message: "nothing is acknowledged: " + err.Error()}
		m.Feed.Publish(feed.StreamAlert, m.troubled)
	}
	m.trouble = err
}

// storeTroubleOver ends that alert.
func (m *Manager) storeTroubleOver() {
	now := m.Now().UTC()
	m.troubled.Ended, m.troubled.End = &now, "the state is made durable again"
	m.Feed.Publish(feed.StreamAlert, m.troubled)
}

// stateStore is the key of that alert.
const stateStore = "state store"
