package manager

import (
	"context"
	"testing"
	"testing/synctest"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
)

// gated is a store whose commits wait for a gate; what is asked of it is answered meanwhile.
type gated struct {
	*memory
	gate chan struct{}
}

func (g gated) Commit(ctx context.Context, e *engine.Effects) error {
	<-g.gate
	return g.memory.Commit(ctx, e)
}

// An operator whose command got no answer gives it again, perhaps while the disk is still busy with the first.
func TestACommandThatComesAgainWhileItsFirstCommitRunsIsDoneOnce(t *testing.T) {
	play(t, config.Policy{}, func(t *testing.T, s *scene) {
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		s.options = func(o *Options) { o.Store = gated{s.store, gate} }
		s.world.start(false)
		r := control.Request{ID: "same", Command: control.CmdLaunch, Author: "sue@host", Args: []byte(`{"module":"w.awaken"}`)}
		answers := make(chan control.Reply, 2)
		for range 2 {
			go func() { answers <- s.Do(context.Background(), r) }()
			synctest.Wait() // the first is at the gate; the second is wherever it can come to
		}
		if len(answers) != 0 {
			t.Errorf("got %d answers before anything is durable", len(answers))
		}
		close(gate)
		one, two := <-answers, <-answers
		synctest.Wait()
		if !one.OK || one.OK != two.OK || string(one.Result) != string(two.Result) {
			t.Errorf("got the answers %s%s and %s%s, want the same", one.Error, one.Result, two.Error, two.Result)
		}
		if n := s.world.count("start "); len(s.store.launches) != 1 || n != 1 {
			t.Errorf("got %d launches and %d starts, want one of each", len(s.store.launches), n)
		}
	})
}
