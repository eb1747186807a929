package manager

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/launch"
)

// startResult is what became of the attempt to start a launch.
type startResult struct {
	id int64
	launch.Started
	err   error
	left  bool // not tried: the record stands at starting, and the manager that comes next decides
	again bool // it was not started because of err, and is tried again; the result is still to come
	slow  bool // it is being started for long; the result is still to come
}

// nextStart returns the next launch for the starter, and the way to it; nil: there is none.
func (m *Manager) nextStart() (chan<- *launch.Launch, *launch.Launch) {
	for len(m.waiting) > 0 {
		if l := m.launches[m.waiting[0].ID]; l != nil && l.State == launch.Starting {
			return m.toStart, m.waiting[0]
		}
		m.waiting = m.waiting[1:] // an operator has called it off
	}
	return nil, nil
}

// handedOver notes that the starter has it.
func (m *Manager) handedOver(l *launch.Launch) {
	m.waiting = m.waiting[1:]
	m.handed[l.ID] = m.Now()
}

// starter starts launches one after the other, in the order in which they were decided. It is a goroutine of its own because a
// process takes a millisecond to make and messages must not wait for that.
func (m *Manager) starter(ctx context.Context) {
	for l := range m.toStart {
		m.started <- m.start(ctx, l)
	}
}

// start starts a launch as soon as it is known that the state is ours, and its output can be written. What was acknowledged is launched
// late then, and not given up: all would have to be launched by hand.
func (m *Manager) start(ctx context.Context, l *launch.Launch) startResult {
	for told := false; m.surelyOurs(ctx); {
		m.Log.Info(launching(l))
		m.Log.Debug("cmd = " + cut(pyList(l.Argv), longestCommand))
		fault.Point("launching")
		s, err := m.startTelling(l)
		fault.Point("launched")
		if !unwritable(err) && !scarce(err) {
			return startResult{id: l.ID, Started: s, err: err}
		}
		if !told {
			told = true
			m.started <- startResult{id: l.ID, err: err, again: true}
		}
		if !wait(ctx, roomPoll) {
			break
		}
	}
	return startResult{id: l.ID, left: true}
}

// launching is the line that scripts look for; of a retry it says of what.
func launching(l *launch.Launch) string {
	if l.Attempts() > 1 {
		return "launching " + l.Module + ": " + l.Cause
	}
	return "launching " + l.Module
}

// longestCommand is how many bytes of a command line are logged.
const longestCommand = 64 << 10

// startTelling starts a launch, and says so when that takes long.
func (m *Manager) startTelling(l *launch.Launch) (s launch.Started, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s, err = m.Launcher.Start(l)
	}()
	slow := time.NewTimer(slowStart)
	defer slow.Stop()
	select {
	case <-slow.C:
		m.started <- startResult{id: l.ID, slow: true}
		<-done
	case <-done:
	}
	return s, err
}

// slowStart is how long it takes to make a process when something is wrong.
const slowStart = 5 * time.Second

// startHangs is the key of the alert that says so.
const startHangs = "launches hang"

// raiseStartHangs says what nothing can be launched for.
func (m *Manager) raiseStartHangs(t *turn, id int64) {
	since := m.handed[id].Local().Format("15:04:05")
	text := fmt.Sprintf("nothing is launched since %s: launch %d is being started and that does not end: nowcast-keeper, the process that starts workers, is stopped (kill -CONT it; after kill -9 "+
		"the manager starts another), or the disk of %s hangs", since, id, m.Config.StatePath("output"))
	m.Log.Error(text)
	m.raise(t, engine.Alert{Key: startHangs, Kind: "launches wait", Launch: id, Message: text})
}

// noRoom is the key of the alert that launches wait.
const noRoom = "no room for output"

// How often it is looked whether launches can be started again.
const (
	heldPoll = 20 * time.Millisecond
	roomPoll = time.Second
)

// unwritable tells whether a process was not made because nothing can be written: disk full, quota, read-only, limit on files, no directory.
func unwritable(err error) bool {
	return errors.Is(err, launch.ErrNoOutput) || full(err)
}

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EFBIG)
}

// scarce tells whether a process was not made because this machine, or the limits of this process, have no more of what it takes:
// descriptors, processes, memory. Whoever has them now may give them back.
func scarce(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM)
}

// advice is what an operator can do about launches that wait.
func (m *Manager) advice(err error) string {
	if scarce(err) {
		return "launches wait until there is enough; end what uses it up, or raise the limits of the manager (ulimit -n, -u)"
	}
	output := m.Config.StatePath("output")
	if errors.Is(err, launch.ErrNoOutput) && !full(err) {
		return "launches wait until their output can be written; repair the directory " + output + ": it, and the one above it, must be there and the manager's own"
	}
	return "launches wait until their output can be written; make room on the disk of " + output
}

// surelyOurs waits until it is known whose the state is, or the manager is to end. It is asked before each start: between the record and
// the process another manager may have taken over. Where it cannot be known, as while PostgreSQL does not answer, nothing is started.
func (m *Manager) surelyOurs(ctx context.Context) bool {
	for !m.Store.Held() {
		select {
		case <-m.Store.Lost():
			return false
		default:
		}
		if !wait(ctx, heldPoll) {
			return m.Store.Held()
		}
	}
	return true
}

// wait returns false if the manager is to end.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
