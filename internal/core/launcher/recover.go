package launcher

import (
	"errors"
	"fmt"

	"nowcast/internal/core/launch"
)

// ErrInDoubt is why it cannot be told whether a launch was started.
var ErrInDoubt = errors.New("it cannot be told whether this worker was started before the manager ended: look for what it does before you launch it again")

// Recover tells, after a restart of the manager, whether a launch that is recorded as starting was started. The record of
// the launch decides, whichever of manager, keeper and shim was killed, and whenever:
//
//   - started: there is, or was, a process, exactly one. Adopt follows it, or tells how it ended.
//   - not started, no error: there was no process and, from now on, nothing that the last manager asked for will make one. Start may
//     be called; so may it not.
//   - ErrInDoubt: the machine was restarted meanwhile (l.Boot is not Boot()), and what was written just before is lost with
//     some file systems; or the output directory was removed, or cannot be read or written; or the record was removed, and a
//     process of the launch runs.
func (la *Launcher) Recover(l *launch.Launch) (launch.Started, bool, error) {
	output := la.OutputFile(l)
	r, err := la.read(l)
	if err == nil && r.size == 0 && la.fresh {
		err = fmt.Errorf("%s was removed, and with it the record", la.options.OutputDir)
	}
	if err == nil && r.size == 0 {
		r, err = la.missed(l, r)
	}
	if err == nil && r.pid == 0 && l.Boot == la.boot {
		r, err = la.cancel(l)
	}
	switch {
	case err != nil:
		return launch.Started{Output: output}, false, fmt.Errorf("%w: %w", ErrInDoubt, err)
	case r.pid != 0:
		return r.started(output), true, nil
	case l.Boot != la.boot:
		return launch.Started{Output: output}, false, fmt.Errorf("%w: this machine has been restarted since", ErrInDoubt)
	}
	return launch.Started{Output: output}, false, nil
}

// missed looks whether a launch without a record runs all the same: whoever removed the record has not ended the worker. It looks once at all
// processes, as hundreds of launches may stand at starting; one that is started after that writes its record first.
func (la *Launcher) missed(l *launch.Launch, r *record) (*record, error) {
	la.looking.Do(func() { la.before = writers() })
	pid, runs := la.before[la.OutputFile(l)]
	if !runs {
		return r, nil
	}
	r, err := la.read(l) // it may have been written meanwhile
	if err == nil && r.size == 0 {
		err = fmt.Errorf("its record beside %s was removed, and process %d of it runs", la.OutputFile(l), pid)
	}
	return r, err
}

// Boot returns the id of this start of the machine. It belongs into the record of a launch before Start, for Recover.
func (la *Launcher) Boot() string { return la.boot }
