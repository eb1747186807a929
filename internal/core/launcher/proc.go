package launcher

import (
	"slices"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// members calls f for each living process of a session, until it returns false.
func members(session int, f func(pid int, s process.Stat) bool) {
	process.All(func(pid int, s process.Stat) bool { return s.Session != session || s.Dead() || f(pid, s) })
}

// groups returns the process groups of a session, its leader's own first.
func groups(session int) []int {
	found := []int{session}
	members(session, func(_ int, s process.Stat) bool {
		if !slices.Contains(found, s.Group) {
			found = append(found, s.Group)
		}
		return true
	})
	return found
}

// alive tells whether the very process of a launch still runs.
func (la *Launcher) alive(l *launch.Launch) bool {
	if l.PID <= 0 || l.PIDStart == 0 || l.Boot != "" && l.Boot != la.boot {
		return false
	}
	s, err := process.Read(l.PID)
	return err == nil && s.Start == l.PIDStart && !s.Dead()
}
