package launcher

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/launch"
)

// ErrEnded is why a signal was not sent: the process is gone.
var ErrEnded = errors.New("the process has ended")

// Kill sends a signal (TERM, KILL, ...) to the process of a launch and to all that it started and that did not leave its session. The note, if not empty,
// says what the signal cannot do and belongs in the answer to the operator.
func (la *Launcher) Kill(l *launch.Launch, signal string) (note string, err error) {
	number := unix.SignalNum("SIG" + signal)
	if number == 0 {
		return "", fmt.Errorf("there is no signal %q: use TERM or KILL", signal)
	}
	if !la.alive(l) {
		return "", fmt.Errorf("send %s to launch %d (%s, process %d): %w", signal, l.ID, l.Name(), l.PID, ErrEnded)
	}
	// Workers use timeout, mpirun and shells with job control, which make groups of their own; all stay in the session.
	for i, group := range groups(l.PID) {
		err := syscall.Kill(-group, number)
		if i > 0 || err == nil {
			continue // the other groups may end with the first
		}
		if errors.Is(err, syscall.ESRCH) {
			err = ErrEnded
		}
		return "", fmt.Errorf("send %s to launch %d (%s, process %d): %w", signal, l.ID, l.Name(), l.PID, err)
	}
	if l.Host != launch.Localhost && l.Host != "" {
		note = fmt.Sprintf("the ssh process here was signalled; %s itself may live on at %s", l.Name(), l.Host)
	}
	return note, nil
}
