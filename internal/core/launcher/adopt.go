package launcher

import (
	"errors"

	"nowcast/internal/core/launch"
)

var (
	errAdopted   = errors.New("ended while no manager was running, and so did the shim that waits for it; its exit status is not known")
	errShim      = errors.New("ended, but the shim that waits for it was killed or is stopped; its exit status is not known")
	errNoRecord  = errors.New("ended; nobody wrote down how: it was started by an older version, or its record was removed")
	errRestarted = errors.New("ended with the restart of this machine")
)

// Adopt watches the process of a launch that an earlier manager started. Its Exit is what its shim has written down: all of it, with the
// time at which it happened, also if it ended while no manager ran. It comes at once if the process has ended already. It is
// Unseen, with an Err that says why, if nobody knows: the machine was restarted, or the shim killed. A process that has got the same
// PID is neither watched nor signalled.
func (la *Launcher) Adopt(l *launch.Launch) {
	l = l.Clone()
	r, err := la.read(l)
	if err != nil {
		la.options.Logger.Error("the record of a launch cannot be read", "worker", l.Name(), "launch", l.ID, "err", err)
		r = &record{}
	}
	if l.PID == 0 {
		l.PID, l.PIDStart, l.Boot = r.pid, r.start, r.boot
	}
	if l.Boot == "" || l.Boot == la.boot {
		la.follow(l, r)
		return
	}
	e := la.ending(l, errRestarted)
	la.mu.Lock()
	defer la.mu.Unlock()
	if la.watched != nil {
		la.waiting.Go(func() { la.send(e) }) // in its own goroutine: who calls Adopt may be the one who reads Exits
	}
}

// ending returns how a launch's process ended, as its shim has written it down, or why that is not known.
func (la *Launcher) ending(l *launch.Launch, unknown error) launch.Exit {
	e := launch.Exit{Time: la.options.Now().UTC(), Status: -1, Unseen: true, Err: unknown}
	switch r, err := la.read(l); {
	case err != nil:
		e.Err = err
	case r.pid != l.PID || r.start != l.PIDStart || r.pid == 0:
		if unknown != errRestarted {
			e.Err = errNoRecord
		}
	case r.exit != nil:
		e = *r.exit
		if r.left && r.boot == la.boot {
			e.Left = la.left.of(l.PID)
		}
	}
	e.ID = l.ID
	if throughSSH(l) {
		la.judgeSSH(l, &e)
	}
	return e
}
