package manager

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run works until ctx ends or the connection to the broker is closed, finishes what is in hand, and returns. If the state is
// not this manager's any more, or is damaged, it returns at once with an error and does nothing else.
func (m *Manager) Run(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	commits, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var helpers sync.WaitGroup
	helpers.Go(func() { m.starter(running) })
	helpers.Go(func() { m.committer(running, commits) })
	m.resume()
	m.warnOfNoRules()
	m.Log.Debug("listening...")
	err := m.loop(ctx)
	m.stopping = true
	stop() // what cannot be made durable now is given up
	if m.lost != nil {
		abandon()
	}
	// In this order: what was received is durable and answered, what is recorded as starting is started, that is recorded, the
	// file is current. What is only decided is started by the next manager.
	m.lastRequests(ctx)
	m.finish()
	m.startWaiting()
	m.finish()
	close(m.toStart)
	close(m.toCommit)
	helpers.Wait()
	if m.lost == nil {
		m.file.flush(m.checklist, m.seq)
	}
	return err
}

// How long requests are still taken from a broker that does not give again what was not answered, when the manager is to stop:
// until so long none has come, and no longer than lastCall.
const (
	quiet    = 100 * time.Millisecond
	lastCall = 2 * time.Second
)

func (m *Manager) lastRequests(ctx context.Context) {
	if m.tickets || m.lost != nil {
		return
	}
	end := time.After(lastCall)
	for {
		select {
		case batch, ok := <-m.Requests.Receive():
			if !ok {
				return
			}
			m.handle(context.WithoutCancel(ctx), batch)
		case t := <-m.committed:
			m.complete(t)
		case <-time.After(quiet):
			return
		case <-end:
			return
		}
	}
}

// startWaiting hands over all that is recorded as starting and takes the results, unless the state is not ours any more.
func (m *Manager) startWaiting() {
	if m.lost != nil {
		m.waiting = nil
	}
	t := m.turn()
	for len(m.waiting)+len(m.handed) > 0 {
		toStart, first := m.nextStart()
		select {
		case toStart <- first:
			m.handedOver(first)
		case r := <-m.started:
			m.recordStart(t, r)
		}
	}
	m.submit(t)
}

func (m *Manager) loop(ctx context.Context) error {
	work := context.WithoutCancel(ctx) // a rule that is being asked when we are to stop is still heard
	for {
		if ctx.Err() != nil {
			return nil // and if the committer has given up what it could not make durable before the end, that is no error
		}
		if m.lost != nil {
			return m.lost
		}
		requests := m.Requests.Receive()
		if m.pending.size() > maxPending {
			requests = nil // the disk does not keep up: let them wait where they are
		}
		if len(m.policies.held) > 0 {
			m.releaseClears(work)
		}
		toStart, first := m.nextStart()
		select {
		case <-ctx.Done():
			return nil
		case <-m.Store.Lost():
			m.lost, m.pending = errTakenOver, nil // and Run writes nothing more, the checklist file neither
		case toStart <- first:
			m.handedOver(first)
		case batch, ok := <-requests:
			if !ok {
				return fmt.Errorf("connection to the message broker is closed")
			}
			m.handle(work, batch)
		case <-m.gathering.over:
			m.commitNow()
			m.gathering = gathering{}
		case t := <-m.committed:
			m.complete(t)
		case r := <-m.started:
			t := m.turn()
			m.recordStart(t, r)
			m.admit(t)
			m.submit(t)
		case e := <-m.Launcher.Exits():
			t := m.turn()
			m.recordExit(t, e)
			m.submit(t)
		case c := <-m.commands:
			m.drain() // what an operator sees and changes is durable
			m.execute(work, c)
		case err := <-m.failing:
			m.storeTrouble(err)
		case <-m.slow:
			m.storeTrouble(errSlow)
		case c := <-m.reloads:
			m.reload(c)
		case <-m.policies.timer.C:
			m.tick()
		case <-m.file.due():
			m.file.write(m.checklist, m.seq)
		case w := <-m.file.written:
			m.file.done(w)
		}
	}
}

var errTakenOver = errors.New("another manager has taken over the state: this one ends, and has sent and launched nothing since")
