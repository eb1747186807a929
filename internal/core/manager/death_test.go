package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// death kills a manager at a point of its way: from then on nothing that it does has any effect on the world.
type death struct {
	mu    sync.Mutex
	dead  bool
	point string // where it comes; "" nowhere
	after int    // at the how manieth passage
	lost  chan struct{}
}

// The points.
const (
	beforeCommit = "before the commit"
	afterCommit  = "after the commit"
	atAck        = "before the answer"
	beforeStart  = "before the process"
	afterStart   = "after the process"
)

var points = []string{beforeCommit, afterCommit, atAck, beforeStart, afterStart}

// reached tells whether the manager is dead at this point.
func (d *death) reached(point string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dead && point == d.point {
		if d.after--; d.after == 0 {
			d.dead = true
			close(d.lost)
		}
	}
	return d.dead
}

func (d *death) isDead() bool { return d.reached("") }

// arm has the next life end at a point.
func (d *death) arm(point string, after int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.point, d.after = point, after
}

func (d *death) revive() chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead, d.point, d.lost = false, "", make(chan struct{})
	return d.lost
}

var errDead = errors.New("dead")

// mortalStore is a store whose manager may die at a commit.
type mortalStore struct {
	*memory
	death *death
}

func (s *mortalStore) Held() bool { return !s.death.isDead() }

func (s *mortalStore) Commit(ctx context.Context, e *engine.Effects) error {
	if s.death.reached(beforeCommit) {
		return errDead
	}
	err := s.memory.Commit(ctx, e)
	if s.death.reached(afterCommit) {
		return errDead
	}
	return err
}

// mortalLine is the broker: it keeps what is not answered and gives it to the next manager.
type mortalLine struct {
	death *death
	in    chan []wire.Frames
	out   chan message.Message
}

func (l *mortalLine) Receive() <-chan []wire.Frames { return l.in }

func (l *mortalLine) Send(all ...wire.Frames) error {
	if l.death.reached(atAck) {
		return nil
	}
	for _, f := range all {
		m, err := message.Decode(f[len(f)-1], message.DefaultLimit)
		if err != nil {
			return err
		}
		l.out <- m
	}
	return nil
}

// table is the machine: its processes outlive the manager.
type table struct {
	death *death

	mu     sync.Mutex
	starts map[int64]int
	ended  map[int64]launch.Exit
	exits  chan launch.Exit // of the manager of now
}

// endsAtOnce is the argument of a worker that ends as soon as it is started.
const endsAtOnce = "y"

func (p *table) Argv(_ *config.Config, n launch.NextWorker) ([]string, error) {
	return append([]string{n.Module}, n.Args...), nil
}

func (p *table) Start(l *launch.Launch) (launch.Started, error) {
	if p.death.reached(beforeStart) {
		return launch.Started{}, errDead
	}
	p.mu.Lock()
	p.starts[l.ID]++
	p.mu.Unlock()
	if slices.Contains(l.Args, endsAtOnce) {
		p.end(launch.Exit{ID: l.ID, Time: time.Unix(2, 0)})
	}
	if p.death.reached(afterStart) {
		return launch.Started{}, errDead
	}
	return p.process(l), nil
}

func (p *table) process(l *launch.Launch) launch.Started {
	return launch.Started{PID: 1000 + int(l.ID), PIDStart: 7, Boot: "boot", Time: time.Unix(1, 0)}
}

func (p *table) Boot() string { return "boot" }

func (p *table) OutputFile(l *launch.Launch) string { return fmt.Sprintf("/output/%d.log", l.ID) }

func (p *table) Recover(l *launch.Launch) (launch.Started, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process(l), p.starts[l.ID] > 0, nil
}

func (p *table) Behind(string, int, []*launch.Launch) (int64, bool) { return 0, false }

func (p *table) Adopt(l *launch.Launch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.ended[l.ID]; ok {
		p.exits <- e
	}
}

func (p *table) Kill(*launch.Launch, string) (string, error) { return "signal sent", nil }

func (p *table) Left(*launch.Launch) []string { return nil }

func (p *table) Exits() <-chan launch.Exit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exits
}

// end has a process end.
func (p *table) end(e launch.Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended[e.ID] = e
	p.exits <- e
}

// living returns the launches whose processes exist, oldest first.
func (p *table) living(last int64) (ids []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := int64(1); id <= last; id++ {
		if _, over := p.ended[id]; p.starts[id] > 0 && !over {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *table) startedTwice() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, n := range p.starts {
		if n > 1 {
			return fmt.Errorf("launch %d was started %d times", id, n)
		}
	}
	return nil
}
