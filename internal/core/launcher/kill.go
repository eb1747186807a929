package launcher

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// ErrEnded is why a signal was not sent: the process is gone.
var ErrEnded = errors.New("the process has ended")

// Kill sends a signal (TERM, KILL, ...) to the process of a launch and to all that it started and that did not leave its session, also
// if the process itself has ended and left those behind. The note, if not empty, says what the signal cannot do and belongs in the
// answer to the operator.
func (la *Launcher) Kill(l *launch.Launch, signal string) (note string, err error) {
	number := unix.SignalNum("SIG" + signal)
	if number == 0 {
		return "", fmt.Errorf("there is no signal %q: use TERM or KILL", signal)
	}
	if !la.alive(l) {
		if la.killLeft(l, number) {
			return "", nil
		}
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

// Left returns the processes of a launch's session that live although its own has ended, as "4711 python3".
func (la *Launcher) Left(l *launch.Launch) (names []string) {
	if la.alive(l) {
		return nil
	}
	la.eachLeft(l, func(pid int, s process.Stat) { names = append(names, fmt.Sprint(pid, " ", s.Name)) })
	return names
}

// killLeft signals what has been left behind, and tells whether there was anything.
func (la *Launcher) killLeft(l *launch.Launch, number syscall.Signal) bool {
	var groups []int
	la.eachLeft(l, func(_ int, s process.Stat) {
		if !slices.Contains(groups, s.Group) {
			groups = append(groups, s.Group)
		}
	})
	for _, group := range groups {
		_ = syscall.Kill(-group, number) // it may end with another
	}
	return len(groups) > 0
}

// eachLeft calls f for each living process of the session of a launch whose own process has ended. The session is another's by now, and
// not touched, if none of its processes has the number of the launch in its environment.
func (la *Launcher) eachLeft(l *launch.Launch, f func(pid int, s process.Stat)) {
	if l.PID <= 0 || l.PIDStart == 0 || l.Boot != "" && l.Boot != la.boot || reused(l) {
		return
	}
	found, ours := map[int]process.Stat{}, false
	members(l.PID, func(pid int, s process.Stat) bool {
		found[pid] = s
		ours = ours || numberOf(pid) == strconv.FormatInt(l.ID, 10)
		return true
	})
	if !ours {
		return
	}
	for _, pid := range slices.Sorted(maps.Keys(found)) {
		f(pid, found[pid])
	}
}
