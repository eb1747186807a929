package theme

import "nowcast/internal/core/launch"

// State returns the mark and the style of a launch's state: they only repeat what its word says.
func (t *Theme) State(s launch.State) (string, Style) {
	switch s {
	case launch.Decided:
		return t.Mark.Wait, t.Faint
	case launch.Starting:
		return t.Mark.Start, t.Busy
	case launch.Running:
		return t.Mark.Busy, t.Busy
	case launch.Unknown:
		return t.Mark.Lost, t.Warn
	case launch.Succeeded:
		return t.Mark.Good, t.Good
	case launch.Lost:
		return t.Mark.Lost, t.Bad
	}
	return t.Mark.Bad, t.Bad
}
